//! The settings of a key in the manifest, taken one by one: one that is not known, or not of its form, makes the entry unfit.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::EntryError;
use crate::claims::{self, NAME, Origin};

/// Settings that were not taken yet.
pub(super) struct Terms(Map<String, Value>);

/// How limits count, by name: the fields that a limit of `placet/1` has, without `max`.
pub(super) type LimitTerms = BTreeMap<String, Map<String, Value>>;

impl Terms {
    pub(super) fn of(settings: &Map<String, Value>) -> Self {
        Self(settings.clone())
    }

    /// A setting whatever it is.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Text that is not empty, if it is there.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, EntryError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(unfit(name)),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, EntryError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(list) => claims::fields::texts(list).ok_or_else(|| unfit(name)),
        }
    }

    /// An object of objects, each with what `read` makes of it.
    pub(super) fn entries<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str, Value) -> Result<T, EntryError>,
    ) -> Result<BTreeMap<String, T>, EntryError> {
        let entries = match self.take(name) {
            None => Map::new(),
            Some(Value::Object(entries)) => entries,
            Some(_) => return Err(unfit(name)),
        };
        let mut found = BTreeMap::new();
        for (entry, value) in entries {
            let path = format!("{name}.{entry}");
            found.insert(entry, read(&path, value)?);
        }
        Ok(found)
    }

    /// `limits`: `{name: kind}` or `{name: {"kind": …, …}}`; what is not named counts as the format has it.
    pub(super) fn limits(&mut self) -> Result<LimitTerms, EntryError> {
        self.entries("limits", limit)
    }

    /// Nothing else was set.
    pub(super) fn end(self) -> Result<(), EntryError> {
        match self.0.keys().next() {
            Some(name) => Err(unfit(name)),
            None => Ok(()),
        }
    }
}

/// The terms of a limit, tried out as a license would have them.
pub(super) fn limit(path: &str, terms: Value) -> Result<Map<String, Value>, EntryError> {
    let terms = match terms {
        Value::String(kind) => Map::from_iter([(String::from("kind"), Value::String(kind))]),
        Value::Object(terms) if !terms.contains_key("max") => terms,
        _ => return Err(unfit(path)),
    };
    let name = path.split_once('.').map_or(path, |(_, name)| name);
    let mut tried = terms.clone();
    tried.insert(String::from("max"), json!(1));
    let known = matches!(terms.get("kind").and_then(Value::as_str), Some("quota" | "gauge" | "rate" | "seats"));
    let read = || claims::read(json!({ "limits": { name: tried } }), nobody());
    if known && (1..=NAME).contains(&name.len()) && read().is_ok() { Ok(terms) } else { Err(unfit(path)) }
}

pub(super) fn unfit(path: &str) -> EntryError {
    EntryError::Setting { path: path.to_string() }
}

/// Where a license comes from decides nothing about its claims.
fn nobody() -> Origin {
    Origin { document: String::new(), key: String::new(), algorithm: String::new(), payload_hash: [0; 32] }
}
