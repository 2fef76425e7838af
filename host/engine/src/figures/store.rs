//! How long commits take, and how many fail: counted by the thread that writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// The upper bounds of [`StoreFigures::commits`], in microseconds, inclusive.
pub const COMMIT_BOUNDS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

/// What the counters' store did. One commit answers all callers that wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreFigures {
    /// Commits that went well, each with its checks and the disk's confirmation: as many as took at most each of [`COMMIT_BOUNDS`] and more
    /// than the one before; the last: longer than all. Those that found nothing to change are among them.
    pub commits: [u64; COMMIT_BOUNDS.len() + 1],
    /// How long those took together, in microseconds.
    pub commit_micros: u64,
    /// Commits that failed, or of which it is not known whether they happened.
    pub failed: u64,
}

/// The counting of commits.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    within: [AtomicU64; COMMIT_BOUNDS.len() + 1],
    micros: AtomicU64,
    failed: AtomicU64,
}

impl Commits {
    /// One went well, and took so long.
    pub(crate) fn done(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = COMMIT_BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(count) = self.within.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// One failed.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted.
    pub(crate) fn figures(&self) -> StoreFigures {
        StoreFigures {
            commits: self.within.each_ref().map(|count| count.load(Ordering::Relaxed)),
            commit_micros: self.micros.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_counts_within_its_bound() {
        let commits = Commits::default();
        [100, 101, 1_000_000, 1_000_001].iter().for_each(|micros| commits.done(Duration::from_micros(*micros)));
        commits.failed();
        let figures = commits.figures();
        assert_eq!(figures.commits, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((figures.commit_micros, figures.failed), (2_000_202, 1));
    }
}
