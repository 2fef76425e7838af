//! Typed values at JSON pointers (RFC 6901). In the formats of others a member that is null is as good as absent; one of another type
//! refuses the document.

use alloc::string::{String, ToString};

use serde_json::Value;

use crate::claims::fields::{invalid, texts};
use crate::instant;
use crate::refusal::Refusal;
use crate::types::Instant;

use alloc::vec::Vec;

/// What stands there, if anything does.
pub(super) fn at<'a>(document: &'a Value, pointer: &str) -> Option<&'a Value> {
    document.pointer(pointer).filter(|value| !value.is_null())
}

/// A value of a type of one's own.
pub(super) fn typed<T>(
    document: &Value,
    pointer: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    at(document, pointer).map(|value| read(value).ok_or_else(|| invalid(pointer))).transpose()
}

pub(super) fn text(document: &Value, pointer: &str) -> Result<Option<String>, Refusal> {
    typed(document, pointer, |value| value.as_str().map(ToString::to_string))
}

pub(super) fn list(document: &Value, pointer: &str) -> Result<Option<Vec<String>>, Refusal> {
    typed(document, pointer, |value| texts(value.clone()))
}

pub(super) fn amount(document: &Value, pointer: &str) -> Result<Option<u64>, Refusal> {
    typed(document, pointer, Value::as_u64)
}

pub(super) fn flag(document: &Value, pointer: &str) -> Result<Option<bool>, Refusal> {
    typed(document, pointer, Value::as_bool)
}

/// Seconds since 1970 (RFC 7519 NumericDate, whole), or a time of RFC 3339.
pub(super) fn time(document: &Value, pointer: &str) -> Result<Option<Instant>, Refusal> {
    typed(document, pointer, |value| match value {
        Value::String(text) => instant::from_text(text),
        number => number.as_u64().and_then(instant::from_seconds),
    })
}

/// A value that must be there.
pub(super) fn required<T>(value: Option<T>, pointer: &str) -> Result<T, Refusal> {
    value.ok_or_else(|| invalid(pointer))
}
