//! How values are read, and what is said of those that cannot be.

use std::time::Duration;

use jiff::SignedDuration;

/// `NAME=VALUE`.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

pub(super) fn fact(text: &str) -> Result<Fact, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Fact { name: name.to_owned(), value: value.to_owned() }),
        _ => Err("write NAME=VALUE, such as environment=production".to_owned()),
    }
}

/// One millisecond at least.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .filter(|time| *time >= Duration::from_millis(1))
        .ok_or_else(|| "write a length of time such as 10m, 90s or 500ms".to_owned())
}

/// The same, or none.
pub(super) fn duration_or_none(text: &str) -> Result<Duration, String> {
    match text.parse::<SignedDuration>() {
        Ok(SignedDuration::ZERO) => Ok(Duration::ZERO),
        _ => duration(text),
    }
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "write a whole number from 1 on".to_owned())
}

/// What is held in memory for each of many clients.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let fits = |size: &usize| (1_024..=16 << 20).contains(size);
    text.parse().ok().filter(fits).ok_or_else(|| "write a number of bytes from 1024 to 16777216".to_owned())
}

pub(super) fn enabled(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        _ => Err("no key turns enforcement off: a product that is to run without a license is given one by its vendor, such as a trial; \
                  leave the key away, or say true"
            .to_owned()),
    }
}

/// It goes into a JSON string and an HTTP body: what a URI is made of (RFC 3986), and nothing else.
pub(super) fn type_base(text: &str) -> Result<String, String> {
    let is_uri = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    };
    if text.contains(':') && text.bytes().all(is_uri) {
        Ok(text.to_owned())
    } else {
        Err("write the beginning of a URI, such as https://example.com/problems/".to_owned())
    }
}

/// A name of a metric (OpenMetrics 1.0.0, section "ABNF"), with dots in it.
pub(super) fn metrics_prefix(text: &str) -> Result<String, String> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.".contains(&byte);
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.len() <= 64 && text.bytes().all(inner) {
        Ok(text.to_owned())
    } else {
        Err("write a letter, and then letters, digits, `_` and `.`, such as acme.license".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_unit_and_are_not_nothing() {
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        for text in ["", "5", "-1s", "0s", "soon", "1ns"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(duration_or_none("0s"), Ok(Duration::ZERO));
        assert!(duration_or_none("-1s").is_err() && duration_or_none("1ns").is_err());
    }

    #[test]
    fn enforcement_is_not_turned_off() {
        assert_eq!(enabled("true"), Ok(true));
        for text in ["false", "0", "no", "off", ""] {
            assert!(enabled(text).unwrap_err().contains("no key turns enforcement off"), "{text}");
        }
    }

    #[test]
    fn a_type_begins_like_a_uri() {
        assert!(type_base("https://example.com/problems/").is_ok() && type_base("urn:acme:").is_ok());
        for text in ["", "problems/", "https://a b", "https://a\"b", "https://ä/"] {
            assert!(type_base(text).is_err(), "{text}");
        }
    }
}
