//! Does the signature hold?

use ed25519_compact as ed25519;
use p256::ecdsa::{self, signature::Verifier};
use rsa::Pkcs1v15Sign;
use sha2::{Digest, Sha256};

use super::JwsError;
use crate::jwk::Material;

/// Checks the signature over these bytes.
///
/// Ed25519 as RFC 8032 section 5.1.7: S below the order of the group, A and R in their one encoding and not of small order. ES256
/// as RFC 7518 section 3.4: R and S of 32 bytes each, from 1 up to the order; both signs of S are taken, since signers give both.
/// RS256 as RFC 8017 section 8.2.2: as long as the modulus, and compared with the one encoding of the hash.
pub(crate) fn check(key: &Material, signed: &[u8], signature: &[u8]) -> Result<(), JwsError> {
    let holds = match key {
        Material::Ed25519(key) => {
            ed25519::Signature::from_slice(signature).is_ok_and(|signature| key.verify(signed, &signature).is_ok())
        }
        Material::P256(key) => {
            ecdsa::Signature::from_slice(signature).is_ok_and(|signature| key.verify(signed, &signature).is_ok())
        }
        Material::Rsa(key) => key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(signed), signature).is_ok(),
    };
    if holds { Ok(()) } else { Err(JwsError::Signature) }
}
