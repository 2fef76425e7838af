//! What happened to licenses, policy, clock and store, for whoever subscribed.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Something that a person or a log may want to know. Never the content of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// A dotted name: `installation.opened`, `license.installed`, `license.adopted`, `license.replaced`, `license.removed`,
    /// `license.rejected`, `license.expiring`, `license.grace_entered`, `license.expired`, `license.state_changed`,
    /// `license.limit_warned`, `license.limit_exceeded`, `license.feature_blocked`, `decision.failed`, `policy.changed`,
    /// `policy.rejected`, `clock.anchored`, `clock.rollback`, `clock.faked`, `counters.burned`, `counters.restored`, `audit.cut`,
    /// `audit.failed`, `report.exported`, `reservation.unbilled`, `store.failed`. An open set; `docs/evidence.md` says when each is told.
    pub name: &'static str,
    /// The document, feature, limit, counter or policy it is about; empty: the installation.
    pub subject: String,
    /// The tenant of the request that was denied, or warned of a limit.
    pub tenant: Option<String>,
    /// From the table of reasons; for `license.state_changed` the new state.
    pub reason: String,
}

impl Event {
    pub(crate) fn new(name: &'static str, subject: &str, reason: &str) -> Self {
        Self { name, subject: subject.to_owned(), tenant: None, reason: reason.to_owned() }
    }
}

/// Who is told from the opening on.
#[derive(Clone, Default)]
pub(crate) struct Subscribers(pub(crate) Vec<Subscriber>);

impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscribers({})", self.0.len())
    }
}

/// Whoever subscribed. Called in the thread in which it happened, when no lock is held any more: be quick.
pub(crate) type Subscriber = Arc<dyn Fn(&Event) + Send + Sync>;
