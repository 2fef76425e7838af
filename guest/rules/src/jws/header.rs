//! The JOSE header (RFC 7515 section 4): what it may and may not say.

use alloc::string::{String, ToString};

use serde_json::Value;

use super::JwsError;
use super::envelope::Parts;
use crate::jwk::Algorithm;
use crate::{base64url, json};

/// Names that are refused wherever they stand. Keys come from the policy's manifest alone (`jwk`, `jku`, `x5c`, `x5u`: RFC 7515
/// sections 4.1.2 to 4.1.6); a payload is what stands there (`b64`: RFC 7797, `zip`: RFC 7516).
const REFUSED: [&str; 6] = ["jwk", "jku", "x5c", "x5u", "b64", "zip"];

/// What the header says of the signature. Names that are not known are ignored (RFC 7515 section 4).
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
}

impl Header {
    pub(super) fn read(parts: &Parts<'_>) -> Result<Self, JwsError> {
        let bytes = base64url::decode(&parts.protected).map_err(|_| JwsError::Encoding { part: "header" })?;
        let protected = json::parse(&bytes).map_err(JwsError::HeaderJson)?;
        let protected = protected.as_object().ok_or(JwsError::Header)?;
        // 1. No name stands in both (RFC 7515 section 4).
        if parts.unprotected.keys().any(|name| protected.contains_key(name)) {
            return Err(JwsError::HeaderDuplicate);
        }
        let member = |name| protected.get(name).or_else(|| parts.unprotected.get(name));
        // 2. No extension is known, so that none can be critical (section 4.1.11), protected or, where it must not be, not.
        if member("crit").is_some() {
            return Err(JwsError::Critical);
        }
        // 3. Nothing that would change the key or the payload.
        if let Some(name) = REFUSED.into_iter().find(|name| member(name).is_some()) {
            return Err(JwsError::HeaderRefused { name });
        }
        // 4. The algorithm is under the signature.
        let algorithm = protected.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
        Ok(Self {
            algorithm: algorithm.ok_or(JwsError::Algorithm)?,
            kid: text(member("kid"))?,
            typ: text(member("typ"))?,
        })
    }
}

/// A string, if it is there at all.
fn text(value: Option<&Value>) -> Result<Option<String>, JwsError> {
    value.map(|value| value.as_str().map(ToString::to_string).ok_or(JwsError::Header)).transpose()
}
