//! What a caller counted last: most calls count what the one before counted.

use super::{Moment, Part, Store, Units, taken};
use crate::bindings::placet::policy::counters::{Draw, Entry, Error, Once};

/// The counter that was counted in memory last, and the units of it that were at hand then. For one store and one namespace.
#[derive(Debug, Default)]
pub(crate) struct Last {
    counter: String,
    units: Option<Units>,
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
        let is_alone = entries.len() == 1 && draws.is_empty() && once.is_none() && part.is_none();
        let Some(entry) = entries.pop_if(|entry| is_alone && entry.slack > 0) else {
            return store.add(namespace, entries, draws, once, part, moment);
        };
        if let Some(units) = self.units.as_mut().filter(|_| self.counter == entry.counter) {
            store.free_due(moment)?;
            if let Some(answer) = taken(units.take(entry.amount, entry.ceiling, entry.slack)) {
                return answer;
            }
        }
        self.counter.clone_from(&entry.counter);
        let answer = store.add(namespace, vec![entry], draws, once, part, moment);
        self.units = store.units(namespace, &self.counter);
        answer
    }
}
