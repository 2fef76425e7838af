//! Arguments that need more than their type says to be read, or to be told what is wrong with them.

use std::time::Duration;

use placet_rules::duration;

use crate::artifact::Version;

/// `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as environment=production".to_owned()),
    }
}

/// A whole number, in digits alone.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("write a whole number from 0 to {}, in digits alone", u64::MAX))
}

/// A length of time.
pub(crate) fn term(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .map(Duration::from_millis)
        .ok_or_else(|| "write a length of time such as 10m, 90s or 500ms".to_owned())
}

/// A version.
pub(crate) fn version(text: &str) -> Result<Version, String> {
    text.parse().map_err(|error| format!("{error}; write a semantic version such as 1.2.0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_alone() {
        assert_eq!(number("0"), Ok(0));
        assert_eq!(number("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "-1", "+1", "1.5", "1e3", "many", "18446744073709551616", "1 "] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
