//! TEST keys of every kind, by name: the last character of a name tells keys of one kind apart.

use std::sync::LazyLock;

use ed25519_compact::{KeyPair, Noise, Seed};
use p256::ecdsa::{self, signature::Signer};
use placet_rules::base64url;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::UnwrapErr;
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, pkcs1v15, pss};
use serde_json::{Value, json};
use sha2::Sha256;

/// A TEST key.
pub enum TestKey {
    /// Ed25519.
    Ed25519(KeyPair),
    /// P-256.
    P256(Box<ecdsa::SigningKey>),
    /// RSA with 2048 bits.
    Rsa(&'static RsaPrivateKey),
}

static RSA: LazyLock<[RsaPrivateKey; 2]> = LazyLock::new(|| {
    let read = |pem| RsaPrivateKey::from_pkcs8_pem(pem).expect("a key");
    [read(include_str!("../keys/TEST-rsa.pem")), read(include_str!("../keys/TEST-rsa-2.pem"))]
});

impl TestKey {
    /// `TEST-ed25519`, `TEST-p256`, `TEST-rsa`; each also with `-2`.
    ///
    /// # Panics
    ///
    /// Of a name that is none of these.
    pub fn named(name: &str) -> Self {
        let (kind, second) = name.strip_suffix("-2").map_or((name, false), |kind| (kind, true));
        let seed = [if second { 43 } else { 42 }; 32];
        match kind {
            "TEST-ed25519" => Self::Ed25519(KeyPair::from_seed(Seed::new(seed))),
            "TEST-p256" => Self::P256(Box::new(ecdsa::SigningKey::from_slice(&seed).expect("a key"))),
            "TEST-rsa" => Self::Rsa(&RSA[usize::from(second)]),
            _ => panic!("no TEST key is called `{name}`"),
        }
    }

    /// Its public half as JWK.
    pub fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&*pair.pk)}),
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": base64url::encode(x), "y": base64url::encode(y)})
            }
            Self::Rsa(key) => {
                let number = |number: &rsa::BoxedUint| base64url::encode(&number.to_be_bytes_trimmed_vartime());
                json!({"kty": "RSA", "n": number(key.n()), "e": number(key.e())})
            }
        }
    }

    /// What a JWS calls its algorithm.
    pub fn jws_algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    /// What Keygen calls its algorithm.
    pub fn keygen_algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519",
            Self::P256(_) => "ecdsa-p256",
            Self::Rsa(_) => "rsa-sha256",
        }
    }

    /// Signs as a JWS does.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => pair.sk.sign(message, None::<Noise>).to_vec(),
            Self::P256(key) => Signer::<ecdsa::Signature>::sign(&**key, message).to_vec(),
            Self::Rsa(key) => pkcs1v15::SigningKey::<Sha256>::new((*key).clone()).sign(message).to_vec(),
        }
    }

    /// Signs as Keygen does with this algorithm: P-256 in DER, PSS with the longest salt.
    pub fn sign_keygen(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        match (self, algorithm) {
            (Self::P256(key), _) => Signer::<ecdsa::Signature>::sign(&**key, message).to_der().as_bytes().to_vec(),
            (Self::Rsa(key), "rsa-pss-sha256") => {
                // RFC 8017 section 9.1.1: as long as the modulus, but for the hash and two bytes.
                let salt = key.size() - 32 - 2;
                pss::SigningKey::<Sha256>::new_with_salt_len((*key).clone(), salt)
                    .sign_with_rng(&mut UnwrapErr(getrandom::SysRng), message)
                    .to_vec()
            }
            _ => self.sign(message),
        }
    }
}
