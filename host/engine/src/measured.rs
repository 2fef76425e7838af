//! The store by itself, without policy and sandbox, for what measures it: `scripts/bench --bench counters`.

use std::path::Path;
use std::time::Instant;

use crate::bindings::placet::policy::counters::Entry;
use crate::store::{Moment, RedbStore, Store, StoreError, Take, Units};

/// One counter in a store of its own.
#[derive(Debug)]
pub struct MeasuredCounter {
    store: RedbStore,
    slack: u64,
    clock: Instant,
}

/// Who counts, in one thread.
#[derive(Debug)]
pub struct MeasuredCaller<'a> {
    counter: &'a MeasuredCounter,
    /// When the store was asked last.
    moment: Moment,
    units: Option<Units>,
}

const NAMESPACE: &str = "measured/counter";
const COUNTER: &str = "use/measured////";

impl MeasuredCounter {
    /// In a directory that is there; blocks have so many units at the most, and with 0 every unit is durable.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the directory holds no store and none can be made.
    pub fn open(directory: &Path, slack: u64) -> Result<Self, StoreError> {
        Ok(Self { store: RedbStore::open(directory)?, slack, clock: Instant::now() })
    }

    /// A caller.
    pub fn caller(&self) -> MeasuredCaller<'_> {
        MeasuredCaller { counter: self, moment: Moment { now: 0, mark: 0 }, units: None }
    }
}

impl MeasuredCaller<'_> {
    /// Counts one unit, as an instance of a policy does. Whether it did.
    pub fn count(&mut self) -> bool {
        let MeasuredCounter { store, slack, .. } = self.counter;
        match &mut self.units {
            Some(units) if store.free_due(self.moment).is_ok() => match units.take(1, u64::MAX, *slack) {
                Take::Taken(_) => true,
                Take::Exceeded(_) => false,
                Take::Missing => self.add(),
            },
            _ => self.add(),
        }
    }

    #[cold]
    fn add(&mut self) -> bool {
        let MeasuredCounter { store, slack, clock } = self.counter;
        let time = clock.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        self.moment = Moment { now: time, mark: time };
        let entry = Entry { counter: COUNTER.to_owned(), amount: 1, ceiling: u64::MAX, slack: *slack };
        let counted = store.add(NAMESPACE, vec![entry], Vec::new(), None, None, self.moment).is_ok();
        self.units = store.block(NAMESPACE, COUNTER).map(Units::new);
        counted
    }
}
