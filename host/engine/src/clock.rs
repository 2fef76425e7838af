//! What time it is, for a machine whose owner may set its clock.
//!
//! - `now` is the latest of the wall clock, the *mark* (the highest time that was confirmed, kept across restarts) and the
//!   time that the policy was issued. The mark and the time of issue run on by the monotonic clock: a wall clock that is held
//!   back stops nothing.
//! - The mark follows the wall clock as long as the monotonic clock explains it. A wall clock that jumps ahead by more than
//!   [`TOLERANCE`] is obeyed at once, but the mark follows only when [`CONFIRMATION`] of running, or [`OPENS`] openings spread
//!   over as much, confirm it. Until then the jump is taken back with the wall clock.
//! - What openings confirm is the earliest time that one of them saw, and what was measured since: what a later one sees beyond it is a
//!   jump of its own. How far they are apart tells the monotonic clock, within one boot of the machine; from one boot to the next only the
//!   wall clock itself can.
//! - A time anchor, which the vendor signed, sets the mark, be it higher or lower; each one once.
//! - A new state takes the wall clock's word: there is nothing to compare it with.

mod source;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub(crate) use self::source::{Simulated, Source, uptime};
use crate::store::{MemoryStore, Moment, Store, StoreError};

/// By so much the wall clock may be ahead of what the monotonic clock explains, in milliseconds: what a restart takes, and time
/// servers correct.
pub(crate) const TOLERANCE: u64 = 5 * 60 * 1_000;
/// So long the wall clock must hold a jump, in milliseconds.
pub(crate) const CONFIRMATION: u64 = 30 * 60 * 1_000;
/// So many openings confirm a jump.
pub(crate) const OPENS: u32 = 3;

/// The store's value that holds what openings saw of a jump.
const JUMP_KEY: &str = "clock-jump";

/// The time of one moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The time to judge by.
    pub(crate) now: u64,
    /// What the machine claims.
    pub(crate) wall: u64,
    /// The confirmed time.
    pub(crate) mark: u64,
}

impl Reading {
    /// What the store needs to know of it.
    pub(crate) fn moment(self) -> Moment {
        Moment { now: self.now, mark: self.mark }
    }
}

/// The clock. Reading it takes no lock.
#[derive(Debug)]
pub(crate) struct Clock {
    source: Box<dyn Source>,
    /// The monotonic clock when this one was opened.
    opened: u64,
    /// The confirmed time, as it was at `opened`.
    mark: AtomicU64,
    /// The highest time of issue, as it was at `opened`.
    issued: AtomicU64,
    watch: Mutex<Watch>,
}

/// What is known of a jump that is not confirmed.
#[derive(Debug, Default)]
struct Watch {
    /// In this process.
    running: Option<Running>,
    /// Over the openings of the state.
    opens: Option<Opens>,
    /// What the store holds of it.
    stored: Option<Opens>,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    /// The time that the wall clock jumped to, as it was at `opened`.
    target: u64,
    /// The monotonic clock when it was first seen.
    since: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Opens {
    /// The earliest time that the wall clock jumped to, as it was at the last opening.
    target: u64,
    /// The wall clock at the last opening.
    last: u64,
    /// So far the first and the last are apart.
    spread: u64,
    count: u32,
    /// The boot that the last was in, and its monotonic clock.
    boot: Option<u64>,
    monotonic: u64,
}

impl Opens {
    fn first(source: &dyn Source, wall: u64) -> Self {
        let (boot, monotonic) = (source.boot(), source.monotonic());
        Self { target: wall, last: wall, spread: 0, count: 1, boot, monotonic }
    }

    /// With one more, which sees this wall clock.
    fn again(self, source: &dyn Source, wall: u64) -> Self {
        let first = Self::first(source, wall);
        let is_same_boot = first.boot.is_some() && first.boot == self.boot;
        let measured = first.monotonic.checked_sub(self.monotonic).filter(|_| is_same_boot);
        let target = self.target.saturating_add(measured.unwrap_or(0));
        // Does the wall clock hold what the earlier ones saw?
        let holds = match measured {
            Some(_) => wall.saturating_add(TOLERANCE) >= target,
            None => wall >= self.last,
        };
        if !holds {
            return first;
        }
        let apart = measured.unwrap_or_else(|| wall.saturating_sub(self.last));
        Self {
            target: target.min(wall),
            spread: self.spread.saturating_add(apart),
            count: self.count.saturating_add(1),
            ..first
        }
    }

    fn confirm(self) -> bool {
        self.count >= OPENS && self.spread >= CONFIRMATION
    }
}

impl Clock {
    /// The machine's clock, on the mark of a state; starts the store's buckets.
    pub(crate) fn open(store: &dyn Store) -> Result<Self, StoreError> {
        Self::open_with(Box::new(source::Machine), store)
    }

