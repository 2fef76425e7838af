//! The three serializations (RFC 7515 section 7), taken apart and not yet decoded.

use alloc::borrow::Cow;
use alloc::string::String;

use serde_json::{Map, Value};

use super::JwsError;
use crate::json;

/// The parts of a document, as base64url except for the unprotected header.
pub(super) struct Parts<'a> {
    pub(super) protected: Cow<'a, str>,
    pub(super) unprotected: Map<String, Value>,
    pub(super) payload: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
}

/// Takes a document apart. What begins with a brace is one of the JSON forms, for base64url has none.
pub(super) fn split(document: &[u8]) -> Result<Parts<'_>, JwsError> {
    if document.trim_ascii_start().starts_with(b"{") {
        return match json::parse(document).map_err(JwsError::Json)? {
            Value::Object(members) => json_form(members),
            _ => Err(JwsError::Envelope),
        };
    }
    // Section 7.1: exactly three parts; five are an encrypted document.
    let text = str::from_utf8(document).map_err(|_| JwsError::Envelope)?;
    let mut parts = text.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(protected), Some(payload), Some(signature), None) => Ok(Parts {
            protected: protected.into(),
            unprotected: Map::new(),
            payload: payload.into(),
            signature: signature.into(),
        }),
        _ => Err(JwsError::Envelope),
    }
}

/// Section 7.2. Members that are not known are ignored, as it says.
fn json_form<'a>(mut members: Map<String, Value>) -> Result<Parts<'a>, JwsError> {
    // A payload that is not there stands elsewhere (appendix F): nothing of ours is signed that way.
    let payload = string(&mut members, "payload")?.into();
    // The general form nests what the flattened form does not. With both, two readers could verify two signatures.
    let mut signed = match members.remove("signatures") {
        None => members,
        Some(_) if ["protected", "header", "signature"].iter().any(|name| members.contains_key(*name)) => {
            return Err(JwsError::Envelope);
        }
        Some(Value::Array(signatures)) => {
            let [signature] = <[Value; 1]>::try_from(signatures).map_err(|_| JwsError::SignatureCount)?;
            let Value::Object(members) = signature else { return Err(JwsError::Envelope) };
            members
        }
        Some(_) => return Err(JwsError::Envelope),
    };
    let unprotected = match signed.remove("header") {
        None => Map::new(),
        Some(Value::Object(header)) => header,
        Some(_) => return Err(JwsError::Header),
    };
    // Without a protected header, no algorithm is under the signature.
    if !signed.contains_key("protected") {
        return Err(JwsError::Algorithm);
    }
    let protected = string(&mut signed, "protected")?.into();
    let signature = string(&mut signed, "signature")?.into();
    Ok(Parts { protected, unprotected, payload, signature })
}

fn string(members: &mut Map<String, Value>, name: &str) -> Result<String, JwsError> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(JwsError::Envelope),
    }
}
