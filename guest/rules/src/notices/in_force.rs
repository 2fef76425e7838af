//! All notices together: which of them hold, and what those say of a license.

use alloc::vec::Vec;

use super::{Content, Receipt, Revocations};
use crate::document::Source;
use crate::license::License;
use crate::memory::Memory;
use crate::reason;
use crate::refusal::Refusal;
use crate::types::Instant;

/// What holds of all notices.
#[derive(Clone, Debug)]
pub(crate) struct InForce<'a> {
    /// The highest list; all of them, should a vendor have signed several of one sequence.
    revocations: Vec<&'a Revocations>,
    receipts: Vec<&'a Receipt>,
    memory: &'a Memory,
}

impl<'a> InForce<'a> {
    /// Of documents that were [settled](settle).
    pub(crate) fn of(sources: &'a [Source], memory: &'a Memory) -> Self {
        let holding = || sources.iter().filter_map(Source::notice);
        Self {
            revocations: holding()
                .filter_map(|notice| match &notice.content {
                    Content::Revocations(list) => Some(list),
                    _ => None,
                })
                .collect(),
            receipts: holding()
                .filter_map(|notice| match &notice.content {
                    Content::Receipt(receipt) => Some(receipt),
                    _ => None,
                })
                .collect(),
            memory,
        }
    }

    /// Did its vendor withdraw this license? Where the highest list is not here any more, what was remembered of it says so.
    pub(crate) fn revokes(&self, license: &License) -> bool {
        let is_remembered = self.revocations.is_empty() && self.memory.revokes(license);
        is_remembered || self.revocations.iter().any(|list| list.names(&license.id))
    }

    /// Why this instance may not use the license, where only so many may.
    pub(crate) fn excludes(&self, license: &License) -> Option<&'static str> {
        self.memory.excludes(license)
    }

    /// When the next check-in of this license is due. None: it need not check in.
    pub(crate) fn due(&self, license: &License) -> Option<Instant> {
        let check_in = license.check_in?;
        let first = license.issued.unwrap_or(0).saturating_add(check_in.every);
        let receipts = self.receipts.iter().filter_map(|receipt| receipt.due(license));
        receipts.chain(self.memory.due(&license.id)).chain([first]).max()
    }
}

/// Refuses what does not hold beside the other documents, or after what was seen before: lists and anchors that are older than the
/// highest, and notices to licenses that are not here. An order that was carried out holds whoever is here. To be done once all
/// documents were read.
pub(crate) fn settle(sources: &mut [Source], memory: &Memory) {
    let refusals: Vec<Option<Refusal>> =
        sources.iter().map(|source| source.notice().and_then(|_| refusal(source, sources, memory))).collect();
    for (source, refusal) in sources.iter_mut().zip(refusals) {
        source.refusal = source.refusal.take().or(refusal);
    }
}

fn refusal(source: &Source, sources: &[Source], memory: &Memory) -> Option<Refusal> {
    let notice = source.notice()?;
    let others = || sources.iter().filter_map(Source::notice);
    match &notice.content {
        Content::Revocations(list) => {
            let higher = others()
                .any(|other| matches!(&other.content, Content::Revocations(other) if other.sequence > list.sequence));
            if higher {
                return Some(Refusal::new(reason::REVOCATIONS_OLDER));
            }
        }
        Content::Anchor(anchor) => {
            let later =
                others().any(|other| matches!(&other.content, Content::Anchor(other) if other.time > anchor.time));
            if later {
                return Some(Refusal::new(reason::ANCHOR_OLDER));
            }
        }
        Content::Order(order) if memory.has_carried_out(order) => return None,
        Content::Order(_) | Content::Receipt(_) => {}
    }
    let mut licenses = sources.iter().filter(|source| source.is_good()).filter_map(|source| source.license.as_ref());
    let is_here = match &notice.content {
        Content::Order(order) => licenses.any(|license| order.concerns(license)),
        _ => notice.addressee().is_none_or(|addressee| licenses.any(|license| addressee.covers(license))),
    };
    (!is_here).then(|| Refusal::new(reason::ADDRESSEE_MISMATCH))
}
