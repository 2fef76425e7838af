//! Receipts: the vendor has heard of an installation, so that its licenses need not check in for a while.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Addressee;
use crate::claims::fields::{Fields, invalid};
use crate::license::License;
use crate::refusal::Refusal;
use crate::types::{Attribute, Instant};
use crate::{reason, scope};

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
        if scope::has_fingerprint(deployment, bound) {
            return Ok(());
        }
        Err(Refusal::at(reason::ADDRESSEE_MISMATCH, "fingerprint", bound.clone()))
    }

    pub(super) fn read(claims: &mut Fields, heard: Instant) -> Result<Self, Refusal> {
        let id = claims.words("jti")?;
        let addressee = Addressee::read(claims)?.ok_or_else(|| invalid("licenses"))?;
        let fingerprint = claims.name("fingerprint")?;
        let until = claims.instant("until")?;
        if until.is_some_and(|until| until <= heard) {
            return Err(invalid("until"));
        }
        Ok(Self { id, addressee, fingerprint, heard, until })
    }

    pub(super) fn details(&self) -> Vec<Attribute> {
        let mut details = Vec::new();
        let mut tell = |name, value: &str| details.push(Attribute::new(name, value));
        if !self.id.is_empty() {
            tell("id", &self.id);
        }
        if let Some(until) = self.until {
            tell("until", &until.to_string());
        }
        if let Some(bound) = &self.fingerprint {
            tell("fingerprint", bound);
        }
        details
    }
}
