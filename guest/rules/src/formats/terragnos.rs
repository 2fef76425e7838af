//! Format `terragnos`: JWT with RS256 over `edition`, `features{name: bool}`, `limits{name: number}`, `metadata` and `exp`.
//!
//! Each limit is counted per tenant. `object_count` is a gauge, and every other a quota, unless the key's settings say otherwise.

use alloc::format;
use alloc::string::String;

use serde_json::{Map, Value, json};

use super::draft::{Draft, features};
use super::pointed::{at, required, text, time};
use super::terms::{LimitTerms, Terms};
use super::{EntryError, has, mismatch};
use crate::claims::NAME;
use crate::claims::fields::invalid;
use crate::refusal::Refusal;

/// `limits`, how limits of these names count.
#[derive(Clone, Debug)]
pub struct Settings {
    limits: LimitTerms,
}

impl Settings {
    pub(super) fn read(mut settings: Terms) -> Result<Self, EntryError> {
        let limits = settings.limits()?;
        settings.end().map(|()| Self { limits })
    }

    pub(super) fn draft(&self, payload: &Value) -> Result<Draft, Refusal> {
        if has(payload, &["entitlements", "plan"]) {
            return Err(mismatch());
        }
        let mut draft = Draft::registered(payload)?;
        required(time(payload, "/exp")?, "exp")?;
        draft.set("plan", Some(required(text(payload, "/edition")?, "edition")?));
        if at(payload, "/features").is_some_and(|features| !features.is_object()) {
            return Err(invalid("features"));
        }
        features(&mut draft, payload, "/features")?;
        for (name, max) in object(payload, "limits")? {
            let max = if max.is_null() { None } else { Some(max.as_u64().ok_or_else(|| limit(name))?) };
            if !(1..=NAME).contains(&name.len()) {
                return Err(limit(name));
            }
            draft.limit(name, max, &self.terms(name));
        }
        object(payload, "metadata")?.for_each(|(name, value)| draft.show(name, value));
        draft.show_others(payload, &["edition", "features", "limits", "metadata"]);
        Ok(draft)
    }

    fn terms(&self, name: &str) -> Map<String, Value> {
        let kind = if name == "object_count" { "gauge" } else { "quota" };
        let default = || Map::from_iter([(String::from("kind"), json!(kind))]);
        let mut terms = self.limits.get(name).cloned().unwrap_or_else(default);
        terms.entry("per").or_insert_with(|| json!("tenant"));
        terms
    }
}

/// The members of an object, if it is there.
fn object<'a>(payload: &'a Value, name: &str) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Refusal> {
    match at(payload, &format!("/{name}")) {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(invalid(name)),
    }
    .map(|members| members.into_iter().flatten())
}

fn limit(name: &str) -> Refusal {
    invalid(&format!("limits.{name}"))
}
