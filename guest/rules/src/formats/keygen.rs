//! Format `keygen`: the license files, machine files and signed keys of Keygen (<https://keygen.sh/docs/api/cryptography/>).
//!
//! A file ends by itself, apart from the license in it: a license that goes on needs a file that was checked out anew.

mod algorithm;
mod container;
mod model;

use alloc::string::String;

use serde_json::{Map, Value, json};

use self::algorithm::Algorithm;
pub(crate) use self::container::{Sealed, Unverified, looks_like};
use super::EntryError;
use super::draft::Draft;
use super::terms::{self, LimitTerms, Terms};
use crate::envelope::Form;
use crate::jwk;
use crate::refusal::Refusal;

/// The secrets that are tried unless told: the license keys that the customer has.
const SECRET: &str = "license-key";
/// Limits that a license can have: as Keygen spells them, as they are called here, and how they count.
const LIMITS: [(&str, &str, &str); 7] = [
    ("maxUses", "uses", "quota"),
    ("maxMachines", "machines", "seats"),
    ("maxProcesses", "processes", "seats"),
    ("maxUsers", "users", "seats"),
    ("maxCores", "cores", "seats"),
    ("maxMemory", "memory", "seats"),
    ("maxDisk", "disk", "seats"),
];

/// What is fixed for a key of Keygen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `algorithm`: which of the two of RSA; that of the key unless told.
    algorithm: Algorithm,
    /// `secret`: what opens its files.
    secret: String,
    /// `product` and `account`: the ids that a document must be of, since one key signs for all products of an account.
    product: Option<String>,
    account: Option<String>,
    /// `limits`: how limits count, beyond what the format says.
    limits: LimitTerms,
}

impl Settings {
    pub(super) fn read(mut settings: Terms, key: jwk::Algorithm) -> Result<Self, EntryError> {
        let algorithm = match settings.text("algorithm")? {
            None => Algorithm::of(key),
            Some(name) => Algorithm::named(&name).ok_or_else(|| terms::unfit("algorithm"))?,
        };
        if algorithm.key() != key {
            return Err(EntryError::Algorithm);
        }
        let read = Self {
            algorithm,
            secret: settings.text("secret")?.unwrap_or_else(|| String::from(SECRET)),
            product: settings.text("product")?,
            account: settings.text("account")?,
            limits: settings.limits()?,
        };
        let unknown = read.limits.keys().find(|name| !LIMITS.iter().any(|(_, known, _)| known == name));
        match unknown {
            Some(name) => Err(terms::unfit(&alloc::format!("limits.{name}"))),
            None => settings.end().map(|()| read),
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn draft(&self, payload: &Value, form: Form) -> Result<Draft, Refusal> {
        match form {
            Form::LicenseFile => model::license_file(self, payload),
            Form::MachineFile => model::machine_file(self, payload),
            Form::SignedKey => model::signed_key(self, payload),
            Form::Jws => Err(super::mismatch()),
        }
    }

    /// How a limit counts. Uses can be taken back, as with Keygen, and all of it is counted per license.
    fn terms(&self, name: &str, kind: &str, license: &str) -> Map<String, Value> {
        let default = || Map::from_iter([(String::from("kind"), json!(kind))]);
        let mut terms = self.limits.get(name).cloned().unwrap_or_else(default);
        if terms.get("kind").is_some_and(|kind| kind == "quota") {
            terms.entry("refund").or_insert(Value::Bool(true));
        }
        terms.entry("account").or_insert_with(|| json!(license));
        terms
    }
}
