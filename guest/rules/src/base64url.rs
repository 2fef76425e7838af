//! base64url without padding (RFC 4648 section 5, RFC 7515 appendix C), canonical alone: each sequence of bytes has one text.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};

/// The text is not canonical base64url: padding, white space, a character of another alphabet, an impossible length, or bits
/// that stand for nothing and are not zero. The fault of who wrote the text, or of a copy that damaged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodingError;

impl EncodingError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        "encoding-invalid"
    }
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not canonical base64url without padding")
    }
}

impl core::error::Error for EncodingError {}

/// Decodes canonical text, and no other. The empty text is no bytes.
pub fn decode(text: &str) -> Result<Vec<u8>, EncodingError> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| EncodingError)
}

/// The text of these bytes.
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfcs_go_both_ways() {
        let examples: [(&[u8], &str); 6] = [
            (b"", ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (&[3, 236, 255, 224, 193], "A-z_4ME"),
            (&[0xff, 0xff, 0xff], "____"),
        ];
        for (bytes, text) in examples {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Ok(bytes));
        }
    }

    #[test]
    fn any_other_spelling_is_refused() {
        for text in
            ["A", "Zg=", "Zg==", "Zh", "Zm9", "Zm9vA", "Zm 9v", "Zm9v\n", "\nZm9v", "Zm+v", "Zm/v", "Zm9v.", "Zmé", "="]
        {
            assert_eq!(decode(text), Err(EncodingError), "{text:?}");
        }
    }

    #[test]
    fn no_two_texts_of_up_to_three_characters_decode_to_the_same_bytes() {
        let alphabet: Vec<char> = (0..128u8).map(char::from).collect();
        for first in &alphabet {
            for second in &alphabet {
                let mut text = String::from_iter([first, second]);
                assert!(decode(&text).is_err() || encode(&decode(&text).unwrap()) == text, "{text:?}");
                for third in ['A', 'E', 'B', '=', '\n', '_'] {
                    text.push(third);
                    assert!(decode(&text).is_err() || encode(&decode(&text).unwrap()) == text, "{text:?}");
                    text.pop();
                }
            }
        }
    }
}
