//! How long kept copies of licenses stand in, where the operator wants it shorter than the licenses grant.
//!
//! The time runs from the last moment at which a license held as its own document was read. That is remembered for each document, across
//! restarts: whenever licenses are read, once a minute, and at the end. Where no such moment is known, since this was not set before, it runs
//! from now. A copy whose time is over is let go for good: neither a restart nor a longer time brings it back. Only copies of licenses are:
//! without that of a revocation list, what was revoked would hold again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Changing, Installation};
use crate::bindings::exports::placet::policy::types::{Status as LicenseStatus, Warning};
use crate::error::Failure;
use crate::store::{Store, StoreError};
use crate::{Decision, Document};

/// What is remembered of it.
#[derive(Debug)]
pub(super) struct Grace {
    /// Milliseconds.
    at_most: u64,
    key: String,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    /// When the license of each document was last seen valid.
    seen: BTreeMap<String, u64>,
    /// What the store has of it.
    stored: BTreeMap<String, u64>,
    /// The documents whose copies do not stand in any more.
    lapsed: BTreeSet<String>,
    /// When the next copy that stands in is to be let go.
    due: Option<u64>,
}

impl Grace {
    /// For the copies of a policy's documents.
    pub(super) fn open(at_most: Duration, policy: &str, store: &dyn Store) -> Result<Self, StoreError> {
        let key = format!("validation/{policy}");
        // What is damaged is as good as not known.
        let stored = store.value(&key)?.and_then(|value| serde_json::from_slice(&value).ok());
        let stored: BTreeMap<String, u64> = stored.unwrap_or_default();
        let noted = Noted { seen: stored.clone(), stored, ..Noted::default() };
        let at_most = u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX);
        Ok(Self { at_most, key, noted: Mutex::new(noted) })
    }

    /// Whether the copy of a document may stand in.
    pub(super) fn admits(&self, name: &str) -> bool {
        !self.noted().lapsed.contains(name)
    }

    /// When the next copy that stands in is to be let go; none: none stands in.
    fn due(&self) -> Option<u64> {
        self.noted().due
    }

    /// Has a status end when the first copy is to be let go, and say for how long copies stand in here.
    pub(super) fn shorten(&self, status: &mut LicenseStatus) {
        if let Some(due) = self.due() {
            status.until = Some(status.until.map_or(due, |until| until.min(due)));
        }
        self.tell_shorter(&mut status.warnings);
    }

    /// Has warnings say for how long copies stand in here, beside what the policy says that the licenses grant.
    fn tell_shorter(&self, warnings: &mut [Warning]) {
        for warning in warnings.iter_mut().filter(|warning| warning.reason == "validation-grace") {
            let seconds = self.at_most / 1_000;
            warning
                .text
                .push_str(&format!("; as it is set here, for no longer than {seconds} s after it was seen valid last"));
        }
    }

    /// Notes which licenses hold by themselves now, and when the copies of the others are to be let go.
    fn note(&self, status: &LicenseStatus, now: u64) {
        let mut noted = self.noted();
        noted.seen.retain(|name, _| status.documents.iter().any(|document| document.name == *name));
        noted.due = None;
        for Document { name, recovered, .. } in licenses(status) {
            if *recovered {
                let seen = noted.seen.entry(name.clone()).or_insert(now);
                // A moment ahead comes from a clock that ran ahead, and is taken back with it.
                *seen = now.min(*seen);
                let end = seen.saturating_add(self.at_most);
                noted.due = Some(noted.due.map_or(end, |due| due.min(end)));
            } else {
                noted.seen.insert(name.clone(), now);
                noted.lapsed.remove(name);
            }
        }
    }

    /// The same; answers the documents whose copies have stood in for too long, and does not admit them any more.
    fn lapse(&self, status: &LicenseStatus, now: u64) -> Vec<String> {
        self.note(status, now);
        let mut noted = self.noted();
        let is_over = |name: &String| noted.seen.get(name).is_some_and(|seen| seen.saturating_add(self.at_most) <= now);
        let recovered = licenses(status).filter(|document| document.recovered).map(|document| document.name.clone());
        let lapsed: Vec<_> = recovered.filter(is_over).collect();
        noted.lapsed.extend(lapsed.iter().cloned());
        lapsed
    }

    /// Writes down what was noted.
    fn keep(&self, store: &dyn Store, mark: u64) -> Result<(), StoreError> {
        let mut noted = self.noted();
        if noted.seen == noted.stored {
            return Ok(());
        }
        // Names and numbers can always be written down.
        let value = serde_json::to_vec(&noted.seen).unwrap_or_default();
        store.put_value(&self.key, Some(&value), mark)?;
        noted.stored = noted.seen.clone();
        Ok(())
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn licenses(status: &LicenseStatus) -> impl Iterator<Item = &Document> {
    status.documents.iter().filter(|document| document.kind == "license" && document.adopted)
}

impl Installation {
    /// Lets go the copies that have stood in for too long, and loads without them.
    pub(super) fn limit_grace(&self, changing: &Changing<'_>) -> Result<(), Failure> {
        let Some(grace) = &self.grace else { return Ok(()) };
        loop {
            let loaded = self.loaded();
            let moment = self.clock.moment();
            let lapsed = grace.lapse(&loaded.status, moment.now);
            if lapsed.is_empty() {
                break;
            }
            for name in &lapsed {
                if let Err(error) = self.store.forget(&loaded.info().name, name, moment.mark) {
                    changing.tell("store.failed", name, error.reason());
                }
            }
            self.load_once(changing)?;
        }
        if let Err(error) = grace.keep(&*self.store, self.clock.moment().mark) {
            changing.tell("store.failed", "", error.reason());
        }
        Ok(())
    }

    /// A decision as it is told: it says for how long copies stand in here.
    pub(super) fn told(&self, mut decision: Decision) -> Decision {
        if let Some(grace) = &self.grace {
            grace.tell_shorter(&mut decision.warnings);
        }
        decision
    }

    /// Those that hold by themselves were valid until now.
    pub(super) fn note_valid(&self) {
        if let Some(grace) = &self.grace {
            grace.note(&self.loaded().status, self.clock.read().now);
        }
    }

    /// The same, written down.
    pub(super) fn keep_valid(&self) -> Result<(), StoreError> {
        self.note_valid();
        self.grace.as_ref().map_or(Ok(()), |grace| grace.keep(&*self.store, self.clock.moment().mark))
    }

    /// Ends the grace that is over by now.
    pub(crate) fn end_grace(&self) {
        let due = self.grace.as_ref().and_then(Grace::due);
        if due.is_some_and(|due| due <= self.clock.read().now) {
            self.recheck();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::no_status;
    use crate::store::MemoryStore;

    const HOUR: u64 = 3_600_000;

    /// A status with these documents: the name, the kind, and whether its copy stands in.
    fn status(documents: &[(&str, &str, bool)]) -> LicenseStatus {
        let document = |(name, kind, recovered): &(&str, &str, bool)| Document {
            name: (*name).into(),
            kind: (*kind).into(),
            adopted: true,
            recovered: *recovered,
            reason: String::new(),
            details: Vec::new(),
        };
        LicenseStatus { documents: documents.iter().map(document).collect(), ..no_status("", 0) }
    }

    fn grace(store: &MemoryStore) -> Grace {
        Grace::open(Duration::from_secs(3_600), "acme/router", store).unwrap()
    }

    #[test]
    fn it_runs_for_each_document_from_when_it_was_seen_valid_last() {
        let store = MemoryStore::default();
        let grace = grace(&store);
        grace.note(&status(&[("a", "license", false), ("b", "license", false)]), 10 * HOUR);
        grace.note(&status(&[("a", "license", true), ("b", "license", false)]), 10 * HOUR + 60_000);
        assert_eq!(grace.due(), Some(11 * HOUR));
        let both = status(&[("a", "license", true), ("b", "license", true)]);
        assert!(grace.lapse(&both, 11 * HOUR - 1).is_empty());
        assert_eq!(grace.lapse(&both, 11 * HOUR), ["a"]);
        assert!(!grace.admits("a") && grace.admits("b"));
        grace.note(&status(&[("b", "license", true)]), 11 * HOUR);
        assert_eq!(grace.due(), Some(11 * HOUR + 60_000));
        // It is seen valid again: its copy may stand in again.
        grace.note(&status(&[("a", "license", false), ("b", "license", true)]), 11 * HOUR + 1);
        assert!(grace.admits("a"));
    }

    #[test]
    fn a_restart_does_not_begin_it_anew() {
        let store = MemoryStore::default();
        let first = grace(&store);
        first.note(&status(&[("a", "license", false)]), 10 * HOUR);
        first.keep(&store, 0).unwrap();
        let next = grace(&store);
        assert_eq!(next.lapse(&status(&[("a", "license", true)]), 11 * HOUR), ["a"]);
        // What was never seen valid here counts from now.
        assert!(grace(&MemoryStore::default()).lapse(&status(&[("a", "license", true)]), 11 * HOUR).is_empty());
    }

    #[test]
    fn copies_of_what_is_no_license_stand_in_as_ever() {
        let grace = grace(&MemoryStore::default());
        let lists = status(&[("revoked", "revocations", true), ("order", "order", true)]);
        assert!(grace.lapse(&lists, HOUR).is_empty() && grace.lapse(&lists, u64::MAX).is_empty());
        assert_eq!(grace.due(), None);
    }

    #[test]
    fn a_clock_that_ran_ahead_does_not_make_it_longer() {
        let grace = grace(&MemoryStore::default());
        grace.note(&status(&[("a", "license", false)]), 100 * HOUR);
        let damaged = status(&[("a", "license", true)]);
        assert!(grace.lapse(&damaged, 10 * HOUR).is_empty());
        assert_eq!(grace.lapse(&damaged, 11 * HOUR), ["a"]);
    }
}
