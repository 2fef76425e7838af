//! Private keys: made, read, and signing. Nothing here shows a private key; its one way out is [`PrivateKey::to_pem`].

mod jwe;
mod jws;
mod public;
pub(crate) mod trust;

use std::path::Path;

use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use placet_rules::jwk::Algorithm;
use rsa::pkcs1v15;
use rsa::signature::{RandomizedSigner, SignatureEncoding, Signer};
use sha2::Sha256;

pub(crate) use self::jwe::encrypt;
pub(crate) use self::jws::{Form, sign};
pub(crate) use self::public::PublicKey;
use crate::problem::Problem;
use crate::random::SysRng;
use crate::{files, random};

/// NIST SP 800-57 part 1: 2048 bits end with the year 2030, and licenses live long.
const RSA_BITS: usize = 3072;

/// A private key of one of the three algorithms.
pub(crate) enum PrivateKey {
    /// Ed25519: EdDSA.
    Ed25519(ed25519_compact::KeyPair),
    /// P-256: ES256.
    P256(p256::ecdsa::SigningKey),
    /// RSA: RS256.
    Rsa(Box<rsa::RsaPrivateKey>),
}

impl PrivateKey {
    /// Makes a new one.
    pub(crate) fn generate(algorithm: Algorithm) -> anyhow::Result<Self> {
        Ok(match algorithm {
            Algorithm::EdDsa => {
                let seed = ed25519_compact::Seed::new(random::bytes()?);
                Self::Ed25519(ed25519_compact::KeyPair::try_from_seed(seed)?)
            }
            Algorithm::Es256 => Self::P256(p256::ecdsa::SigningKey::try_generate_from_rng(&mut SysRng)?),
            Algorithm::Rs256 => Self::Rsa(Box::new(rsa::RsaPrivateKey::new(&mut random::generator(), RSA_BITS)?)),
        })
    }

    /// Reads PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`) from a file, or from `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        Self::from_pem(&files::read_text(path)?).ok_or_else(|| {
            Problem::of(
                "key-malformed",
                format!("`{}` is not a private key of Ed25519, P-256 or RSA in PKCS#8 PEM", path.display()),
            )
            .with_help(
                "give the `.key` file that `placet key new` wrote; `openssl pkcs8 -topk8 -nocrypt` converts other forms",
            )
        })
    }

    /// Reads PKCS#8 PEM.
    pub(crate) fn from_pem(pem: &str) -> Option<Self> {
        if let Ok(pair) = ed25519_compact::KeyPair::from_pem(pem) {
            return Some(Self::Ed25519(pair));
        }
        if let Ok(key) = p256::ecdsa::SigningKey::from_pkcs8_pem(pem) {
            return Some(Self::P256(key));
        }
        rsa::RsaPrivateKey::from_pkcs8_pem(pem).ok().map(|key| Self::Rsa(Box::new(key)))
    }

    /// PKCS#8 PEM, which is to go into a file that only its owner reads.
    pub(crate) fn to_pem(&self) -> anyhow::Result<String> {
        Ok(match self {
            Self::Ed25519(pair) => pair.sk.to_pem(),
            Self::P256(key) => key.to_pkcs8_pem(LineEnding::LF)?.to_string(),
            Self::Rsa(key) => key.to_pkcs8_pem(LineEnding::LF)?.to_string(),
        })
    }

    /// Its public half.
    pub(crate) fn public(&self) -> anyhow::Result<PublicKey> {
        match self {
            Self::Ed25519(pair) => PublicKey::ed25519(&pair.pk),
            Self::P256(key) => PublicKey::p256(&key.verifying_key().into()),
            Self::Rsa(key) => PublicKey::rsa(&key.to_public_key()),
        }
    }

    /// Signs, in the form of RFC 7518 section 3.1 and RFC 8037.
    fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            Self::Ed25519(pair) => pair.sk.sign(message, None).to_vec(),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message)?;
                signature.to_vec()
            }
            // The randomness blinds the computation; the signature is the same every time (RFC 8017 section 8.2).
            Self::Rsa(key) => {
                pkcs1v15::SigningKey::<Sha256>::new((**key).clone()).try_sign_with_rng(&mut SysRng, message)?.to_vec()
            }
        })
    }
}
