//! What counters hold on the disk, known without looking: what was read since the last commit. Looking is a view, a table and a seal.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// So many counters are known at the most.
const MOST: usize = 1_000;

/// By namespace and counter.
#[derive(Debug, Default)]
pub(super) struct Seen {
    held: RwLock<HashMap<String, HashMap<String, u64>>>,
    /// How often all of it was forgotten.
    forgotten: AtomicU64,
}

/// When looking began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since(u64);

impl Seen {
    /// What all of these hold. None: of one it is not known.
    pub(super) fn find(&self, namespace: &str, counters: &[String]) -> Option<Vec<u64>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.get(namespace)?;
        counters.iter().map(|counter| held.get(counter).copied()).collect()
    }

    /// To be called before it is looked.
    pub(super) fn since(&self) -> Since {
        Since(self.forgotten.load(Ordering::Acquire))
    }

    /// What was found by looking; a commit since then makes it worth nothing.
    pub(super) fn keep(&self, since: Since, namespace: &str, counters: &[String], values: &[u64]) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::Acquire) != since.0 {
            return;
        }
        if held.values().map(HashMap::len).sum::<usize>() + counters.len() > MOST {
            held.clear();
        }
        let held = held.entry(namespace.to_owned()).or_default();
        held.extend(counters.iter().cloned().zip(values.iter().copied()).take(MOST));
    }

    /// To be called once the disk holds something else, and before anybody is told.
    pub(super) fn forget(&self) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        // Nearly always the same counters are looked at next.
        held.values_mut().for_each(HashMap::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_known_until_the_next_commit_and_never_what_was_read_before_it() {
        let (seen, names) = (Seen::default(), ["a".to_owned(), "b".to_owned()]);
        let since = seen.since();
        seen.keep(since, "n", &names, &[1, 2]);
        assert_eq!(seen.find("n", &names), Some(vec![1, 2]));
        assert_eq!((seen.find("m", &names), seen.find("n", &["c".to_owned()])), (None, None));
        seen.forget();
        assert_eq!(seen.find("n", &names), None);
        seen.keep(since, "n", &names, &[1, 2]);
        assert_eq!(seen.find("n", &names), None, "it was read before the commit");
    }

    #[test]
    fn no_more_is_known_than_fits() {
        let seen = Seen::default();
        for number in 0..2_500 {
            seen.keep(seen.since(), "n", &[number.to_string()], &[number]);
        }
        let known = seen.held.read().unwrap()["n"].len();
        assert!(known <= MOST, "{known}");
        assert_eq!(seen.find("n", &["2499".to_owned()]), Some(vec![2_499]));
    }
}
