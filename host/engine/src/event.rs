//! What happened to licenses, policy, clock and store, for whoever subscribed.

use std::sync::Arc;

use serde::Serialize;

/// Something that a person or a log may want to know. Never the content of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// A dotted name: `installation.opened`, `license.installed`, `license.adopted`, `license.removed`, `license.rejected`,
    /// `license.state_changed`, `license.limit_exceeded`, `license.feature_blocked`, `decision.failed`, `policy.changed`,
    /// `policy.rejected`, `clock.anchored`, `clock.rolled_back`, `counters.burned`, `report.exported`, `store.failed`. An
    /// open set.
    pub name: &'static str,
    /// The document, feature, limit, counter or policy it is about; empty: the installation.
    pub subject: String,
    /// The tenant of the request that was denied.
    pub tenant: Option<String>,
    /// From the table of reasons; for `license.state_changed` the new state.
    pub reason: String,
}

impl Event {
    pub(crate) fn new(name: &'static str, subject: &str, reason: &str) -> Self {
        Self { name, subject: subject.to_owned(), tenant: None, reason: reason.to_owned() }
    }
}

/// Whoever subscribed. Called in the thread in which it happened, when no lock is held any more: be quick.
pub(crate) type Subscriber = Arc<dyn Fn(&Event) + Send + Sync>;
