//! Public keys, in the forms that they come and go in: PEM and JWK.

use std::path::Path;

use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use placet_rules::{base64url, json, jwk};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, RsaPublicKey};
use serde_json::{Map, Value};

use super::PrivateKey;
use crate::artifact::{KeyId, PolicyRoot};
use crate::files;
use crate::problem::Problem;

/// A public key that is fit to verify what it signed.
pub(crate) struct PublicKey {
    key: jwk::PublicKey,
    jwk: Map<String, Value>,
    pem: String,
}

impl PublicKey {
    /// Reads the public half of what a file holds: public or private key in PEM, a public JWK, or the bare bytes of an Ed25519 key in
    /// hex, as Keygen shows them.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = files::read_text(path)?;
        if text.trim_start().starts_with('{') {
            return Self::from_jwk(&text).map_err(|error| {
                let message = format!("`{}` is not a public JWK that can be used", path.display());
                Problem::of("key-unfit", message)
                    .with_help("give one public key of kty OKP (Ed25519), EC (P-256) or RSA")
                    .because(error)
                    .into()
            });
        }
        if let Some(bytes) = from_hex(text.trim()) {
            return Self::ed25519(&ed25519_compact::PublicKey::new(bytes));
        }
        Self::from_pem(&text)?.ok_or_else(|| {
            let message = format!("`{}` holds no key of Ed25519, P-256 or RSA", path.display());
            let help =
                "give a key in PEM (`PUBLIC KEY` or PKCS#8 `PRIVATE KEY`), a public JWK, or 64 hex digits of Ed25519";
            Problem::of("key-unfit", message).with_help(help).into()
        })
    }

    pub(super) fn ed25519(key: &ed25519_compact::PublicKey) -> anyhow::Result<Self> {
        let members = [("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", base64url::encode(key.as_ref()))];
        Self::new(&members, key.to_pem())
    }

    pub(super) fn p256(key: &p256::PublicKey) -> anyhow::Result<Self> {
        let point = key.to_sec1_point(false);
        let coordinate =
            |bytes: Option<&p256::FieldBytes>| bytes.map(|bytes| base64url::encode(bytes)).unwrap_or_default();
        let members =
            [("kty", "EC".into()), ("crv", "P-256".into()), ("x", coordinate(point.x())), ("y", coordinate(point.y()))];
        Self::new(&members, key.to_public_key_pem(LineEnding::LF)?)
    }

    pub(super) fn rsa(key: &RsaPublicKey) -> anyhow::Result<Self> {
        let number = |number: &BoxedUint| base64url::encode(&number.to_be_bytes_trimmed_vartime());
        let members = [("kty", "RSA".into()), ("n", number(key.n())), ("e", number(key.e()))];
        Self::new(&members, key.to_public_key_pem(LineEnding::LF)?)
    }

    /// JWS algorithm.
    pub(crate) fn algorithm(&self) -> jwk::Algorithm {
        self.key.algorithm()
    }

    /// What licenses name it by: the `kid` of the JWK it was read from, else its thumbprint (RFC 7638).
    pub(crate) fn kid(&self) -> &str {
        self.key.id()
    }

    /// The JWK (RFC 7517) with `kid`, `alg` and `use`.
    pub(crate) fn jwk(&self) -> Map<String, Value> {
        let mut jwk = self.jwk.clone();
        for (name, value) in [("kid", self.kid()), ("alg", self.algorithm().as_str()), ("use", "sig")] {
            jwk.insert(name.to_owned(), value.into());
        }
        jwk
    }

    /// The same key as SubjectPublicKeyInfo in PEM (RFC 7468 section 13).
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// How signed policies name it, if it can sign any: Ed25519 alone can.
    pub(crate) fn policy_key(&self) -> Option<KeyId> {
        PolicyRoot::from_pem(&self.pem).ok().map(|root| root.key_id())
    }

    fn new(members: &[(&str, String)], pem: String) -> anyhow::Result<Self> {
        let jwk: Map<_, _> = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
        Ok(Self { key: jwk::PublicKey::from_value(&jwk.clone().into())?, jwk, pem })
    }

    fn from_pem(text: &str) -> anyhow::Result<Option<Self>> {
        if let Some(private) = PrivateKey::from_pem(text) {
            return private.public().map(Some);
        }
        if let Ok(key) = ed25519_compact::PublicKey::from_pem(text) {
            return Self::ed25519(&key).map(Some);
        }
        if let Ok(key) = p256::PublicKey::from_public_key_pem(text) {
            return Self::p256(&key).map(Some);
        }
        RsaPublicKey::from_public_key_pem(text).ok().map(|key| Self::rsa(&key)).transpose()
    }

    fn from_jwk(text: &str) -> anyhow::Result<Self> {
        let value = json::parse(text.as_bytes())?;
        let key = jwk::PublicKey::from_value(&value)?;
        // From here on every member is known to be there and to be what its kind asks for.
        let number = |name: &str| base64url::decode(value.get(name).and_then(Value::as_str).unwrap_or_default());
        let read = match key.algorithm() {
            jwk::Algorithm::EdDsa => Self::ed25519(&ed25519_compact::PublicKey::from_slice(&number("x")?)?)?,
            jwk::Algorithm::Es256 => {
                let point = [vec![4], number("x")?, number("y")?].concat();
                Self::p256(&p256::PublicKey::from_sec1_bytes(&point)?)?
            }
            jwk::Algorithm::Rs256 => {
                let number = |name| Ok::<_, anyhow::Error>(BoxedUint::from_be_slice_vartime(&number(name)?));
                Self::rsa(&RsaPublicKey::new(number("n")?, number("e")?)?)?
            }
        };
        Ok(Self { key, ..read })
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes: Vec<u8> = digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    bytes.try_into().ok().filter(|_| text.len() == 64)
}
