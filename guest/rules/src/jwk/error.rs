//! Why a key is not taken.

use core::fmt;

use crate::json::JsonError;

/// Why a JWK is not taken. It is always the fault of who made the key or laid it out, never of what it should verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The text is not strict JSON.
    Json(JsonError),
    /// It is not one key: no object, or a set of keys.
    NoKey,
    /// It is a private or a symmetric key, where only a public one belongs. A private key that was laid out must be replaced.
    Private,
    /// A `kty` or `crv` of which no key verifies documents.
    Kind,
    /// The key's own `use`, `key_ops` or `alg` excludes verifying signatures with the algorithm of its kind.
    Purpose {
        /// The member that excludes it.
        member: &'static str,
    },
    /// A member is missing, or is no string.
    Member {
        /// The member.
        member: &'static str,
    },
    /// A member is not canonical base64url without padding.
    Encoding {
        /// The member.
        member: &'static str,
    },
    /// The numbers are no key: of another length, with leading zeros, or no point of the curve in its one encoding.
    Numbers,
    /// A key that does not protect: RSA outside of 2048 to 8192 bits or with an exponent that is below 3, even or above 2^33, or
    /// a point of small order.
    Weak,
}

impl KeyError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Json(error) => error.reason(),
            Self::NoKey | Self::Private | Self::Kind | Self::Purpose { .. } | Self::Member { .. } | Self::Numbers => {
                "key-unfit"
            }
            Self::Encoding { .. } => "encoding-invalid",
            Self::Weak => "key-weak",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the key is no JSON: {error}"),
            Self::NoKey => f.write_str("not one JSON Web Key"),
            Self::Private => f.write_str("not a public key: lay out only its public half"),
            Self::Kind => f.write_str("neither an Ed25519, a P-256 nor an RSA key"),
            Self::Purpose { member } => write!(f, "the key's `{member}` excludes verifying with it"),
            Self::Member { member } => write!(f, "the key's `{member}` is missing or no string"),
            Self::Encoding { member } => write!(f, "the key's `{member}` is not canonical base64url without padding"),
            Self::Numbers => f.write_str("the key's numbers are no public key of its kind"),
            Self::Weak => f.write_str("the key is weak: take RSA from 2048 to 8192 bits, or another point"),
        }
    }
}

impl core::error::Error for KeyError {}
