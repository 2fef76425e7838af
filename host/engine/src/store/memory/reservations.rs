//! Reservations in the model.

use std::collections::BTreeMap;

use super::{Model, key};
use crate::bindings::placet::policy::counters::Portion;
use crate::store::reservation::within;
use crate::store::{Moment, Reserved, Settling, Standing};

impl Model {
    /// Frees what was reserved for a term that is over.
    pub(super) fn free_due(&mut self, moment: Moment) {
        let open = self.reservations.iter().filter_map(|(key, standing)| match standing {
            Standing::Open(reserved) if reserved.ends.are_due(moment) => Some((key.clone(), reserved.clone())),
            _ => None,
        });
        for ((namespace, id), reserved) in open.collect::<Vec<_>>() {
            self.take_back(&namespace, &reserved.entries, reserved.entries.clone());
            self.reservations.insert((namespace, id), Standing::Ended(reserved));
            self.passed(moment.mark);
        }
    }

    /// Takes back from what was reserved by these entries, as far as it is there, and lets the rest of it be used.
    fn take_back(&mut self, namespace: &str, entries: &[Portion], back: Vec<Portion>) {
        let mut there = BTreeMap::new();
        for Portion { counter, amount } in entries {
            let reserved = self.reserved.entry(key(namespace, counter)).or_default();
            let own = (*reserved).min(*amount);
            *reserved -= own;
            *there.entry(counter.as_str()).or_default() += own;
        }
        for portion in within(back, there) {
            let rest = self.held(namespace, &portion.counter) - portion.amount;
            self.counters.insert(key(namespace, &portion.counter), rest);
        }
    }

    /// A counter was set to what it holds now: at most so much of that is reserved.
    pub(super) fn hold_at_most(&mut self, namespace: &str, counter: &str, most: u64) {
        self.reserved.entry(key(namespace, counter)).and_modify(|reserved| *reserved = (*reserved).min(most));
    }

    pub(super) fn stands(&self, namespace: &str, id: &str, from: &Standing) -> bool {
        self.reservations.get(&key(namespace, id)) == Some(from)
    }

    pub(super) fn settle(&mut self, namespace: &str, id: &str, settling: Settling) {
        if let Standing::Open(reserved) = &settling.from {
            self.take_back(namespace, &reserved.entries, settling.back);
        }
        if let Some(excess) = settling.excess {
            let sum = self.held(namespace, &excess.counter).saturating_add(excess.amount);
            self.counters.insert(key(namespace, &excess.counter), sum);
        }
        self.reservations.insert(key(namespace, id), Standing::Settled(settling.settlement));
    }

    pub(super) fn reserve(&mut self, namespace: &str, id: &str, mut reserved: Reserved) {
        for Portion { counter, amount } in &reserved.entries {
            let held = self.reserved.entry(key(namespace, counter)).or_default();
            *held = held.saturating_add(*amount);
        }
        if let Some(Standing::Open(held)) = self.reservations.get(&key(namespace, id)) {
            reserved.entries.splice(0..0, held.entries.clone());
        }
        self.reservations.insert(key(namespace, id), Standing::Open(reserved));
    }
}
