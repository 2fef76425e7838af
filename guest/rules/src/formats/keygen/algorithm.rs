//! The signature algorithms of Keygen.

use p256::ecdsa::{self, signature::Verifier};
use rsa::Pss;
use rsa::traits::SignatureScheme;
use sha2::{Digest, Sha256};

use crate::jwk::{self, Material, PublicKey};
use crate::jws::JwsError;
use crate::jws::signature::check;

/// An algorithm, which the key fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// Ed25519.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rsa,
    /// RSASSA-PSS with SHA-256 for both hashes, and a salt of any length (Keygen takes the longest).
    RsaPss,
    /// ECDSA with P-256 and SHA-256; the signature in DER.
    P256,
}

impl Algorithm {
    /// Of a key of which nothing else is said.
    pub(super) fn of(key: jwk::Algorithm) -> Self {
        match key {
            jwk::Algorithm::EdDsa => Self::Ed25519,
            jwk::Algorithm::Es256 => Self::P256,
            jwk::Algorithm::Rs256 => Self::Rsa,
        }
    }

    /// As a file spells it.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Ed25519, Self::Rsa, Self::RsaPss, Self::P256].into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa-sha256",
            Self::RsaPss => "rsa-pss-sha256",
            Self::P256 => "ecdsa-p256",
        }
    }

    /// The kind of key that it takes.
    pub(super) fn key(self) -> jwk::Algorithm {
        match self {
            Self::Ed25519 => jwk::Algorithm::EdDsa,
            Self::Rsa | Self::RsaPss => jwk::Algorithm::Rs256,
            Self::P256 => jwk::Algorithm::Es256,
        }
    }

    /// Does the signature hold?
    pub(super) fn check(self, key: &PublicKey, signed: &[u8], signature: &[u8]) -> Result<(), JwsError> {
        let holds = match (self, key.material()) {
            (Self::Ed25519, material @ Material::Ed25519(_)) | (Self::Rsa, material @ Material::Rsa(_)) => {
                return check(material, signed, signature);
            }
            // RFC 8017 section 8.1.2; without a length, that of the salt is read off the signature.
            (Self::RsaPss, Material::Rsa(key)) => {
                let scheme = Pss { blinded: false, digest: Sha256::new(), salt_len: None };
                scheme.verify(key, &Sha256::digest(signed), signature).is_ok()
            }
            (Self::P256, Material::P256(key)) => {
                ecdsa::Signature::from_der(signature).is_ok_and(|signature| key.verify(signed, &signature).is_ok())
            }
            _ => return Err(JwsError::AlgorithmMismatch),
        };
        if holds { Ok(()) } else { Err(JwsError::Signature) }
    }
}
