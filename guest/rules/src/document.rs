//! One document: whose it is, and the license or notice that was read from it.

use alloc::string::{String, ToString};

use crate::license::License;
use crate::notices::{Content, Kind, Notice};
use crate::reason;
use crate::refusal::Refusal;
use crate::types::Instant;

/// What was learned from the document of one name.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// It was signed by a trusted key, and its claims could be read.
    pub(crate) license: Option<License>,
    /// The same, of what is no license.
    pub(crate) notice: Option<Notice>,
    /// Why it does not hold here whatever the time, or why nothing was read.
    pub(crate) refusal: Option<Refusal>,
    /// What was read is the kept copy: why the document itself was not taken.
    pub(crate) replaced: Option<Refusal>,
    /// When the document was last seen valid; none: not known.
    pub(crate) seen: Option<Instant>,
}

impl Source {
    /// Nothing was read from it.
    pub(crate) fn refused(name: &str, kind: Kind, refusal: Refusal) -> Self {
        Self {
            name: name.to_string(),
            kind,
            license: None,
            notice: None,
            refusal: Some(refusal),
            replaced: None,
            seen: None,
        }
    }

    /// It can hold, now or at another time: the host keeps a copy.
    pub(crate) fn is_good(&self) -> bool {
        self.refusal.is_none()
    }

    /// The notice, if it holds.
    pub(crate) fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref().filter(|_| self.is_good())
    }

    /// This document or, where it cannot hold or is an older revocation list, its kept copy in its place, provided that this one can.
    pub(crate) fn or_copy(self, copy: Self) -> Self {
        if !copy.is_good() {
            return self;
        }
        match &self.refusal {
            Some(_) => Self { replaced: self.refusal, ..copy },
            None if self.sequence() < copy.sequence() => {
                Self { replaced: Some(Refusal::new(reason::REVOCATIONS_OLDER)), ..copy }
            }
            None => self,
        }
    }

    /// The sequence of the revocation list, if it is one that holds.
    pub(crate) fn sequence(&self) -> Option<u64> {
        match &self.notice()?.content {
            Content::Revocations(list) => Some(list.sequence),
            _ => None,
        }
    }
}
