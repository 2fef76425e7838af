//! The names of counters: `use/LIMIT/TENANT/ACCOUNT/PERIOD/GENERATION`, as `wit/counters.wit` fixes them.
//!
//! Each part is percent-encoded: the unreserved characters of RFC 3986 section 2.3 stay, every other byte becomes `%` and two
//! upper-case hexadecimal digits (section 2.1). So there is one name for each counter, and no part can reach into the next.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a counter's name or of a `once` key at most.
pub const LENGTH_MAX: usize = 1024;

const USE: &str = "use";
const OWN: &str = "own";
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// What a counter counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterName<'a> {
    /// The limit's name.
    pub limit: Cow<'a, str>,
    /// Empty where it is counted for the license as a whole.
    pub tenant: Cow<'a, str>,
    /// A license id, or `@customer` where the limit outlives a license.
    pub account: Cow<'a, str>,
    /// The civil label of the period; empty where the limit has none.
    pub period: Cow<'a, str>,
    /// How many signed orders have reset it; empty where none did.
    pub generation: Cow<'a, str>,
}

impl CounterName<'_> {
    /// The name as the store keys it; none where it would be longer than [`LENGTH_MAX`].
    pub fn encode(&self) -> Option<String> {
        join(USE, &[&self.limit, &self.tenant, &self.account, &self.period, &self.generation])
    }

    /// Reads a name back. None: it is not one that [`CounterName::encode`] writes, to the byte.
    pub fn parse(name: &str) -> Option<CounterName<'static>> {
        if name.len() > LENGTH_MAX {
            return None;
        }
        let mut parts = name.split('/');
        if parts.next() != Some(USE) {
            return None;
        }
        let mut part = || decode(parts.next()?).map(Cow::Owned);
        let parsed =
            CounterName { limit: part()?, tenant: part()?, account: part()?, period: part()?, generation: part()? };
        parts.next().is_none().then_some(parsed)
    }
}

/// The name of a counter that is the policy's memory and stands in no report: `own/…`. None where it would be too long.
pub fn own(parts: &[&str]) -> Option<String> {
    join(OWN, parts)
}

/// Parts, each percent-encoded, with slashes between them and `first`, which is as it is. None where that is longer than [`LENGTH_MAX`].
pub(crate) fn join(first: &str, parts: &[&str]) -> Option<String> {
    let mut name = String::with_capacity(parts.iter().fold(first.len(), |length, part| length + 1 + part.len()));
    name.push_str(first);
    for part in parts {
        name.push('/');
        encode(part, &mut name);
        if name.len() > LENGTH_MAX {
            return None;
        }
    }
    Some(name)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends a part, percent-encoded.
pub(crate) fn encode(part: &str, name: &mut String) {
    // Nearly always, and then far quicker.
    if part.bytes().all(is_unreserved) {
        return name.push_str(part);
    }
    for byte in part.bytes() {
        if is_unreserved(byte) {
            name.push(char::from(byte));
        } else {
            name.push('%');
            for digit in [byte >> 4, byte & 0x0F] {
                name.extend(DIGITS.get(usize::from(digit)).copied().map(char::from));
            }
        }
    }
}

/// The part that encodes to exactly this text. None: there is none.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut part = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let byte = digit(bytes.next()?)? << 4 | digit(bytes.next()?)?;
            if is_unreserved(byte) {
                return None;
            }
            part.push(byte);
        } else if is_unreserved(byte) {
            part.push(byte);
        } else {
            return None;
        }
    }
    String::from_utf8(part).ok()
}

fn digit(byte: u8) -> Option<u8> {
    DIGITS.iter().position(|digit| *digit == byte).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name<'a>(limit: &'a str, tenant: &'a str, account: &'a str) -> CounterName<'a> {
        CounterName { limit: limit.into(), tenant: tenant.into(), account: account.into(), ..CounterName::default() }
    }

    #[test]
    fn a_name_is_written_as_the_contract_says() {
        let encoded = name("tokens", "ten/ant ü", "@customer").encode();
        assert_eq!(encoded.as_deref(), Some("use/tokens/ten%2Fant%20%C3%BC/%40customer//"));
        assert_eq!(name("tokens", "", "lic_2026-0042.~").encode().as_deref(), Some("use/tokens//lic_2026-0042.~//"));
        assert_eq!(own(&["seen", "a/b"]).as_deref(), Some("own/seen/a%2Fb"));
    }

    #[test]
    fn what_was_written_reads_back() {
        for one in [name("a/b", "%2F", "é\u{0}"), name("", "", ""), name("x", "", "y")] {
            assert_eq!(CounterName::parse(&one.encode().unwrap()), Some(one));
        }
        let full = CounterName { period: "2026-W47".into(), generation: "3".into(), ..name("l", "t", "a") };
        assert_eq!(CounterName::parse(&full.encode().unwrap()), Some(full));
    }

    #[test]
    fn no_two_counters_share_a_name() {
        assert_ne!(name("a/b", "", "c").encode(), name("a", "b", "c").encode());
        assert_ne!(name("a%2Fb", "", "c").encode(), name("a/b", "", "c").encode());
    }

    #[test]
    fn a_name_that_is_not_canonical_is_refused() {
        for wrong in [
            "",
            "use",
            "use/a/b/c/d",
            "use/a/b/c/d/e/f",
            "own/a/b/c/d/e",
            "Use/a/b/c/d/e",
            "use/%61/b/c/d/e",
            "use/%2f/b/c/d/e",
            "use/%2/b/c/d/e",
            "use/%/b/c/d/e",
            "use/%GG/b/c/d/e",
            "use/a b/b/c/d/e",
            "use/@/b/c/d/e",
            "use/%FF/b/c/d/e",
            "use/ü/b/c/d/e",
        ] {
            assert_eq!(CounterName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_is_never_too_long() {
        let fits = "x".repeat(LENGTH_MAX - "use/////".len());
        assert_eq!(name(&fits, "", "").encode().unwrap().len(), LENGTH_MAX);
        assert_eq!(name(&(fits + "x"), "", "").encode(), None);
        assert_eq!(CounterName::parse(&["use/", &"x".repeat(LENGTH_MAX), "////"].concat()), None);
    }
}
