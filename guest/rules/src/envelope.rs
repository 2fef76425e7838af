//! What a document is wrapped in: told by its first bytes, read up to its signature, and opened where it is encrypted.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::formats::{Format, encrypted, keygen};
use crate::jws;
use crate::manifest::TrustedKey;
use crate::reason;
use crate::refusal::Refusal;
use crate::secrets::Secrets;
use crate::types::Attribute;

/// A well-formed document. Nothing that it says is proven.
#[derive(Clone, Debug)]
pub(crate) enum Envelope {
    /// A JWS, which may have been encrypted as a whole.
    Jws(jws::Unverified),
    /// A document of Keygen.
    Keygen(keygen::Unverified),
}

/// What kind of document a payload was signed as; the signature covers that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The payload of a JWS.
    Jws,
    /// A license file of Keygen.
    LicenseFile,
    /// A machine file.
    MachineFile,
    /// The dataset of a signed key.
    SignedKey,
}

/// What a trusted key signed.
#[derive(Clone, Debug)]
pub(crate) enum Verified {
    Jws(jws::Verified),
    Keygen(keygen::Sealed, keygen::Settings),
}

/// What a document holds that a trusted key signed.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    pub(crate) form: Form,
    pub(crate) algorithm: String,
    pub(crate) bytes: Vec<u8>,
}

impl Envelope {
    pub(crate) fn read(document: &[u8], secrets: &Secrets) -> Result<Self, Refusal> {
        let document = document.trim_ascii();
        if keygen::looks_like(document) {
            return keygen::Unverified::read(document).map(Self::Keygen);
        }
        let opened = encrypted::open(document, secrets)?;
        let document = opened.as_deref().map_or(document, <[u8]>::trim_ascii);
        jws::read(document).map(Self::Jws).map_err(|error| Refusal::new(error.reason()))
    }

    /// The key that it names.
    pub(crate) fn kid(&self) -> Option<&str> {
        match self {
            Self::Jws(document) => document.kid(),
            Self::Keygen(_) => None,
        }
    }

    /// The type that it names.
    pub(crate) fn typ(&self) -> Option<&str> {
        match self {
            Self::Jws(document) => document.typ(),
            Self::Keygen(_) => None,
        }
    }

    pub(crate) fn verify(&self, trusted: &TrustedKey) -> Result<Verified, Refusal> {
        match (self, &trusted.format) {
            (Self::Keygen(document), Format::Keygen(settings)) => {
                document.verify(&trusted.key, settings).map(|sealed| Verified::Keygen(sealed, settings.clone()))
            }
            (Self::Keygen(_), _) | (_, Format::Keygen(_)) => Err(Refusal::new(reason::FORMAT_MISMATCH)),
            (Self::Jws(document), _) => {
                document.verify(&trusted.key).map(Verified::Jws).map_err(|error| Refusal::new(error.reason()))
            }
        }
    }
}

impl Verified {
    /// Decrypts what was signed encrypted: never before the signature held.
    pub(crate) fn open(self, secrets: &Secrets, deployment: &[Attribute]) -> Result<Payload, Refusal> {
        match self {
            Self::Jws(verified) => {
                let algorithm = verified.algorithm().to_string();
                Ok(Payload { form: Form::Jws, algorithm, bytes: verified.into_payload() })
            }
            Self::Keygen(sealed, settings) => {
                let (form, algorithm) = (sealed.form(), sealed.algorithm());
                Ok(Payload { form, algorithm, bytes: sealed.open(&settings, secrets, deployment)? })
            }
        }
    }
}
