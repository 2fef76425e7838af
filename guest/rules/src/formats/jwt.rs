//! Format `jwt`: any JWT, by a map of its claims in the key's settings, so that the tokens a vendor issues already are licenses.
//!
//! ```json
//! { "id": "/license/number", "customer": "/org/name", "plan": "/tier", "expires": "/license/until", "features": "/license/features",
//!   "limits": { "tokens": { "pointer": "/license/quota/tokens", "kind": "quota", "reset": "month" } } }
//! ```
//!
//! What is not mapped is read from the registered claims (RFC 7519 section 4.1), and these hold beside what is mapped: a token ends with
//! its `exp` even where the license in it goes on.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::EntryError;
use super::draft::{Draft, features};
use super::pointed::{amount, at, required, text, time};
use super::terms::{self, Terms};
use crate::refusal::Refusal;

/// Texts that can be mapped, and the claims of `placet/1` that they become.
const TEXTS: [(&str, &str); 6] =
    [("id", "jti"), ("issuer", "iss"), ("subject", "sub"), ("customer", "customer"), ("plan", "plan"), ("sku", "sku")];

/// Where the parts of a license stand in a token, as JSON pointers (RFC 6901).
#[derive(Clone, Debug)]
pub struct ClaimMap {
    /// By the claim of `placet/1`.
    texts: Vec<(&'static str, String)>,
    issued: Option<String>,
    starts: Option<String>,
    expires: Option<String>,
    /// May `expires` and `starts` be missing in the token? Without this, a token without an end would never end.
    optional: Vec<String>,
    features: Option<String>,
    limits: BTreeMap<String, Limit>,
}

#[derive(Clone, Debug)]
struct Limit {
    pointer: String,
    terms: Map<String, Value>,
}

impl ClaimMap {
    pub(super) fn read(mut settings: Terms) -> Result<Self, EntryError> {
        let mut texts = Vec::new();
        for (name, claim) in TEXTS {
            texts.extend(pointer(&mut settings, name)?.map(|pointer| (claim, pointer)));
        }
        let map = Self {
            texts,
            issued: pointer(&mut settings, "issued")?,
            starts: pointer(&mut settings, "starts")?,
            expires: pointer(&mut settings, "expires")?,
            optional: settings.texts("optional")?,
            features: pointer(&mut settings, "features")?,
            limits: settings.entries("limits", limit)?,
        };
        if map.optional.iter().any(|name| !["starts", "expires"].contains(&name.as_str())) {
            return Err(terms::unfit("optional"));
        }
        settings.end().map(|()| map)
    }

    pub(super) fn draft(&self, payload: &Value) -> Result<Draft, Refusal> {
        let mut draft = Draft::registered(payload)?;
        for (claim, pointer) in &self.texts {
            draft.set(claim, text(payload, pointer)?);
        }
        if let Some(pointer) = &self.issued {
            draft.time("iat", time(payload, pointer)?);
        }
        let (starts, expires) =
            (self.bound(payload, "starts", &self.starts)?, self.bound(payload, "expires", &self.expires)?);
        draft.time("nbf", starts.into_iter().chain(time(payload, "/nbf")?).max());
        draft.time("exp", expires.into_iter().chain(time(payload, "/exp")?).min());
        if let Some(pointer) = &self.features {
            features(&mut draft, payload, pointer)?;
        }
        for (name, limit) in &self.limits {
            match payload.pointer(&limit.pointer) {
                // What a token does not name is not licensed.
                None => {}
                Some(Value::Null) => draft.limit(name, None, &limit.terms),
                Some(_) => draft.limit(name, amount(payload, &limit.pointer)?, &limit.terms),
            }
        }
        Ok(draft)
    }

    fn bound(&self, payload: &Value, name: &str, pointer: &Option<String>) -> Result<Option<u64>, Refusal> {
        let Some(pointer) = pointer else { return Ok(None) };
        let is_optional = self.optional.iter().any(|optional| optional == name);
        if is_optional && at(payload, pointer).is_none() {
            return Ok(None);
        }
        required(time(payload, pointer)?, pointer).map(Some)
    }
}

fn limit(path: &str, setting: Value) -> Result<Limit, EntryError> {
    let Value::Object(mut terms) = setting else { return Err(terms::unfit(path)) };
    let pointer = match terms.remove("pointer") {
        Some(Value::String(pointer)) if is_pointer(&pointer) => pointer,
        _ => return Err(terms::unfit(path)),
    };
    Ok(Limit { pointer, terms: terms::limit(path, Value::Object(terms))? })
}

fn pointer(settings: &mut Terms, name: &str) -> Result<Option<String>, EntryError> {
    match settings.text(name)? {
        Some(pointer) if !is_pointer(&pointer) => Err(terms::unfit(name)),
        pointer => Ok(pointer),
    }
}

/// RFC 6901 section 3, but for the pointer to the whole.
fn is_pointer(text: &str) -> bool {
    let escapes_are_known = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && escapes_are_known
}
