//! What a vendor signs beside licenses: revocation lists, receipts, orders and time anchors.
//!
//! A claim that is not known refuses a receipt, an order or an anchor, since it might narrow what they grant. A revocation list is
//! taken with it: what it revokes stays revoked.

mod anchor;
mod in_force;
mod kind;
mod order;
mod receipt;
mod revocations;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

pub use self::anchor::Anchor;
pub(crate) use self::in_force::{InForce, settle};
pub use self::kind::Kind;
pub use self::order::Order;
pub use self::receipt::Receipt;
pub use self::revocations::{Revocations, digest};
use crate::claims::NAME;
use crate::claims::fields::{Fields, invalid};
use crate::license::License;
use crate::reason;
use crate::refusal::Refusal;
use crate::types::{Attribute, Instant};

/// A document that a vendor signed beside licenses, verified and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `iat`, in milliseconds.
    pub issued: Instant,
    /// `aud`, each of it; empty: not narrowed.
    pub audience: Vec<String>,
    /// What it says.
    pub content: Content,
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These licenses are withdrawn.
    Revocations(Revocations),
    /// The vendor has heard of the installation.
    Receipt(Receipt),
    /// Do this once.
    Order(Order),
    /// It is this late.
    Anchor(Anchor),
}

/// Whose licenses a notice is about: any of them suffices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// `sub`: the customer's id, as in the licenses.
    pub customer: Option<String>,
    /// `licenses`: license ids.
    pub licenses: Vec<String>,
}

impl Notice {
    /// Reads the claims of a payload that was verified and parsed.
    ///
    /// Refused: `claim-invalid`, and `claim-undecided` where a claim is not known. There is none for a license.
    pub fn read(kind: Kind, payload: Value) -> Result<Self, Refusal> {
        let mut claims = Fields::claims(payload)?;
        let issued = claims.instant("iat")?.ok_or_else(|| invalid("iat"))?;
        let audience = crate::claims::audience(&mut claims)?;
        for display in ["iss", "metadata"] {
            claims.take(display);
        }
        let content = match kind {
            Kind::Revocations => {
                return Ok(Self { issued, audience, content: Content::Revocations(Revocations::read(&mut claims)?) });
            }
            Kind::Receipt => Content::Receipt(Receipt::read(&mut claims, issued)?),
            Kind::Order => Content::Order(Order::read(&mut claims)?),
            Kind::Anchor => Content::Anchor(Anchor::read(&mut claims)?),
            Kind::License => return Err(Refusal::new(reason::KEY_NOT_FOR_KIND)),
        };
        let unknown: Vec<&str> = claims.left().collect();
        match unknown.is_empty() {
            true => Ok(Self { issued, audience, content }),
            false => Err(Refusal::at(reason::CLAIM_UNDECIDED, "claim", unknown.join(", "))),
        }
    }

    /// What the licenses must be that it is about; none: it does not ask.
    pub(crate) fn addressee(&self) -> Option<&Addressee> {
        match &self.content {
            Content::Revocations(_) => None,
            Content::Receipt(receipt) => Some(&receipt.addressee),
            Content::Order(order) => Some(&order.addressee),
            Content::Anchor(anchor) => anchor.addressee.as_ref(),
        }
    }

    /// Is it for this deployment?
    pub(crate) fn is_for(&self, deployment: &[Attribute]) -> Result<(), Refusal> {
        match &self.content {
            Content::Receipt(receipt) => receipt.is_for(deployment),
            Content::Revocations(_) | Content::Order(_) | Content::Anchor(_) => Ok(()),
        }
    }

    /// For display, and for the host: instants are milliseconds since 1970.
    pub(crate) fn details(&self) -> Vec<Attribute> {
        let mut details = match &self.content {
            Content::Revocations(list) => list.details(),
            Content::Receipt(receipt) => receipt.details(),
            Content::Order(order) => order.details(),
            Content::Anchor(anchor) => anchor.details(),
        };
        details.push(Attribute::new("issued", self.issued.to_string()));
        if let Some(Addressee { customer, licenses }) = self.addressee() {
            details.extend(customer.iter().map(|customer| Attribute::new("customer", customer.clone())));
            details.extend(licenses.iter().map(|license| Attribute::new("license", license.clone())));
        }
        details
    }
}

impl Addressee {
    /// Is this license one of those?
    pub fn covers(&self, license: &License) -> bool {
        self.licenses.contains(&license.id) || self.customer.as_ref() == Some(&license.subject)
    }

    /// None: the claims name nobody.
    fn read(claims: &mut Fields) -> Result<Option<Self>, Refusal> {
        let customer = claims.name("sub")?;
        let licenses = claims.texts("licenses")?;
        Ok((customer.is_some() || !licenses.is_empty()).then_some(Self { customer, licenses }))
    }
}

/// A name that must be there and fits into a counter's.
fn name(claims: &mut Fields, claim: &str) -> Result<String, Refusal> {
    claims.text(claim)?.filter(|name| (1..=NAME).contains(&name.len())).ok_or_else(|| invalid(claim))
}
