//! The numbers of a key, checked.

use alloc::vec::Vec;

use ed25519_compact as ed25519;
use p256::ecdsa;
use p256::elliptic_curve::point::AffineCoordinates;
use rsa::{BoxedUint, RsaPublicKey};

use super::{Algorithm, KeyError, Members};
use crate::base64url;

/// Bits of an RSA modulus. Below, NIST SP 800-131A; above, verifying takes too long.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=8192;
/// Bytes of a coordinate, or of a point of Ed25519.
const COORDINATE: usize = 32;

/// What a signature is verified with.
#[derive(Clone, Debug)]
pub(crate) enum Material {
    Ed25519(ed25519::PublicKey),
    P256(ecdsa::VerifyingKey),
    Rsa(RsaPublicKey),
}

impl Material {
    pub(super) fn read(members: &Members<'_>) -> Result<Self, KeyError> {
        match (members.required("kty")?, members.optional("crv")?) {
            ("OKP", Some("Ed25519")) => ed25519_point(members).map(Self::Ed25519),
            ("EC", Some("P-256")) => p256_point(members).map(Self::P256),
            ("RSA", None) => rsa_numbers(members).map(Self::Rsa),
            _ => Err(KeyError::Kind),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
            Self::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// The members of which RFC 7638 section 3.2 makes the thumbprint, in their order.
    pub(super) fn required_members(&self) -> &'static [&'static str] {
        match self {
            Self::Ed25519(_) => &["crv", "kty", "x"],
            Self::P256(_) => &["crv", "kty", "x", "y"],
            Self::Rsa(_) => &["e", "kty", "n"],
        }
    }
}

/// RFC 8037 section 2: `x` is the point as RFC 8032 section 5.1.2 encodes it.
fn ed25519_point(members: &Members<'_>) -> Result<ed25519::PublicKey, KeyError> {
    let key = ed25519::PublicKey::new(coordinate(members, "x")?);
    match key.validate() {
        Ok(()) => Ok(key),
        Err(ed25519::Error::WeakPublicKey) => Err(KeyError::Weak),
        Err(_) => Err(KeyError::Numbers),
    }
}

/// RFC 7518 section 6.2.1: both coordinates in full length.
fn p256_point(members: &Members<'_>) -> Result<ecdsa::VerifyingKey, KeyError> {
    let (x, y) = (coordinate(members, "x")?, coordinate(members, "y")?);
    // None where they are too large, or no point of the curve.
    let point = p256::AffinePoint::from_coordinates(&x.into(), &y.into()).into_option().ok_or(KeyError::Numbers)?;
    ecdsa::VerifyingKey::from_affine(point).map_err(|_| KeyError::Numbers)
}

/// RFC 7518 section 6.3.1: modulus and exponent.
fn rsa_numbers(members: &Members<'_>) -> Result<RsaPublicKey, KeyError> {
    let modulus = number(members, "n")?;
    let exponent = number(members, "e")?;
    if modulus.len() > RSA_BITS.end() / 8 || exponent.len() > 8 {
        return Err(KeyError::Weak);
    }
    let exponent = exponent.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    if exponent < 3 || exponent % 2 == 0 {
        return Err(KeyError::Weak);
    }
    // The crate refuses an exponent above 2^33 - 1.
    let modulus = BoxedUint::from_be_slice_vartime(&modulus);
    RsaPublicKey::new_with_size_limits(modulus, exponent.into(), RSA_BITS).map_err(|error| match error {
        rsa::Error::ModulusTooSmall | rsa::Error::ModulusTooLarge | rsa::Error::PublicExponentTooLarge => {
            KeyError::Weak
        }
        _ => KeyError::Numbers,
    })
}

fn coordinate(members: &Members<'_>, member: &'static str) -> Result<[u8; COORDINATE], KeyError> {
    decode(members, member)?.try_into().map_err(|_| KeyError::Numbers)
}

/// A Base64urlUInt (RFC 7518 section 2): no byte more than needed, so that a number has one encoding and a key one thumbprint.
fn number(members: &Members<'_>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    let bytes = decode(members, member)?;
    if bytes.first().is_none_or(|first| *first == 0) { Err(KeyError::Numbers) } else { Ok(bytes) }
}

fn decode(members: &Members<'_>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(members.required(member)?).map_err(|_| KeyError::Encoding { member })
}
