//! The names of counters, as far as the host tells them apart: `use/LIMIT/TENANT/ACCOUNT/PERIOD/GENERATION`, each part percent-encoded
//! (`wit/counters.wit`).

use std::fmt::Write as _;

/// What is used.
pub(crate) const USE: &str = "use/";
/// What was used beyond what a reservation could be charged for, in the same parts.
pub(crate) const EXCESS: &str = "excess/";

/// Does the counter stand for usage, and not for what a policy remembers?
pub(crate) fn is_usage(counter: &str) -> bool {
    counter.starts_with(USE)
}

/// Does the counter count this limit?
pub(crate) fn is_of(counter: &str, limit: &str) -> bool {
    counter.strip_prefix(USE).and_then(|parts| parts.split('/').next()) == Some(&encoded(limit))
}

/// What the names of all counters of a limit begin with.
pub(crate) fn of(limit: &str) -> String {
    format!("{USE}{}/", encoded(limit))
}

/// A part of a name, as it was before it was encoded; none where it is not one.
pub(crate) fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        (rest, bytes) = match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                let byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
                bytes.push(byte);
                (after, bytes)
            }
            (b'%', _) => return None,
            _ => {
                bytes.push(*byte);
                (after, bytes)
            }
        };
    }
    String::from_utf8(bytes).ok()
}

/// The counter of the excess beside this one.
pub(crate) fn excess_beside(counter: &str) -> Option<String> {
    counter.strip_prefix(USE).map(|parts| format!("{EXCESS}{parts}"))
}

/// The counter of the excess of a limit, where nothing is counted that could tell more.
pub(crate) fn excess_of(limit: &str, tenant: Option<&str>) -> String {
    format!("{EXCESS}{}/{}///", encoded(limit), encoded(tenant.unwrap_or_default()))
}

/// Of a counter of excess: is it of this limit, tenant and period?
pub(crate) fn is_excess_of(counter: &str, limit: &str, tenant: Option<&str>, period: Option<&str>) -> bool {
    let mut parts = counter.strip_prefix(EXCESS).unwrap_or_default().split('/');
    let mut is = |text: &str| parts.next() == Some(&encoded(text));
    let names = is(limit) && is(tenant.unwrap_or_default());
    names && period.is_none_or(|period| parts.nth(1) == Some(&encoded(period)))
}

/// The unreserved characters of RFC 3986 section 2.3 stay, every other byte becomes `%` and two upper-case hexadecimal digits.
fn encoded(part: &str) -> String {
    part.bytes().fold(String::with_capacity(part.len()), |mut name, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            name.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(name, "%{byte:02X}");
        }
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_their_parts() {
        assert!(is_of("use/a%2Fb%C3%A9/t1/@customer//", "a/bé"));
        assert!(!is_of("use/ab/t1///", "a") && !is_of("own/a/b", "a") && !is_of("excess/a////", "a"));
        let excess = excess_beside("use/a/t1/%40customer/2026-11%40UTC/").unwrap();
        assert_eq!(excess, "excess/a/t1/%40customer/2026-11%40UTC/");
        assert_eq!(excess_beside("own/a"), None);
        assert!(is_excess_of(&excess, "a", Some("t1"), Some("2026-11@UTC")));
        assert!(is_excess_of(&excess, "a", Some("t1"), None));
        assert!(
            !is_excess_of(&excess, "a", None, None) && !is_excess_of(&excess, "a", Some("t1"), Some("2026-12@UTC"))
        );
        assert_eq!(of("a/b"), "use/a%2Fb/");
        for part in ["", "a/bé%", "~.-_"] {
            assert_eq!(decoded(&encoded(part)).as_deref(), Some(part));
        }
        assert_eq!((decoded("%2"), decoded("%zz"), decoded("%FF")), (None, None, None));
        assert!(is_excess_of(&excess_of("b c", None), "b c", None, None));
    }
}
