//! `features`: what is granted by name.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::{Fields, fields::invalid, named};
use crate::license::FeatureGrant;
use crate::refusal::Refusal;
use crate::types::Attribute;

/// `true`, `false` or an object that may say when the grant ends. A value of another type is of a newer vendor: it is not granted,
/// and told in the license's details.
pub(super) fn read(fields: Fields, told: &mut Vec<Attribute>) -> Result<BTreeMap<String, FeatureGrant>, Refusal> {
    let mut granted = BTreeMap::new();
    let path = fields.path("");
    for (name, value) in fields.into_left() {
        let path = format!("{path}{name}");
        if !named(&name) {
            return Err(invalid(&path));
        }
        match value {
            Value::Bool(false) => {}
            Value::Bool(true) => {
                granted.insert(name, FeatureGrant { expires: None, details: Vec::new() });
            }
            Value::Object(_) => {
                let mut options = Fields::at(&path, value)?;
                let expires = options.instant("expires")?;
                granted.insert(name, FeatureGrant { expires, details: options.shown() });
            }
            _ => told.push(Attribute::new(path, "not granted: of a type that is not known")),
        }
    }
    Ok(granted)
}
