//! JSON (RFC 8259), read strictly, so that no two readers understand the same bytes differently.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Bytes of a JSON text at most.
pub const MAX_SIZE: usize = 1 << 20;
/// Arrays and objects within each other at most.
pub const MAX_DEPTH: usize = 32;

/// Why a text is not taken. It is the fault of who wrote the text, or of a copy that damaged it. Lines and columns begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Longer than [`MAX_SIZE`].
    TooLarge,
    /// Not one whole JSON text in UTF-8 without a byte order mark, or a number that no `f64` holds.
    Invalid {
        /// Where it stopped being one.
        line: usize,
        /// Where it stopped being one, in bytes.
        column: usize,
    },
    /// An object names a key twice, be it spelled differently.
    DuplicateKey {
        /// Of the second one.
        line: usize,
        /// Of the second one, in bytes.
        column: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep {
        /// Of what is too deep.
        line: usize,
        /// Of what is too deep, in bytes.
        column: usize,
    },
}

impl JsonError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Invalid { .. } => "json-invalid",
            Self::DuplicateKey { .. } => "json-duplicate-key",
            Self::TooDeep { .. } => "json-too-deep",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "longer than {MAX_SIZE} bytes"),
            Self::Invalid { line, column } => write!(f, "not JSON at line {line} column {column}"),
            Self::DuplicateKey { line, column } => write!(f, "a key stands twice at line {line} column {column}"),
            Self::TooDeep { line, column } => write!(f, "deeper than {MAX_DEPTH} at line {line} column {column}"),
        }
    }
}

impl core::error::Error for JsonError {}

/// Parses one JSON text. Integers from `i64::MIN` to `u64::MAX` are exact; any other number becomes an `f64`, which `as_u64`
/// and `as_i64` of the value do not answer, so that it is never taken for an amount.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    if bytes.len() > MAX_SIZE {
        return Err(JsonError::TooLarge);
    }
    let broken = Cell::new(Rule::Grammar);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Strict { depth: MAX_DEPTH, broken: &broken }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            let (line, column) = (error.line(), error.column());
            match broken.get() {
                Rule::Grammar => JsonError::Invalid { line, column },
                Rule::UniqueKeys => JsonError::DuplicateKey { line, column },
                Rule::Depth => JsonError::TooDeep { line, column },
            }
        })
}

/// Which rule was broken: `serde_json` keeps only the text of our errors.
#[derive(Clone, Copy)]
enum Rule {
    Grammar,
    UniqueKeys,
    Depth,
}

/// Reads one value within which so many levels are left.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    broken: &'a Cell<Rule>,
}

impl Strict<'_> {
    /// For what is within an array or object.
    fn inner<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| self.refuse(Rule::Depth))?;
        Ok(Self { depth, ..self })
    }

    fn refuse<E: Error>(self, rule: Rule) -> E {
        self.broken.set(rule);
        E::custom("")
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(self.refuse(Rule::UniqueKeys));
            }
            object.insert(key, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn integers_are_exact_and_other_numbers_are_no_integers() {
        let value = parse(b"[18446744073709551615,-9223372036854775808,18446744073709551616,1.0,1e2,-0]").unwrap();
        assert_eq!(value[0].as_u64(), Some(u64::MAX));
        assert_eq!(value[1].as_i64(), Some(i64::MIN));
        for index in 2..6 {
            assert_eq!((value[index].as_u64(), value[index].as_i64()), (None, None), "{index}");
        }
    }

    #[test]
    fn a_key_named_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"a":{"b":1,"b":2}}]"#, r#"{"a":1,"\u0061":2}"#, r#"{"":1,"":1}"#] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().reason(), "json-duplicate-key", "{text}");
        }
        assert!(parse(r#"{"a":{"a":1},"A":1,"b":[{"a":1},{"a":1}]}"#.as_bytes()).is_ok());
    }

    #[test]
    fn thirty_two_levels_and_no_more() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
            assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err().reason(), "json-too-deep");
            assert_eq!(parse(open.repeat(100_000).as_bytes()).unwrap_err().reason(), "json-too-deep");
        }
    }

    #[test]
    fn a_mebibyte_and_no_more() {
        let text = |size: usize| format!("\"{}\"", "a".repeat(size - 2));
        assert!(parse(text(MAX_SIZE).as_bytes()).is_ok());
        assert_eq!(parse(text(MAX_SIZE + 1).as_bytes()), Err(JsonError::TooLarge));
    }

    #[test]
    fn what_is_not_one_whole_text_is_refused_with_its_place() {
        assert_eq!(parse(b"{\n \"a\": x}"), Err(JsonError::Invalid { line: 2, column: 7 }));
        for bytes in
            [&b""[..], b"{} {}", b"\xef\xbb\xbf{}", b"\"\xc0\xaf\"", b"\"\\ud800\"", b"{a:1}", b"[1,]", b"01", b"1e999"]
        {
            assert_eq!(parse(bytes).unwrap_err().reason(), "json-invalid", "{bytes:?}");
        }
    }
}
