//! Time anchors: the vendor says how late it is, and the host, whose clock it is, takes its mark from it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Addressee, name};
use crate::claims::fields::{Fields, invalid};
use crate::refusal::Refusal;
use crate::types::{Attribute, Instant};

/// A time, once. The rules only say whether it holds; the host acts on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// `jti`: each sets the mark once in an installation.
    pub id: String,
    /// `time`.
    pub time: Instant,
    /// `sub` and `licenses`; none: it is for everyone.
    pub addressee: Option<Addressee>,
}

impl Anchor {
    pub(super) fn read(claims: &mut Fields) -> Result<Self, Refusal> {
        let id = name(claims, "jti")?;
        let time = claims.instant("time")?.filter(|time| *time > 0).ok_or_else(|| invalid("time"))?;
        Ok(Self { id, time, addressee: Addressee::read(claims)? })
    }

    pub(super) fn details(&self) -> Vec<Attribute> {
        Vec::from([Attribute::new("id", self.id.clone()), Attribute::new("time", self.time.to_string())])
    }
}
