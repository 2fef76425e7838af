//! The store by itself, without policy and sandbox, for what measures it: `scripts/bench --bench counters`.

use std::path::Path;

use crate::bindings::placet::policy::counters::Entry;
use crate::store::{Moment, RedbStore, Store, StoreError};

/// One counter in a store of its own.
#[derive(Debug)]
pub struct MeasuredCounter {
    store: RedbStore,
    slack: u64,
    clock: std::time::Instant,
}

impl MeasuredCounter {
    /// In a directory that is there; blocks have so many units at the most, and with 0 every unit is durable.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the directory holds no store and none can be made.
    pub fn open(directory: &Path, slack: u64) -> Result<Self, StoreError> {
        Ok(Self { store: RedbStore::open(directory)?, slack, clock: std::time::Instant::now() })
    }

    /// Counts one unit. Whether it did.
    pub fn count(&self) -> bool {
        let time = self.clock.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        let entry = Entry { counter: "use/measured////".to_owned(), amount: 1, ceiling: u64::MAX, slack: self.slack };
        let moment = Moment { now: time, mark: time };
        self.store.add("measured/counter", vec![entry], Vec::new(), None, None, moment).is_ok()
    }
}
