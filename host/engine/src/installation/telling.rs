//! What is told without that anybody did anything: the opening, and what time brought about.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Changing, Installation};
use crate::adoption::Adoption;
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::documents::Trouble;
use crate::event::Event;
use crate::program::Loaded;
use crate::state_dir::Folder;
use crate::status::{PolicyInfo, refused};
use crate::store::COUNTERS_FILE;

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

    /// Says how it stands from now on: a state that somebody has to act on has an event of its own.
    fn entered(&self) -> Event {
        match &*self.state {
            "expiring" => Event::new("license.expiring", "", &self.reason),
            "grace" => Event::new("license.grace_entered", "", &self.reason),
            "expired" => Event::new("license.expired", "", &self.reason),
            state => Event::new("license.state_changed", &self.reason, state),
        }
    }

    fn rollback() -> Event {
        Event::new("clock.rollback", "", "clock-rollback")
    }
}

impl Installation {
    /// Tells who decides from now on, what was found, and what a crash cost.
    pub(super) fn tell_opening(&self, adoption: Adoption) {
        let (loaded, info) = (self.loaded(), self.info());
        self.tell("installation.opened", &format!("{} {}", info.name, info.version), &loaded.status.reason);
        if adoption == Adoption::Changed {
            self.tell_policy(&info);
        }
        if Noticed::new(&loaded.status).clock_back {
            self.happened(&Noticed::rollback());
        }
        for burned in self.store.burned() {
            self.tell("counters.burned", &format!("{} ({} units)", burned.counter, burned.units), "units-burned");
        }
        if let Err(error) = self.store.told_burned() {
            self.tell("store.failed", "", error.reason());
        }
        if let Some(line) = self.misfit.cut {
            self.tell("audit.cut", &line.to_string(), "audit-cut");
        }
        if let Some(head) = self.misfit.restored {
            self.tell("counters.restored", &head.to_string(), "counters-restored");
        }
        self.change().tell_refused(&loaded, None);
    }

    /// Tells that another policy decides from now on.
    pub(super) fn tell_policy(&self, info: &PolicyInfo) {
        self.tell("policy.changed", &info.version, if info.rolled_back { "policy-rolled-back" } else { "adopted" });
    }

    /// Tells what changed by itself.
    pub(super) fn notice(&self) {
        // Whoever changes something tells what that changes, and after it nothing is told of how it stood before.
        let changing = self.change();
        changing.tell_noticed(&self.standing(&self.loaded()));
        drop(changing);
        self.notice_store();
        let fails = self.audit.trouble().is_some();
        if !self.audit_failed.swap(fails, Ordering::Relaxed) && fails {
            self.tell("audit.failed", "", "audit-failed");
        }
    }

    /// Tells that the counters' file was taken away.
    fn notice_store(&self) {
        let is_gone = self.state.names(Folder::Top).is_ok_and(|names| names.iter().all(|name| name != COUNTERS_FILE));
        if is_gone {
            // The store learns of it from its next commit: then nothing is given from blocks either.
            drop(self.store.commit_mark(0));
        }
        if !self.store_gone.swap(is_gone, Ordering::Relaxed) && is_gone {
            self.tell("store.failed", COUNTERS_FILE, "counters-missing");
        }
    }

    /// What is new since it was looked at last.
    fn noticing(&self, status: &LicenseStatus) -> Vec<Event> {
        let now = Noticed::new(status);
        let mut last = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = Vec::new();
        if (&last.state, &last.reason) != (&now.state, &now.reason) {
            events.push(now.entered());
        }
        if now.clock_back && !last.clock_back {
            events.push(Noticed::rollback());
        }
        *last = now;
        events
    }
}

impl Changing<'_> {
    /// Will tell what is new since it was looked at last.
    pub(super) fn tell_noticed(&self, status: &LicenseStatus) {
        for event in self.installation.noticing(status) {
            self.tell(event.name, &event.subject, &event.reason);
        }
    }

    /// Will tell which documents do not hold as they are, but for those of which that was known.
    pub(super) fn tell_refused(&self, loaded: &Loaded, before: Option<&Loaded>) {
        let untold = |trouble: &&Trouble| !before.is_some_and(|before| before.snapshot.troubles().contains(trouble));
        // A file that went away is told as the document that it was.
        let is_document = |path: &Path| {
            let name = path.file_name().and_then(OsStr::to_str);
            refused(&loaded.status).any(|one| one.reason == "file-missing" && Some(&*one.name) == name)
        };
        for Trouble { path, reason } in loaded.snapshot.troubles().iter().filter(untold) {
            if !is_document(path) {
                self.tell("license.rejected", &path.display().to_string(), reason);
            }
        }
        for document in refused(&loaded.status) {
            let mut known = before.into_iter().flat_map(|before| refused(&before.status));
            if !known.any(|one| (&one.name, &one.reason) == (&document.name, &document.reason)) {
                self.tell("license.rejected", &document.name, &document.reason);
            }
        }
    }
}
