//! The name of a policy, `vendor/product`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest vendor or product part, in bytes.
const MAX_PART: usize = 64;

/// A policy's name, `vendor/product`: two parts of 1 to 64 bytes each, of `a-z`, `0-9`, `-`, `_` and `.`, beginning with a
/// letter or digit. Safe as a file name and in a counter's key; compared bytewise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PolicyName(String);

/// Text that is no policy name. The fault is whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no policy name; write vendor/product, each of 1 to 64 of a-z, 0-9, -, _ and ., beginning with a letter or digit"
)]
pub struct NameError(String);

impl PolicyName {
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the slash.
    #[must_use]
    pub fn vendor(&self) -> &str {
        self.parts().0
    }

    /// The part after the slash.
    #[must_use]
    pub fn product(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once('/').unwrap_or((&self.0, ""))
    }
}

impl FromStr for PolicyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((vendor, product)) if is_part(vendor) && is_part(product) => Ok(Self(text.to_owned())),
            _ => Err(NameError(text.chars().take(2 * MAX_PART + 1).collect())),
        }
    }
}

impl TryFrom<String> for PolicyName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<PolicyName> for String {
    fn from(name: PolicyName) -> Self {
        name.0
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One side of the slash.
pub(crate) fn is_part(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= MAX_PART
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_plain_parts() {
        let name: PolicyName = "acme/router-2.x".parse().unwrap();
        assert_eq!((name.vendor(), name.product()), ("acme", "router-2.x"));
        for text in ["", "acme", "acme/", "/router", "acme/../x", "acme/..", "Acme/router", "a/b/c", "acme/*", "a/b\n"]
        {
            assert!(text.parse::<PolicyName>().is_err(), "{text}");
        }
        assert!(format!("a/{}", "b".repeat(65)).parse::<PolicyName>().is_err());
    }
}
