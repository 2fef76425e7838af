//! What a caller counted last: most calls count what the one before counted.

use std::sync::Arc;

use super::{Block, Moment, Part, Store, Units, taken};
use crate::bindings::placet::policy::counters::{Draw, Entry, Error, Once};

/// The counter that was counted in memory last, and the units of it that were at hand then. For one store and one namespace.
#[derive(Debug, Default)]
pub(crate) struct Last {
    counter: String,
    units: Option<Units>,
    /// What the counter held after the present call had taken of it.
    sum: Option<u64>,
}

impl Last {
    /// [`Store::add`].
    pub(crate) fn add(
        &mut self,
        (store, namespace): (&dyn Store, &str),
        mut entries: Vec<Entry>,
        draws: Vec<Draw>,
        once: Option<Once>,
        part: Option<Part>,
        moment: Moment,
    ) -> Result<Vec<u64>, Error> {
        self.sum = None;
        let is_alone = entries.len() == 1 && draws.is_empty() && once.is_none() && part.is_none();
        let Some(entry) = entries.pop_if(|entry| is_alone && entry.slack > 0) else {
            return store.add(namespace, entries, draws, once, part, moment);
        };
        if let Some(units) = self.units.as_mut().filter(|_| self.counter == entry.counter) {
            store.free_due(moment)?;
            let take = units.take(entry.amount, entry.ceiling, entry.slack);
            if let Some(answer) = taken(take) {
                self.sum = answer.as_ref().ok().and_then(|sums| sums.first().copied());
                return answer;
            }
        }
        self.counter.clone_from(&entry.counter);
        let answer = store.add(namespace, vec![entry], draws, once, part, moment);
        self.units = store.block(namespace, &self.counter).map(Units::new);
        answer
    }

    /// Another call begins.
    pub(crate) fn begin_call(&mut self) {
        self.sum = None;
    }

    /// What the present call has taken from a block that was there before the call.
    pub(crate) fn counted(&self) -> Option<Counted<'_>> {
        Some(Counted { counter: &self.counter, sum: self.sum?, block: self.units.as_ref()?.block() })
    }
}

/// Units that were taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) counter: &'a str,
    /// What the counter held then.
    pub(crate) sum: u64,
    /// What they were taken from.
    pub(crate) block: &'a Arc<Block>,
}
