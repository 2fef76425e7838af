//! Who was refused: requests that show no token that is known, or one that is not for that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How many, by reason.
#[derive(Debug)]
pub(crate) struct Refusals {
    counts: [(&'static str, AtomicU64); 4],
    began: Instant,
    /// Minutes from then to the end of the last one in which one was told.
    told: AtomicU64,
}

impl Refusals {
    pub(crate) fn new() -> Self {
        let counts = ["origin-refused", "role-refused", "tenant-refused", "token-unknown"];
        Self {
            counts: counts.map(|reason| (reason, AtomicU64::new(0))),
            began: Instant::now(),
            told: AtomicU64::new(0),
        }
    }

    /// Counts what was refused for this reason, where it is one of these: is it to be told? Once a minute at the most: who asks decides how often.
    pub(crate) fn count(&self, reason: &str) -> bool {
        let Some((_, count)) = self.counts.iter().find(|(name, _)| *name == reason) else { return false };
        count.fetch_add(1, Ordering::Relaxed);
        let next = self.began.elapsed().as_secs() / 60 + 1;
        self.told.fetch_max(next, Ordering::Relaxed) < next
    }

    /// Each reason with its count.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(reason, count)| (*reason, count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
