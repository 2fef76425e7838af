//! Receipts: the vendor has heard of an installation, so that its licenses need not check in for a while.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Addressee;
use crate::claims::fields::{Fields, invalid};
use crate::license::License;
use crate::reason;
use crate::refusal::Refusal;
use crate::types::{Attribute, Instant};

/// A receipt. Of several, the one that reaches furthest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// `jti`, for people; may be empty.
    pub id: String,
    /// `sub` and `licenses`; one of them must be there.
    pub addressee: Addressee,
    /// `fingerprint`: it is for this installation alone; none: for each that has the license.
    pub fingerprint: Option<String>,
    /// When the vendor heard of it: `iat`.
    heard: Instant,
    /// `until`: no check-in is due before; unless told, the license's own `check_in.every` after `iat`.
    until: Option<Instant>,
}

impl Receipt {
    /// When the next check-in of this license is due. None: the receipt is not about it, or it need not check in.
    pub fn due(&self, license: &License) -> Option<Instant> {
        let check_in = license.check_in.filter(|_| self.addressee.covers(license))?;
        Some(self.until.unwrap_or(self.heard.saturating_add(check_in.every)))
    }

    /// Refused where it was bound to another installation.
    pub(crate) fn is_for(&self, deployment: &[Attribute]) -> Result<(), Refusal> {
        let Some(bound) = &self.fingerprint else { return Ok(()) };
        let mut own = deployment.iter().filter(|fact| fact.name.starts_with("fingerprint/"));
        match own.any(|fact| fact.value.eq_ignore_ascii_case(bound)) {
            true => Ok(()),
            false => Err(Refusal::at(reason::ADDRESSEE_MISMATCH, "fingerprint", bound.clone())),
        }
    }

    pub(super) fn read(claims: &mut Fields, heard: Instant) -> Result<Self, Refusal> {
        let id = claims.words("jti")?;
        let addressee = Addressee::read(claims)?.ok_or_else(|| invalid("licenses"))?;
        let fingerprint = claims.text("fingerprint")?;
        if fingerprint.as_ref().is_some_and(String::is_empty) {
            return Err(invalid("fingerprint"));
        }
        let until = claims.instant("until")?;
        if until.is_some_and(|until| until <= heard) {
            return Err(invalid("until"));
        }
        Ok(Self { id, addressee, fingerprint, heard, until })
    }

    pub(super) fn details(&self) -> Vec<Attribute> {
        let id = Some(&self.id).filter(|id| !id.is_empty()).map(|id| Attribute::new("id", id.clone()));
        let until = self.until.map(|until| Attribute::new("until", until.to_string()));
        let bound = self.fingerprint.as_ref().map(|bound| Attribute::new("fingerprint", bound.clone()));
        id.into_iter().chain(until).chain(bound).collect()
    }
}
