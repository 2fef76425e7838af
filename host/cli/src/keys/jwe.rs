//! Encrypts a signed license as JWE (RFC 7516): compact, `dir`, `A256GCM`.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use placet_rules::{base64url, formats};
use serde_json::json;

use crate::problem::Problem;
use crate::random;

/// Hides a signed document from everyone without the secret. The name of the secret stands in the open.
pub(crate) fn encrypt(document: &str, name: &str, secret: &str) -> Result<String, Problem> {
    let unfit = || Problem::of("secret-malformed", format!("the file for `{name}` holds no secret"));
    let key = formats::key_of(secret.trim()).ok_or_else(unfit)?;
    let cipher = Aes256Gcm::new_from_slice(key.as_slice()).map_err(|_| unfit())?;
    let header = json!({ "alg": "dir", "enc": "A256GCM", "kid": name, "cty": "jose" });
    // RFC 7516 section 5.1: the header is authenticated as it stands; with `dir` the encrypted key is empty.
    let protected = base64url::encode(header.to_string().as_bytes());
    let nonce: [u8; 12] = random::bytes()?;
    let payload = Payload { msg: document.trim().as_bytes(), aad: protected.as_bytes() };
    let sealed = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| unfit())?;
    let (text, tag) = sealed.split_at(sealed.len().saturating_sub(16));
    let [nonce, text, tag] = [&nonce, text, tag].map(base64url::encode);
    Ok(format!("{protected}..{nonce}.{text}.{tag}\n"))
}
