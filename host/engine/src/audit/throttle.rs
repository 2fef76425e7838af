//! Keeps a flood out of the log: the first of a kind is written, the others are counted.

use std::collections::BTreeMap;

use super::line::Entry;

/// So many kinds are told apart in a minute; what goes beyond is counted by event and reason alone.
const KINDS: usize = 256;

/// What a line is of: event, subject, tenant, reason.
type Kind = (String, String, Option<String>, String);

/// What was held back since the last counting.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    held: BTreeMap<Kind, Held>,
}

#[derive(Debug, Default)]
struct Held {
    count: u64,
    last: u64,
}

impl Throttle {
    /// Is it to be written now? Else it was counted.
    pub(super) fn admit(&mut self, entry: &Entry) -> bool {
        let kind = (entry.event.clone(), entry.subject.clone(), entry.tenant.clone(), entry.reason.clone());
        if let Some(held) = self.held.get_mut(&kind) {
            held.add(entry.time);
            return false;
        }
        if self.held.len() < KINDS {
            self.held.insert(kind, Held::default());
            return true;
        }
        let (event, _, _, reason) = kind;
        // Only a policy that invents reasons without end makes these many; then one stands for all.
        let others = if self.held.len() < 2 * KINDS { reason } else { String::new() };
        self.held.entry((event, String::new(), None, others)).or_default().add(entry.time);
        false
    }

    /// The counts of what was held back. What was not seen since the last counting begins anew with a line.
    pub(super) fn take(&mut self) -> Vec<Entry> {
        self.held.retain(|_, held| held.count > 0);
        let counted = self.held.iter_mut().map(|((event, subject, tenant, reason), held)| Entry {
            time: held.last,
            event: event.clone(),
            subject: subject.clone(),
            tenant: tenant.clone(),
            reason: reason.clone(),
            count: Some(std::mem::take(&mut held.count)),
        });
        counted.collect()
    }
}

impl Held {
    fn add(&mut self, time: u64) {
        self.count = self.count.saturating_add(1);
        self.last = self.last.max(time);
    }
}
