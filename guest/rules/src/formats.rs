//! The formats that a trusted key can sign. Each reads its own documents and normalizes them into the one [`License`]; nothing after
//! that knows the format.
//!
//! The key fixes the format: what a document says of itself never chooses how it is read.
//!
//! [`License`]: crate::license::License

mod coresdk;
mod draft;
pub(crate) mod encrypted;
mod jwt;
pub(crate) mod keygen;
mod pointed;
mod terms;
mod terragnos;

use alloc::string::String;

use serde_json::{Map, Value};

pub use self::encrypted::{key_of, secret_of};

use self::terms::Terms;
use crate::claims::{self, Claims, Origin};
use crate::envelope::Form;
use crate::jwk::{Algorithm, PublicKey};
use crate::reason;
use crate::refusal::Refusal;

/// The names of the formats that these rules read, as an entry of `trust` spells them.
pub const NAMES: [&str; 5] = ["placet/1", "coresdk", "terragnos", "keygen", "jwt"];

/// How the documents of a key are read.
#[derive(Clone, Debug)]
pub enum Format {
    /// JWS over the claims of [`crate::claims`].
    Placet1,
    /// JWS over `plan` and `entitlements`.
    Coresdk(coresdk::Settings),
    /// JWT over `edition`, `features` and `limits`.
    Terragnos(terragnos::Settings),
    /// License files, machine files and signed keys.
    Keygen(keygen::Settings),
    /// Any JWT, by a map of its claims.
    Jwt(jwt::ClaimMap),
}

/// Why an entry of `trust` is of no use. The vendor's fault; the policy passes over such an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryError {
    /// The format is none of [`NAMES`].
    Format,
    /// The format signs with other algorithms than that of the key.
    Algorithm,
    /// A setting is not of the form that it must have, or is not known.
    Setting {
        /// Where it stands, such as `limits.tokens`.
        path: String,
    },
}

impl Format {
    /// The format of this name, with the settings that its key has.
    ///
    /// # Errors
    ///
    /// [`EntryError`].
    pub fn read(name: &str, settings: &Map<String, Value>, key: &PublicKey) -> Result<Self, EntryError> {
        let algorithm = key.algorithm();
        let settings = Terms::of(settings);
        match name {
            "placet/1" => Ok(Self::Placet1),
            "coresdk" if algorithm != Algorithm::EdDsa => coresdk::Settings::read(settings).map(Self::Coresdk),
            "terragnos" if algorithm == Algorithm::Rs256 => terragnos::Settings::read(settings).map(Self::Terragnos),
            "keygen" => keygen::Settings::read(settings, algorithm).map(Self::Keygen),
            "jwt" => jwt::ClaimMap::read(settings).map(Self::Jwt),
            "coresdk" | "terragnos" => Err(EntryError::Algorithm),
            _ => Err(EntryError::Format),
        }
    }

    /// What a payload grants, that a key of this format signed.
    ///
    /// # Errors
    ///
    /// `claim-invalid`, `format-mismatch`, and what else the format refuses.
    pub(crate) fn license(&self, payload: Value, form: Form, origin: Origin) -> Result<Claims, Refusal> {
        let draft = match self {
            Self::Placet1 if has(&payload, &["entitlements", "edition"]) => Err(mismatch()),
            Self::Placet1 => return claims::read(payload, origin),
            Self::Coresdk(settings) => settings.draft(&payload),
            Self::Terragnos(settings) => settings.draft(&payload),
            Self::Keygen(settings) => settings.draft(&payload, form),
            Self::Jwt(map) => map.draft(&payload),
        }?;
        draft.finish(origin)
    }
}

/// What a document of Keygen says of itself, with nothing proven: for display, before anyone is asked for a key.
#[derive(Clone, Debug)]
pub struct Glance {
    /// `license-file`, `machine-file` or `signed-key`.
    pub form: &'static str,
    /// What it names as its encryption and signature; a signed key names none.
    pub algorithm: Option<String>,
    /// Its content, if it is not encrypted; the license key in it is taken out.
    pub content: Option<Value>,
}

/// Looks at a document of Keygen. None: it is none.
pub fn glance(document: &[u8]) -> Option<Glance> {
    keygen::Unverified::read(document.trim_ascii()).ok().map(|document| document.glance())
}

/// Is it the claims of another format? Each of these names is of one format alone, so that no document is read for what it is not.
fn has(payload: &Value, foreign: &[&str]) -> bool {
    foreign.iter().any(|name| payload.get(name).is_some())
}

fn mismatch() -> Refusal {
    Refusal::new(reason::FORMAT_MISMATCH)
}
