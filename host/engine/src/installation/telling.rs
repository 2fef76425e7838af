//! What is told without that anybody did anything: the opening, and what time brought about.

use std::sync::PoisonError;

use super::{Changing, Installation};
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::event::Event;

/// What was told last of how the installation stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Noticed {
    state: String,
    reason: String,
    clock_back: bool,
}

impl Noticed {
    pub(super) fn new(status: &LicenseStatus) -> Self {
        let clock_back = status.warnings.iter().any(|warning| warning.reason == "clock-rollback");
        Self { state: status.state.clone(), reason: status.reason.clone(), clock_back }
    }
}

impl Installation {
    /// Tells who decides from now on, what was found, and what a crash cost.
    pub(super) fn tell_opening(&self) {
        let (loaded, info) = (self.loaded(), self.info());
        self.tell("installation.opened", &format!("{} {}", info.name, info.version), &loaded.status.reason);
        if Noticed::new(&loaded.status).clock_back {
            self.tell("clock.rolled_back", "", "clock-rollback");
        }
        for burned in self.store.burned() {
            self.tell("counters.burned", &format!("{} ({} units)", burned.counter, burned.units), "units-burned");
        }
        self.change().tell_refused(&loaded.status, None);
    }

    /// Tells what changed by itself.
    pub(super) fn notice(&self, status: &LicenseStatus) {
        self.noticing(status).iter().for_each(|event| self.happened(event));
    }

    /// What is new since it was looked at last.
    pub(super) fn noticing(&self, status: &LicenseStatus) -> Vec<Event> {
        let now = Noticed::new(status);
        let mut last = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = Vec::new();
        if (&last.state, &last.reason) != (&now.state, &now.reason) {
            events.push(Event::new("license.state_changed", &now.reason, &now.state));
        }
        if now.clock_back && !last.clock_back {
            events.push(Event::new("clock.rolled_back", "", "clock-rollback"));
        }
        *last = now;
        events
    }
}

impl Changing<'_> {
    /// Will tell which documents do not hold, but for those of which that was known.
    pub(super) fn tell_refused(&self, status: &LicenseStatus, before: Option<&LicenseStatus>) {
        let known = before.map(|before| &*before.documents).unwrap_or_default();
        for document in status.documents.iter().filter(|document| !document.adopted) {
            if !known.iter().any(|one| (&one.name, &one.reason) == (&document.name, &document.reason)) {
                self.tell("license.rejected", &document.name, &document.reason);
            }
        }
    }
}
