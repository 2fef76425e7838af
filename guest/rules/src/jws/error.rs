//! Why a document is not taken.

use core::fmt;

use crate::json::JsonError;

/// Why a document is not taken. Unless a case says otherwise, it is the fault of who signed it, or of a copy that damaged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// Longer than [`super::MAX_SIZE`].
    TooLarge,
    /// It begins as a JSON form and is not strict JSON.
    Json(JsonError),
    /// None of the three forms: not three parts, a member that is missing or of another type, or two forms mixed. Often the wrong
    /// file was laid out.
    Envelope,
    /// A general form with no signature, or with more than one: it could hold for one reader and not for the next.
    SignatureCount,
    /// A part is not canonical base64url without padding.
    Encoding {
        /// `header`, `payload` or `signature`.
        part: &'static str,
    },
    /// The protected header is not strict JSON.
    HeaderJson(JsonError),
    /// The protected header is no object, or its `kid` or `typ` is no string.
    Header,
    /// A name stands twice in the header, or in the protected and the unprotected one.
    HeaderDuplicate,
    /// A name that is never taken: keys that the document brings along, or a payload that is not as it stands there.
    HeaderRefused {
        /// `jwk`, `jku`, `x5c`, `x5u`, `b64` or `zip`.
        name: &'static str,
    },
    /// The header has `crit`: it asks for an extension, and none is known.
    Critical,
    /// `alg` is missing in the protected header, or is none of the three algorithms. `none` and HMAC are attempts to forge.
    Algorithm,
    /// The key is of another algorithm. The fault of who chose the key, or an attempt to forge.
    AlgorithmMismatch,
    /// The document names another key. The fault of who chose the key.
    KeyMismatch,
    /// The signature does not hold: something was changed, or another key signed it.
    Signature,
}

impl JwsError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Json(error) => error.reason(),
            Self::Envelope => "envelope-invalid",
            Self::SignatureCount => "signature-count",
            Self::Encoding { .. } => "encoding-invalid",
            Self::HeaderJson(JsonError::DuplicateKey { .. }) | Self::HeaderDuplicate => "header-duplicate",
            Self::HeaderJson(_) | Self::Header => "header-invalid",
            Self::HeaderRefused { .. } => "header-refused",
            Self::Critical => "crit-refused",
            Self::Algorithm => "algorithm-refused",
            Self::AlgorithmMismatch => "algorithm-mismatch",
            Self::KeyMismatch => "key-mismatch",
            Self::Signature => "signature-invalid",
        }
    }
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "longer than {} bytes", super::MAX_SIZE),
            Self::Json(error) => error.fmt(f),
            Self::Envelope => f.write_str("neither a compact, a flattened nor a general JSON Web Signature"),
            Self::SignatureCount => f.write_str("not exactly one signature"),
            Self::Encoding { part } => write!(f, "the {part} is not canonical base64url without padding"),
            Self::HeaderJson(error) => write!(f, "the protected header: {error}"),
            Self::Header => f.write_str("the header is no object, or its `kid` or `typ` is no string"),
            Self::HeaderDuplicate => f.write_str("a name stands twice in the header"),
            Self::HeaderRefused { name } => write!(f, "a header with `{name}` is never taken"),
            Self::Critical => f.write_str("the header asks for an extension by `crit`, and none is known"),
            Self::Algorithm => f.write_str("the protected header names none of EdDSA, ES256 and RS256"),
            Self::AlgorithmMismatch => f.write_str("the key is of another algorithm than the document"),
            Self::KeyMismatch => f.write_str("the document names another key"),
            Self::Signature => f.write_str("the signature does not hold"),
        }
    }
}

impl core::error::Error for JwsError {}
