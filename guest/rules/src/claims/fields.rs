//! The members of one JSON object, taken one by one with their types checked; what is left at the end is unknown.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::types::{Attribute, Duration, Instant};
use crate::{duration, instant, reason, refusal::Refusal};

/// Bytes of one value that are shown; the rest is cut off.
const SHOWN: usize = 256;
/// Details of one license, or of a part of it, that are kept for display.
pub(super) const DETAILS: usize = 64;

/// An object inside the claims. A member that is `null` is present, and of the wrong type: otherwise `"exp": null` would be a
/// license without end.
pub(crate) struct Fields {
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The claims themselves.
    pub(crate) fn claims(value: Value) -> Result<Self, Refusal> {
        Self::at("", value)
    }

    /// The object that stands at a path.
    pub(crate) fn at(path: &str, value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(map) => Ok(Self { path: path.to_string(), map }),
            _ => Err(invalid(path)),
        }
    }

    /// Where a member of it stands, such as `limits.tokens.max`.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    /// What was not taken, for display.
    pub(crate) fn shown(&self) -> Vec<Attribute> {
        self.map.iter().take(DETAILS).map(|(name, value)| shown(name, value.clone())).collect()
    }

    /// A member whatever it is.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    /// Is there such a member, not taken yet?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        self.typed(name, |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// Text that is not empty.
    pub(crate) fn name(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let text = self.text(name)?;
        if text.as_ref().is_some_and(String::is_empty) { Err(invalid(&self.path(name))) } else { Ok(text) }
    }

    /// Text, of which an absence and the empty text are the same.
    pub(crate) fn words(&mut self, name: &str) -> Result<String, Refusal> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    /// A list of texts; an empty list is refused, since nobody could tell whether it means none or all.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let list = self.typed(name, texts)?;
        if list.as_ref().is_some_and(Vec::is_empty) {
            Err(invalid(&self.path(name)))
        } else {
            Ok(list.unwrap_or_default())
        }
    }

    pub(crate) fn amount(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        self.typed(name, |value| value.as_u64())
    }

    /// 1 to 100.
    pub(crate) fn percent(&mut self, name: &str) -> Result<Option<u8>, Refusal> {
        self.typed(name, |value| {
            value.as_u64().and_then(|value| u8::try_from(value).ok()).filter(|value| (1..=100).contains(value))
        })
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, |value| value.as_bool())
    }

    pub(crate) fn instant(&mut self, name: &str) -> Result<Option<Instant>, Refusal> {
        self.typed(name, |value| value.as_u64().and_then(instant::from_seconds))
    }

    pub(crate) fn duration(&mut self, name: &str) -> Result<Option<Duration>, Refusal> {
        self.typed(name, |value| value.as_str().and_then(duration::parse))
    }

    /// An object; one that is absent has no members.
    pub(crate) fn object(&mut self, name: &str) -> Result<Self, Refusal> {
        let path = self.path(name);
        match self.take(name) {
            Some(value) => Self::at(&path, value),
            None => Ok(Self { path, map: Map::new() }),
        }
    }

    /// A member of a type of one's own. Absent is fine, any other type is not.
    pub(crate) fn typed<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Option<T>) -> Result<Option<T>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| invalid(&self.path(name))),
        }
    }

    /// The names of what was not taken, in order.
    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    /// What was not taken.
    pub(crate) fn into_left(self) -> Map<String, Value> {
        self.map
    }
}

/// The claim at this path is not what it must be.
pub(crate) fn invalid(path: &str) -> Refusal {
    Refusal::at(reason::CLAIM_INVALID, "claim", clipped(path.to_string()))
}

/// A value for a person: text as it stands, anything else as compact JSON; bounded.
pub(crate) fn shown(name: impl Into<String>, value: Value) -> Attribute {
    Attribute::new(
        name,
        clipped(match value {
            Value::String(text) => text,
            other => other.to_string(),
        }),
    )
}

/// A list of texts.
pub(crate) fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(list) = value else { return None };
    list.into_iter().map(|item| if let Value::String(text) = item { Some(text) } else { None }).collect()
}

fn clipped(mut text: String) -> String {
    if text.len() > SHOWN {
        text.truncate(text.floor_char_boundary(SHOWN));
        text.push('…');
    }
    text
}
