//! When the next term of a reservation ends, known without the disk: so that whoever counts or reads frees it first, and nobody else waits.

use std::sync::atomic::{AtomicU64, Ordering};

use super::file::Opened;
use super::reserved;
use crate::store::{Ends, Moment};

/// The earliest end, by each of the two times.
#[derive(Debug)]
pub(super) struct Due {
    now: AtomicU64,
    mark: AtomicU64,
}

impl Default for Due {
    fn default() -> Self {
        Self { now: u64::MAX.into(), mark: u64::MAX.into() }
    }
}

impl Due {
    /// Learns it from what was committed. Where that cannot be looked at, a term may be over at any time.
    pub(super) fn look(&self, opened: &Opened) {
        let next = opened.view().and_then(|view| reserved::next(&view)).unwrap_or(Ends { now: 0, mark: 0 });
        self.now.store(next.now, Ordering::Release);
        self.mark.store(next.mark, Ordering::Release);
    }

    /// Nobody knows what is due: whoever counts or reads asks the disk first.
    pub(super) fn forget(&self) {
        self.now.store(0, Ordering::Release);
        self.mark.store(0, Ordering::Release);
    }

    /// Is a term over?
    pub(super) fn is_over(&self, moment: Moment) -> bool {
        let next = Ends { now: self.now.load(Ordering::Acquire), mark: self.mark.load(Ordering::Acquire) };
        next.are_due(moment)
    }
}
