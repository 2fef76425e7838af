//! Why a document or a license does not hold.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::types::Attribute;

/// A reason from the table of reasons, and where it lies. It never carries the content of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// From [`crate::reason`].
    pub reason: String,
    /// Such as `claim=limits.tokens.max`.
    pub details: Vec<Attribute>,
}

impl Refusal {
    /// A reason that says it all.
    pub fn new(reason: &str) -> Self {
        Self { reason: reason.to_string(), details: Vec::new() }
    }

    /// A reason, and one value that says where.
    pub fn at(reason: &str, name: &str, value: impl Into<String>) -> Self {
        Self { reason: reason.to_string(), details: Vec::from([Attribute::new(name, value)]) }
    }
}
