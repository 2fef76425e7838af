//! JSON Web Signatures (RFC 7515): compact, flattened and general, with the algorithms of [`crate::jwk`] and no other.
//!
//! What was signed are the bytes as received; nothing is serialized again to be checked. What a document holds is told only by
//! [`Verified`], which only a signature that holds makes.
//!
//! ```
//! use placet_rules::{jwk::PublicKey, jws};
//!
//! // The example of RFC 8037 appendix A.
//! let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
//! let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6d\
//!              WbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
//!
//! let verified = jws::verify(token.as_bytes(), &PublicKey::parse(key)?)?;
//! assert_eq!(verified.payload(), b"Example of Ed25519 signing");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod envelope;
mod error;
mod header;
pub(crate) mod signature;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use self::error::JwsError;
use self::header::Header;
use crate::base64url;
use crate::jwk::{Algorithm, PublicKey};

/// Bytes of a document at most.
pub const MAX_SIZE: usize = crate::json::MAX_SIZE;

/// Reads a document up to its signature, so that the key can be chosen by [`Unverified::kid`].
///
/// White space may surround the two JSON forms (RFC 8259), not a compact token (RFC 7515 section 5.2, step 2): who reads tokens
/// from files trims them.
pub fn read(document: &[u8]) -> Result<Unverified, JwsError> {
    if document.len() > MAX_SIZE {
        return Err(JwsError::TooLarge);
    }
    let parts = envelope::split(document)?;
    let header = Header::read(&parts)?;
    let payload = base64url::decode(&parts.payload).map_err(|_| JwsError::Encoding { part: "payload" })?;
    let signature = base64url::decode(&parts.signature).map_err(|_| JwsError::Encoding { part: "signature" })?;
    // RFC 7515 section 5.1, step 8: ASCII(BASE64URL(UTF8(JWS Protected Header)) || '.' || BASE64URL(JWS Payload)).
    let signed = [parts.protected.as_ref(), ".", parts.payload.as_ref()].concat();
    Ok(Unverified { header, signed, payload, signature })
}

/// Reads a document and verifies it with the one key that can have signed it.
pub fn verify(document: &[u8], key: &PublicKey) -> Result<Verified, JwsError> {
    read(document)?.verify(key)
}

/// A well-formed document. Nothing that it says is proven, and its payload is not to be had.
#[derive(Clone, Debug)]
pub struct Unverified {
    header: Header,
    /// The bytes under the signature.
    signed: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Unverified {
    /// The algorithm that the document names.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The key that it names.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The type that it names, such as `license+jws`.
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// Verifies the signature. Refused where the key is of another algorithm or of another `kid`, before anything is computed.
    pub fn verify(&self, key: &PublicKey) -> Result<Verified, JwsError> {
        if key.algorithm() != self.header.algorithm {
            return Err(JwsError::AlgorithmMismatch);
        }
        if self.kid().zip(key.kid()).is_some_and(|(named, given)| named != given) {
            return Err(JwsError::KeyMismatch);
        }
        signature::check(key.material(), self.signed.as_bytes(), &self.signature)?;
        Ok(Verified {
            payload: self.payload.clone(),
            algorithm: self.header.algorithm,
            kid: self.kid().map(ToString::to_string),
        })
    }
}

/// What a signature holds for. Only [`verify`] and [`Unverified::verify`] make it.
#[derive(Clone, Debug)]
pub struct Verified {
    payload: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
}

impl Verified {
    /// What was signed: any bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What was signed: any bytes.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// The algorithm of the signature.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that the document names. It agrees with the key that verified it, where that has a `kid`; a JSON form may name it
    /// outside of what is signed.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}
