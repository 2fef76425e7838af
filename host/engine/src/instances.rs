//! The instances of a loaded policy, and which of them answers a caller.
//!
//! Computing keeps a core busy, so there is one instance for each core. Waiting for the disk does not: where all instances wait in
//! the store, another is made, so that many callers share one commit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use crate::sandbox::Instance;
use crate::waiting::wait;

/// The most instances that a policy is given, however many cores there are and callers wait.
pub(crate) const MAX_INSTANCES: usize = 16;

/// So often a caller lets others run before it queues for one instance. A decision that computes takes microseconds, so that an
/// instance is found before that, and by then it is seen whether all wait in the store.
const PATIENCE: usize = 100;

/// How many instances are in the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct InStore(Arc<AtomicUsize>);

impl InStore {
    /// Counts one more while `ask` runs.
    pub(crate) fn during<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::Relaxed);
        let answer = ask();
        self.0.fetch_sub(1, Ordering::Relaxed);
        answer
    }
}

/// A place for each instance; one that failed leaves its place empty until it is asked for.
pub(crate) struct Instances {
    slots: Box<[Mutex<Option<Instance>>]>,
    /// So many of the slots are in use; it only grows.
    used: AtomicUsize,
    in_store: InStore,
}

impl Instances {
    /// With those that were loaded together, at least one.
    pub(crate) fn new(loaded: Vec<Instance>, in_store: InStore) -> Self {
        let used = loaded.len().max(1).into();
        let mut slots: Vec<_> = loaded.into_iter().map(|instance| Mutex::new(Some(instance))).collect();
        slots.resize_with(slots.len().max(MAX_INSTANCES), Mutex::default);
        Self { slots: slots.into(), used, in_store }
    }

    /// A place that nobody else is using; in the last resort it waits for the one that this thread has always used.
    pub(crate) fn slot(&self) -> MutexGuard<'_, Option<Instance>> {
        for _ in 0..PATIENCE {
            if let Some(slot) = self.free() {
                return slot;
            }
            let used = self.used.load(Ordering::Relaxed);
            if self.in_store.0.load(Ordering::Relaxed) >= used && used < self.slots.len() {
                // Where two callers see it at once, one more is made.
                self.used.fetch_max(used + 1, Ordering::Relaxed);
                continue;
            }
            thread::yield_now();
        }
        #[expect(clippy::indexing_slicing, reason = "the remainder by a number that is at most the length")]
        let own = &self.slots[own_number() % self.used.load(Ordering::Relaxed)];
        wait(|| own.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn free(&self) -> Option<MutexGuard<'_, Option<Instance>>> {
        let used = self.slots.get(..self.used.load(Ordering::Relaxed))?;
        let (before, after) = used.split_at(own_number() % used.len());
        after.iter().chain(before).find_map(|slot| match slot.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(slot)) => Some(slot.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }
}

/// A number of the present thread, given in the order of first use.
fn own_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.with(|own| *own)
}
