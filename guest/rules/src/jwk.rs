//! Public keys as JSON Web Keys (RFC 7517), of the three kinds that sign documents: Ed25519 (RFC 8037), P-256 and RSA (RFC 7518).

mod algorithm;
mod error;
mod material;

use alloc::string::{String, ToString};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use self::algorithm::Algorithm;
pub use self::error::KeyError;
pub(crate) use self::material::Material;
use crate::{base64url, json};

/// A public key that is fit to verify signatures. It fixes their algorithm.
#[derive(Clone, Debug)]
pub struct PublicKey {
    kid: Option<String>,
    thumbprint: String,
    material: Material,
}

impl PublicKey {
    /// Parses one JWK. Members that are not known are ignored (RFC 7517 section 4).
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::from_value(&json::parse(text.as_bytes()).map_err(KeyError::Json)?)
    }

    /// Reads one JWK that [`json::parse`] parsed, such as an entry of a manifest.
    ///
    /// Refused are, besides what is no JWK of the three kinds: sets of keys, private and symmetric keys, keys whose `use`,
    /// `key_ops` or `alg` exclude verifying with the algorithm of their kind, RSA outside of 2048 to 8192 bits or with an
    /// exponent that is below 3, even or above 2^33, points that are not on their curve or of small order, and numbers that are
    /// not of their one encoding.
    pub fn from_value(jwk: &Value) -> Result<Self, KeyError> {
        let members = Members(jwk.as_object().ok_or(KeyError::NoKey)?);
        // 1. One key (RFC 7517 section 5 is for sets), and the public half of it: whoever lays out a private key has leaked it.
        if members.0.contains_key("keys") {
            return Err(KeyError::NoKey);
        }
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| members.0.contains_key(*name)) {
            return Err(KeyError::Private);
        }
        // 2. The numbers.
        let material = Material::read(&members)?;
        // 3. What it is for (RFC 7517 sections 4.2 to 4.4), where it says so.
        if members.optional("use")?.is_some_and(|usage| usage != "sig") {
            return Err(KeyError::Purpose { member: "use" });
        }
        if members.0.get("key_ops").is_some_and(|operations| !allow_verifying(operations)) {
            return Err(KeyError::Purpose { member: "key_ops" });
        }
        if members.optional("alg")?.is_some_and(|name| Algorithm::from_name(name) != Some(material.algorithm())) {
            return Err(KeyError::Purpose { member: "alg" });
        }
        let kid = members.optional("kid")?.map(ToString::to_string);
        let thumbprint = thumbprint(&members, material.required_members())?;
        Ok(Self { kid, thumbprint, material })
    }

    /// The algorithm of its signatures.
    pub fn algorithm(&self) -> Algorithm {
        self.material.algorithm()
    }

    /// Its `kid`, where it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The SHA-256 thumbprint of RFC 7638, as base64url: 43 characters.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// What to call it: its `kid`, or else its thumbprint.
    pub fn id(&self) -> &str {
        self.kid().unwrap_or(&self.thumbprint)
    }

    pub(crate) fn material(&self) -> &Material {
        &self.material
    }
}

/// `key_ops` is a list of strings without repetition; `verify` must be one of them.
fn allow_verifying(operations: &Value) -> bool {
    let Some(operations) = operations.as_array() else { return false };
    operations.iter().filter(|operation| *operation == "verify").count() == 1 && operations.iter().all(Value::is_string)
}

/// RFC 7638 section 3: the required members alone, in the order of their names. Their values were read as base64url, or are
/// names: none of them needs an escape.
fn thumbprint(members: &Members<'_>, required: &[&'static str]) -> Result<String, KeyError> {
    let mut hash = Sha256::new();
    let mut before = "{\"";
    for member in required {
        for part in [before, member, "\":\"", members.required(member)?] {
            hash.update(part);
        }
        before = "\",\"";
    }
    hash.update("\"}");
    Ok(base64url::encode(&hash.finalize()))
}

/// The members of a JWK.
struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    /// A string that must be there.
    fn required(&self, member: &'static str) -> Result<&'a str, KeyError> {
        self.optional(member)?.ok_or(KeyError::Member { member })
    }

    /// A string, if the member is there at all.
    fn optional(&self, member: &'static str) -> Result<Option<&'a str>, KeyError> {
        let value = self.0.get(member).map(|value| value.as_str().ok_or(KeyError::Member { member }));
        value.transpose()
    }
}
