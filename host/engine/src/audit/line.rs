//! One line of the log.

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::AuditFault;
use crate::event::Event;
use crate::store::Head;
use crate::vault::OVERHEAD;

/// The longest subject, tenant or reason that is written, in bytes: callers choose them.
const LONGEST: usize = 200;
/// What stands before the first line of all.
pub(super) const NOTHING: [u8; 32] = [0; 32];

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time: u64,
    pub(super) event: String,
    pub(super) subject: String,
    pub(super) tenant: Option<String>,
    pub(super) reason: String,
    pub(super) count: Option<u64>,
}

/// A line of the audit log, as it stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditLine {
    /// From 1, without a gap.
    pub number: u64,
    /// When: milliseconds since the Unix epoch, by the time that is judged by.
    pub time: u64,
    /// As in [`Event`]; the log's own are `audit.gap`, `audit.recovered`, `counters.head`.
    pub event: String,
    /// The document, feature, limit, counter or policy; empty: the installation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Of the request that was denied, or warned of a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// From the table of reasons; of `license.state_changed` the new state.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// So often more since it was written last; of `audit.gap` so many lines, of `audit.recovered` so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The last commit of the counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub head: Option<Head>,
    /// SHA-256 of the line before, without its line feed, in hex; of the first, zeros.
    pub previous: String,
}

/// A line of the audit log that was read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ReadLine {
    /// It can be read. Whether it is in its place, the chain tells alone ([`crate::verify_audit`]).
    Whole(AuditLine),
    /// It cannot.
    Damaged(DamagedLine),
}

/// A line of the audit log that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DamagedLine {
    /// By its place.
    pub number: u64,
    /// Why, for people.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub damage: AuditFault,
}

impl ReadLine {
    /// Its number.
    pub fn number(&self) -> u64 {
        match self {
            Self::Whole(line) => line.number,
            Self::Damaged(line) => line.number,
        }
    }
}

impl AuditLine {
    pub(super) fn new(number: u64, entry: Entry, head: Option<Head>, previous: &[u8; 32]) -> Self {
        let Entry { time, event, subject, tenant, reason, count } = entry;
        Self { number, time, event, subject, tenant, reason, count, head, previous: hex(previous) }
    }
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

    /// How many bytes its line has in the file, at the most: a head aside.
    pub(super) fn size(&self, sealed: bool) -> u64 {
        let line = serde_json::to_vec(&AuditLine::new(u64::MAX, self.clone(), None, &NOTHING));
        let text = line.map_or(u64::MAX, |line| line.len() as u64);
        let kept = if sealed { text.saturating_add(OVERHEAD).saturating_mul(4).div_ceil(3) } else { text };
        kept.saturating_add(1)
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

fn as_text<S: Serializer>(fault: &AuditFault, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(fault)
}

fn shortened(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default().to_owned()
}
