//! Keeps a flood out of the log: the first of a kind is written, the others are counted; and all of it has so many bytes an hour.

use std::collections::BTreeMap;

use super::line::Entry;

/// So many kinds are told apart in a minute.
const KINDS: usize = 256;
/// So many bytes of such lines are written at once, and so many more in each hour. What goes beyond is counted by event alone.
pub(super) const BUDGET: u64 = 256 << 10;
/// So often an hour counts are written.
pub(super) const COUNTINGS: u64 = 60;

/// What a line is of: event, subject, tenant, reason.
type Kind = (String, String, Option<String>, String);

/// What was held back since the last counting.
#[derive(Debug)]
pub(super) struct Throttle {
    held: BTreeMap<Kind, Held>,
    /// By event.
    others: BTreeMap<String, Held>,
    /// Bytes that may be written now.
    left: u64,
    /// Whether lines are kept sealed, and so are longer.
    sealed: bool,
}

#[derive(Debug, Default)]
struct Held {
    count: u64,
    last: u64,
}

impl Throttle {
    pub(super) fn new(sealed: bool) -> Self {
        Self { held: BTreeMap::new(), others: BTreeMap::new(), left: BUDGET, sealed }
    }

    /// Is it to be written now? Else it was counted.
    pub(super) fn admit(&mut self, entry: &Entry) -> bool {
        let kind = (entry.event.clone(), entry.subject.clone(), entry.tenant.clone(), entry.reason.clone());
        if let Some(held) = self.held.get_mut(&kind) {
            held.add(1, entry.time);
            return false;
        }
        if self.held.len() < KINDS && self.spend(entry) {
            self.held.insert(kind, Held::default());
            return true;
        }
        self.others.entry(kind.0).or_default().add(1, entry.time);
        false
    }

    /// The counts of what was held back, each minute. What was not seen since the last counting begins anew with a line.
    pub(super) fn take(&mut self) -> Vec<Entry> {
        self.left = self.left.saturating_add(BUDGET / COUNTINGS).min(BUDGET);
        self.held.retain(|_, held| held.count > 0);
        let mut counted = Vec::new();
        let mut held = std::mem::take(&mut self.held);
        for ((event, subject, tenant, reason), held) in &mut held {
            let count = std::mem::take(&mut held.count);
            let (subject, tenant, reason) = (subject.clone(), tenant.clone(), reason.clone());
            let entry = Entry { time: held.last, event: event.clone(), subject, tenant, reason, count: Some(count) };
            if self.spend(&entry) {
                counted.push(entry);
            } else {
                self.others.entry(event.clone()).or_default().add(count, held.last);
            }
        }
        self.held = held;
        for (event, others) in std::mem::take(&mut self.others) {
            let entry = Entry::own(&event, others.last, Some(others.count));
            // Whatever is left: nothing goes uncounted.
            self.left = self.left.saturating_sub(entry.size(self.sealed));
            counted.push(entry);
        }
        counted
    }

    /// Takes what the line needs out of what is left.
    fn spend(&mut self, entry: &Entry) -> bool {
        let left = self.left.checked_sub(entry.size(self.sealed));
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

impl Held {
    fn add(&mut self, count: u64, time: u64) {
        self.count = self.count.saturating_add(count);
        self.last = self.last.max(time);
    }
}
