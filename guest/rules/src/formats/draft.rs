//! The claims of `placet/1` that another format's come to.

use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Map, Value, json};

use super::pointed::{self, at, text};
use crate::claims::fields::invalid;
use crate::claims::{self, Claims, NAME, Origin};
use crate::duration::SECOND;
use crate::refusal::Refusal;
use crate::types::Instant;

/// Claims in the making.
#[derive(Default)]
pub(super) struct Draft {
    claims: Map<String, Value>,
    features: Map<String, Value>,
    limits: Map<String, Value>,
    metadata: Map<String, Value>,
    file_expires: Option<Instant>,
}

/// The registered claims (RFC 7519 section 4.1).
pub(super) const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

impl Draft {
    /// With the registered claims of a JWT, which mean the same everywhere; times are whole seconds.
    pub(super) fn registered(payload: &Value) -> Result<Self, Refusal> {
        if !payload.is_object() {
            return Err(invalid(""));
        }
        let mut draft = Self::default();
        for name in REGISTERED {
            draft.set(name, at(payload, &format!("/{name}")).cloned());
        }
        Ok(draft)
    }

    /// A claim of `placet/1`, in place of one that is there. None: leaves it as it is.
    pub(super) fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.claims.insert(name.to_string(), value.into());
        }
    }

    /// A text from elsewhere, as this claim.
    pub(super) fn text(&mut self, name: &str, payload: &Value, pointer: &str) -> Result<(), Refusal> {
        self.set(name, text(payload, pointer)?);
        Ok(())
    }

    /// A time, as this claim. What is below a second is cut off: a license ends rather too early than too late.
    pub(super) fn time(&mut self, name: &str, instant: Option<Instant>) {
        self.set(name, instant.map(|instant| instant / SECOND));
    }

    /// A feature, granted or not.
    pub(super) fn feature(&mut self, name: &str, granted: bool) {
        self.features.insert(name.to_string(), Value::Bool(granted));
    }

    /// A limit; none is unlimited.
    pub(super) fn limit(&mut self, name: &str, max: Option<u64>, terms: &Map<String, Value>) {
        let mut limit = terms.clone();
        limit.insert(String::from("max"), json!(max));
        self.limits.insert(name.to_string(), Value::Object(limit));
    }

    /// Something to show.
    pub(super) fn show(&mut self, name: &str, value: &Value) {
        self.metadata.insert(name.to_string(), value.clone());
    }

    /// When the file ends that the license was handed out in, whatever the license does. The earliest that is said counts.
    pub(super) fn file_expires(&mut self, instant: Option<Instant>) {
        self.file_expires = instant.into_iter().chain(self.file_expires).min();
    }

    /// Everything of a payload that is not named, to show.
    pub(super) fn show_others(&mut self, payload: &Value, known: &[&str]) {
        let others = payload.as_object().into_iter().flatten();
        for (name, value) in
            others.filter(|(name, _)| !known.contains(&name.as_str()) && !REGISTERED.contains(&name.as_str()))
        {
            self.show(name, value);
        }
    }

    /// The license that these claims make.
    pub(super) fn finish(mut self, origin: Origin) -> Result<Claims, Refusal> {
        for (name, part) in [("features", self.features), ("limits", self.limits), ("metadata", self.metadata)] {
            self.claims.insert(name.to_string(), Value::Object(part));
        }
        let mut claims = claims::read(Value::Object(self.claims), origin)?;
        let license = &mut claims.license;
        license.file_expires = self.file_expires;
        // Of a file that is checked out for a month, 30 days would be a warning from the first day on.
        if let (Some(end), Some(issued)) = (license.file_expires, license.issued) {
            license.warn_expiring = license.warn_expiring.min(end.saturating_sub(issued) / 4);
        }
        Ok(claims)
    }
}

/// Features as a list of names, or by name with true or false.
pub(super) fn features(draft: &mut Draft, payload: &Value, pointer: &str) -> Result<(), Refusal> {
    let named = |name: &str| if (1..=NAME).contains(&name.len()) { Ok(()) } else { Err(invalid(pointer)) };
    match at(payload, pointer) {
        None => Ok(()),
        Some(Value::Array(_)) => pointed::list(payload, pointer)?
            .into_iter()
            .flatten()
            .try_for_each(|name| named(&name).map(|()| draft.feature(&name, true))),
        Some(Value::Object(features)) => features.iter().try_for_each(|(name, granted)| {
            named(name)?;
            let granted = granted.as_bool().ok_or_else(|| invalid(&format!("{pointer}/{name}")))?;
            draft.feature(name, granted);
            Ok(())
        }),
        Some(_) => Err(invalid(pointer)),
    }
}
