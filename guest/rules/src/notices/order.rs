//! Orders: what a vendor has done in an installation, once.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Addressee, name};
use crate::claims::fields::{Fields, invalid};
use crate::license::License;
use crate::reason;
use crate::refusal::Refusal;
use crate::types::Attribute;

/// `order: "reset"`: a limit is counted anew from nothing, for one tenant or for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// `jti`: each is carried out once in an installation.
    pub id: String,
    /// `sub` and `licenses`; one of them must be there.
    pub addressee: Addressee,
    /// `limit`: its name.
    pub limit: String,
    /// `tenant`; none: all of them, and what is counted for the license as a whole.
    pub tenant: Option<String>,
}

impl Order {
    /// Is it about a limit of this license?
    pub fn concerns(&self, license: &License) -> bool {
        self.addressee.covers(license) && license.limits.contains_key(&self.limit)
    }

    pub(super) fn read(claims: &mut Fields) -> Result<Self, Refusal> {
        let id = name(claims, "jti")?;
        match claims.text("order")?.as_deref() {
            Some("reset") => {}
            Some(_) => return Err(Refusal::at(reason::CLAIM_UNDECIDED, "claim", "order")),
            None => return Err(invalid("order")),
        }
        Ok(Self {
            id,
            addressee: Addressee::read(claims)?.ok_or_else(|| invalid("licenses"))?,
            limit: name(claims, "limit")?,
            tenant: match claims.text("tenant")? {
                Some(tenant) if tenant.is_empty() => return Err(invalid("tenant")),
                tenant => tenant,
            },
        })
    }

    pub(super) fn details(&self) -> Vec<Attribute> {
        let mut details = Vec::from([
            Attribute::new("id", self.id.clone()),
            Attribute::new("order", "reset"),
            Attribute::new("limit", self.limit.clone()),
        ]);
        details.extend(self.tenant.iter().map(|tenant| Attribute::new("tenant", tenant.clone())));
        details
    }
}
