//! One line of the log.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::Event;
use crate::store::Head;

/// The longest subject, tenant or reason that is written, in bytes: callers choose them.
const LONGEST: usize = 200;
/// What stands before the first line of all.
pub(super) const NOTHING: [u8; 32] = [0; 32];

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// When: milliseconds since the Unix epoch, by the time that is judged by.
    pub(super) time: u64,
    /// As in [`Event`]; the log's own are `audit.gap`, `audit.recovered`, `counters.head`.
    pub(super) event: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
    /// So often more since it was written last; of `audit.gap` so many lines, of `audit.recovered` so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
}

/// A line, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// From 1, without a gap.
    pub(super) number: u64,
    #[serde(flatten)]
    pub(super) entry: Entry,
    /// The last commit of the counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<Head>,
    /// SHA-256 of the line before, without its line feed, in hex; of the first, zeros.
    pub(super) previous: String,
}

impl Entry {
    pub(super) fn new(event: &Event, time: u64) -> Self {
        Self {
            time,
            event: event.name.to_owned(),
            subject: shortened(&event.subject),
            tenant: event.tenant.as_deref().map(shortened),
            reason: shortened(&event.reason),
            count: None,
        }
    }

    /// One of the log's own.
    pub(super) fn own(event: &str, time: u64, count: Option<u64>) -> Self {
        Self { time, event: event.to_owned(), subject: String::new(), tenant: None, reason: String::new(), count }
    }

    /// It may happen at each request.
    pub(super) fn is_frequent(&self) -> bool {
        matches!(
            &*self.event,
            "license.limit_warned"
                | "license.limit_exceeded"
                | "license.feature_blocked"
                | "license.rejected"
                | "decision.failed"
                | "store.failed"
        )
    }
}

/// The hash by which the next line names this one.
pub(super) fn hash(line: &[u8]) -> [u8; 32] {
    Sha256::digest(line).into()
}

pub(super) fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shortened(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default().to_owned()
}
