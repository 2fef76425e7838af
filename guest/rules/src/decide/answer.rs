//! How decisions are put into words.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::reason;
use crate::types::{Attribute, Decision, Duration, Usage};
use crate::view::{LimitView, View, undecided};

/// Why not.
#[derive(Debug)]
pub(super) struct Denial<'a> {
    pub(super) reason: &'a str,
    pub(super) subject: &'a str,
    pub(super) license: Option<&'a str>,
    pub(super) usage: Vec<Usage>,
    /// Not now, but after so long.
    pub(super) retry: Option<Duration>,
    pub(super) details: Vec<Attribute>,
}

impl<'a> Denial<'a> {
    /// A reason that says it all.
    pub(super) fn new(reason: &'a str, subject: &'a str) -> Self {
        Self { reason, subject, license: None, usage: Vec::new(), retry: None, details: Vec::new() }
    }

    /// A part of the request is out of bounds. What it holds is not repeated: it may be too long.
    pub(super) fn invalid(part: &str, subject: &'a str) -> Self {
        let mut denial = Self::new(reason::REQUEST_INVALID, subject);
        denial.details.push(Attribute::new("invalid", part));
        denial
    }

    /// No license names it; where none holds, because of that.
    pub(super) fn unnamed(view: &'a View, subject: &'a str) -> Self {
        Self::new(if view.usable { reason::NOT_LICENSED } else { &view.reason }, subject)
    }

    /// The limit is there, and cannot be decided.
    pub(super) fn undecided(limit: &LimitView, subject: &'a str) -> Self {
        Self { details: undecided(&limit.undecided), ..Self::new(reason::LIMIT_UNDECIDED, subject) }
    }
}

impl From<Denial<'_>> for Decision {
    fn from(denial: Denial<'_>) -> Self {
        Self {
            allowed: false,
            reason: denial.reason.to_string(),
            subject: denial.subject.to_string(),
            license: denial.license.map(ToString::to_string),
            usage: denial.usage,
            warnings: Vec::new(),
            retry: denial.retry,
            hold: None,
            details: denial.details,
        }
    }
}

/// Allowed, with nothing more to say.
pub(super) fn granted(subject: String, license: Option<String>) -> Decision {
    Decision {
        allowed: true,
        reason: reason::GRANTED.to_string(),
        subject,
        license,
        usage: Vec::new(),
        warnings: Vec::new(),
        retry: None,
        hold: None,
        details: Vec::new(),
    }
}
