//! Licenses inside an encrypted envelope, for vendors who want the terms hidden from onlookers: a JWE (RFC 7516) in compact form, with
//! `dir` and `A256GCM`, around a signed JWS. Encrypting proves nothing: the signature inside does (RFC 7519 section 11.2).
//!
//! The header's `kid` names the secret, which is 32 bytes as base64url: too many to be guessed.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::refusal::Refusal;
use crate::secrets::Secrets;
use crate::{aes_gcm, base64url, json, reason};

/// The members that a header may have. There is no use for any other, such as `zip` or `crit`.
const MEMBERS: [&str; 5] = ["alg", "enc", "kid", "typ", "cty"];

/// The name of the secret that opens a document. None: it is not encrypted, or not as it must be.
pub fn secret_of(document: &[u8]) -> Option<String> {
    let [protected, ..] = parts(document.trim_ascii())?;
    secret_name(protected).ok()
}

/// The document inside. None: it is not encrypted.
///
/// # Errors
///
/// `secret-missing`, `secret-wrong`, `algorithm-refused`, and what is wrong with the form.
pub(crate) fn open(document: &[u8], secrets: &Secrets) -> Result<Option<Vec<u8>>, Refusal> {
    // RFC 7516 section 9: five parts are a JWE, three a JWS.
    let Some([protected, key, nonce, text, tag]) = parts(document) else { return Ok(None) };
    let name = secret_name(protected)?;
    if !key.is_empty() {
        // Section 5.2, step 10: with `dir` there is none.
        return Err(Refusal::new(reason::ENVELOPE_INVALID));
    }
    let (nonce, text, tag) = (decode(nonce)?, decode(text)?, decode(tag)?);
    let open = |key| aes_gcm::open(&key, &nonce, &text, &tag, protected.as_bytes());
    let opened = secrets.under(&name).filter_map(key_of).find_map(open);
    opened.map(Some).ok_or_else(|| secrets.refusal(&name))
}

/// The key in a secret, which is 32 bytes as base64url. None: it is anything else.
pub fn key_of(secret: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(base64url::decode(secret).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn parts(document: &[u8]) -> Option<[&str; 5]> {
    let text = str::from_utf8(document).ok().filter(|text| !text.starts_with('{'))?;
    let parts: Vec<&str> = text.splitn(6, '.').collect();
    parts.try_into().ok()
}

fn secret_name(protected: &str) -> Result<String, Refusal> {
    let header = json::parse(&decode(protected)?).map_err(|_| Refusal::new(reason::HEADER_INVALID))?;
    let members = header.as_object().ok_or_else(|| Refusal::new(reason::HEADER_INVALID))?;
    if members.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Refusal::new(reason::HEADER_REFUSED));
    }
    let member = |name| members.get(name).and_then(Value::as_str);
    if member("alg") != Some("dir") || member("enc") != Some("A256GCM") {
        return Err(Refusal::new(reason::ALGORITHM_REFUSED));
    }
    member("kid").filter(|name| !name.is_empty()).map(String::from).ok_or_else(|| Refusal::new(reason::HEADER_INVALID))
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    base64url::decode(part).map_err(|error| Refusal::new(error.reason()))
}