    /// As [`Clock::open`], by another source.
    pub(crate) fn open_with(source: Box<dyn Source>, store: &dyn Store) -> Result<Self, StoreError> {
        let stored = store.value(JUMP_KEY)?.and_then(|value| serde_json::from_slice(&value).ok());
        let clock = Self::at(source, store.mark()?, stored);
        let now = clock.read();
        store.start(now.mark);
        let changed = {
            let watch = clock.watch();
            watch.opens != watch.stored
        };
        // An opening counts only if it is remembered.
        if changed || store.mark()?.is_none() {
            clock.commit(store)?;
        }
        Ok(clock)
    }

    /// A clock by a source that is believed, on counters that live as long as the process; starts their buckets.
    pub(crate) fn over(source: Box<dyn Source>, store: &MemoryStore) -> Self {
        let clock = Self::at(source, None, None);
        store.start(clock.read().mark);
        clock
    }

    /// The machine's clock where nothing is remembered.
    pub(crate) fn without_state() -> Self {
        Self::at(Box::new(source::Machine), None, None)
    }

    /// The time. Apart from asking the system, a few comparisons.
    pub(crate) fn read(&self) -> Reading {
        let (wall, elapsed) = (self.source.wall(), self.elapsed());
        let mut mark = self.mark.load(Ordering::Relaxed).saturating_add(elapsed);
        if wall > mark && wall - mark <= TOLERANCE {
            self.mark.fetch_max(wall.saturating_sub(elapsed), Ordering::Relaxed);
            mark = wall;
        }
        let issued = match self.issued.load(Ordering::Relaxed) {
            0 => 0,
            issued => issued.saturating_add(elapsed),
        };
        Reading { now: wall.max(mark).max(issued), wall, mark }
    }

    /// Whether something in this process tells the C library another time; it is not listened to.
    pub(crate) fn is_faked(&self) -> bool {
        self.source.is_faked()
    }

    /// [`Clock::read`], as the store takes it.
    pub(crate) fn moment(&self) -> Moment {
        self.read().moment()
    }

    /// Lets `now` be no earlier than a time at which the vendor signed something, in milliseconds.
    pub(crate) fn not_before(&self, issued: u64) {
        self.issued.fetch_max(issued.saturating_sub(self.elapsed()), Ordering::Relaxed);
    }

    /// Commits the mark, and looks whether a jump holds. To be called at least each minute.
    pub(crate) fn commit(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut watch = self.watch();
        self.observe(&mut watch);
        let mark = self.read().mark;
        if watch.opens != watch.stored {
            let value = watch.opens.and_then(|opens| serde_json::to_vec(&opens).ok());
            store.put_value(JUMP_KEY, value.as_deref(), mark)?;
            watch.stored = watch.opens;
        }
        store.commit_mark(mark)
    }

    /// Sets the mark to a time that the vendor signed, be it higher or lower, and forgets what was seen of a jump: durably, and once for
    /// each id. Answers whether this was that once.
    pub(crate) fn anchor(&self, store: &dyn Store, namespace: &str, id: &str, time: u64) -> Result<bool, StoreError> {
        let mut watch = self.watch();
        let first = store.anchor(namespace, id, time, self.read().mark)?;
        if first {
            self.mark.store(time.saturating_sub(self.elapsed()), Ordering::Relaxed);
            *watch = Watch { running: None, opens: None, ..*watch };
        }
        Ok(first)
    }

    fn at(source: Box<dyn Source>, mark: Option<u64>, stored: Option<Opens>) -> Self {
        let (wall, opened) = (source.wall(), source.monotonic());
        let mut mark = mark.unwrap_or(wall);
        let mut opens = None;
        if wall.saturating_sub(mark) > TOLERANCE {
            let seen = stored.map_or_else(|| Opens::first(&*source, wall), |stored| stored.again(&*source, wall));
            opens = Some(seen);
            if seen.confirm() {
                mark = mark.max(seen.target);
                // What is beyond it is another jump.
                opens = Some(Opens::first(&*source, wall));
            }
        }
        let clock = Self {
            source,
            opened,
            mark: mark.into(),
            issued: 0.into(),
            watch: Mutex::new(Watch { running: None, opens, stored }),
        };
        clock.observe(&mut clock.watch());
        clock
    }

    fn observe(&self, watch: &mut Watch) {
        let (wall, elapsed) = (self.source.wall(), self.elapsed());
        let mark = self.mark.load(Ordering::Relaxed).saturating_add(elapsed);
        if wall.saturating_sub(mark) <= TOLERANCE {
            // No jump, or one that was taken back: whoever saw it was wrong.
            *watch = Watch { running: None, opens: None, ..*watch };
            return;
        }
        let target = wall.saturating_sub(elapsed);
        let running = match watch.running {
            // A second jump is looked at when the first is confirmed.
            Some(running) if target.saturating_add(TOLERANCE) >= running.target => running,
            _ => Running { target, since: elapsed },
        };
        if elapsed.saturating_sub(running.since) >= CONFIRMATION {
            self.mark.fetch_max(running.target.min(target), Ordering::Relaxed);
            *watch = Watch { running: None, opens: None, ..*watch };
        } else {
            watch.running = Some(running);
        }
    }

    /// Since this clock was opened.
    fn elapsed(&self) -> u64 {
        self.source.monotonic().saturating_sub(self.opened)
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
