//! Reservations in the model.

use super::{Model, key};
use crate::bindings::placet::policy::counters::Portion;
use crate::store::{Moment, Reserved, Settling, Standing};

impl Model {
    /// Frees what was reserved for a term that is over.
    pub(super) fn free_due(&mut self, moment: Moment) {
        let open = self.reservations.iter().filter_map(|(key, standing)| match standing {
            Standing::Open(reserved) if reserved.ends.are_due(moment) => Some((key.clone(), reserved.clone())),
            _ => None,
        });
        for ((namespace, id), reserved) in open.collect::<Vec<_>>() {
            self.take_back(&namespace, &reserved.entries);
            self.reservations.insert((namespace, id), Standing::Ended(reserved));
            self.passed(moment.mark);
        }
    }

    fn take_back(&mut self, namespace: &str, portions: &[Portion]) {
        for portion in portions {
            let rest = self.held(namespace, &portion.counter).saturating_sub(portion.amount);
            self.counters.insert(key(namespace, &portion.counter), rest);
        }
    }

    pub(super) fn stands(&self, namespace: &str, id: &str, from: &Standing) -> bool {
        self.reservations.get(&key(namespace, id)) == Some(from)
    }

    pub(super) fn settle(&mut self, namespace: &str, id: &str, settling: Settling) {
        self.take_back(namespace, &settling.back);
        if let Some(excess) = settling.excess {
            let sum = self.held(namespace, &excess.counter).saturating_add(excess.amount);
            self.counters.insert(key(namespace, &excess.counter), sum);
        }
        self.reservations.insert(key(namespace, id), Standing::Settled(settling.settlement));
    }

    pub(super) fn reserve(&mut self, namespace: &str, id: &str, mut reserved: Reserved) {
        if let Some(Standing::Open(held)) = self.reservations.get(&key(namespace, id)) {
            reserved.entries.splice(0..0, held.entries.clone());
        }
        self.reservations.insert(key(namespace, id), Standing::Open(reserved));
    }
}
