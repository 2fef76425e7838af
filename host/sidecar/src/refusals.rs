//! Requests that were refused, since they show no token that is known or one that is not for that, and requests that failed: who asks
//! decides how many there are, and not how much is logged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How many were refused, by reason.
#[derive(Debug)]
pub(crate) struct Refusals {
    counts: [(&'static str, AtomicU64); 4],
    told: Minutes,
    failures: Minutes,
}

/// So many in a minute.
#[derive(Debug)]
struct Minutes {
    began: Instant,
    most: u64,
    /// How many are to be told up to the end of the minute of the last one, from the beginning on, had each minute all of its own.
    told: AtomicU64,
}

/// In a minute one refusal is logged, which is counted by its reason beside that, and so many failures, each with what it is found by.
const FAILURES: u64 = 60;

impl Refusals {
    pub(crate) fn new() -> Self {
        let counts = ["origin-refused", "role-refused", "tenant-refused", "token-unknown"];
        Self {
            counts: counts.map(|reason| (reason, AtomicU64::new(0))),
            told: Minutes::new(1),
            failures: Minutes::new(FAILURES),
        }
    }

    /// Counts what was refused for this reason, where it is one of these: is it to be told?
    pub(crate) fn count(&self, reason: &str) -> bool {
        let Some((_, count)) = self.counts.iter().find(|(name, _)| *name == reason) else { return false };
        count.fetch_add(1, Ordering::Relaxed);
        self.told.next() > 0
    }

    /// How many failures are yet to be told in this minute, with the one that has just happened; 0: it is not.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.next()
    }

    /// Each reason with its count.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(reason, count)| (*reason, count.load(Ordering::Relaxed)))
    }
}

impl Minutes {
    fn new(most: u64) -> Self {
        Self { began: Instant::now(), most, told: AtomicU64::new(0) }
    }

    /// How many are left of this minute, with this one, which is told then.
    fn next(&self) -> u64 {
        self.at(self.began.elapsed().as_secs() / 60)
    }

    fn at(&self, minute: u64) -> u64 {
        let (begin, end) = (minute * self.most, (minute + 1) * self.most);
        let next = |told: u64| (told < end).then(|| told.max(begin) + 1);
        let told = self.told.try_update(Ordering::Relaxed, Ordering::Relaxed, next);
        told.map_or(0, |told| end - told.max(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_told_in_each_minute() {
        let minutes = Minutes::new(2);
        assert_eq!([0, 0, 0, 1, 1, 1, 7, 7, 7, 7].map(|minute| minutes.at(minute)), [2, 1, 0, 2, 1, 0, 2, 1, 0, 0]);
    }

    #[test]
    fn each_is_counted_and_one_is_told() {
        let refusals = Refusals::new();
        assert!(!refusals.count("limit-exceeded"));
        assert!(refusals.count("token-unknown") && !refusals.count("token-unknown") && !refusals.count("role-refused"));
        assert!(refusals.counts().eq([
            ("origin-refused", 0),
            ("role-refused", 1),
            ("tenant-refused", 0),
            ("token-unknown", 2)
        ]));
    }
}
