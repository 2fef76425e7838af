//! Counts by a name that somebody else chooses: so many names are told apart, the rest is summed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest name that is told apart, in bytes; what is longer counts with the others.
pub(super) const LONGEST: usize = 200;

/// A hash table that only grows, up to a set number of rows. Finding a row takes no lock; the first who meet a key together may wait for
/// each other while it is put down.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    /// Twice as many as rows, so that few lie on the way.
    slots: Box<[Slot<K, V>]>,
    most: usize,
    taken: AtomicUsize,
    other: V,
}

type Slot<K, V> = OnceLock<Box<Row<K, V>>>;

#[derive(Debug)]
struct Row<K, V> {
    hash: u32,
    key: K,
    value: V,
}

impl<K, V: Default> Table<K, V> {
    /// An empty one, for so many rows.
    pub(super) fn new(most: usize) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(2 * most.max(1), OnceLock::new);
        Self { slots: slots.into(), most, taken: AtomicUsize::new(0), other: V::default() }
    }

    /// The value of a key of this hash, which `is` knows and `key` makes; where no row is left for it, that of all others.
    pub(super) fn at(&self, hash: u32, is: impl Fn(&K) -> bool, key: impl Fn() -> K) -> &V {
        let first = usize::try_from(hash).unwrap_or_default() % self.slots.len();
        let (before, after) = self.slots.split_at(first);
        for slot in after.iter().chain(before) {
            if slot.get().is_none() {
                if !self.take() {
                    return &self.other;
                }
                if slot.set(Box::new(Row { hash, key: key(), value: V::default() })).is_err() {
                    // Another caller was quicker, perhaps with the same key.
                    self.taken.fetch_sub(1, Ordering::Relaxed);
                }
            }
            if let Some(row) = slot.get().filter(|row| row.hash == hash && is(&row.key)) {
                return &row.value;
            }
        }
        &self.other
    }

    /// The rows, in no order.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().filter_map(OnceLock::get).map(|row| (&row.key, &row.value))
    }

    /// What has no row.
    pub(super) fn other(&self) -> &V {
        &self.other
    }

    fn take(&self) -> bool {
        let next = |taken| (taken < self.most).then_some(taken + 1);
        self.taken.try_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::thread;

    use super::*;

    fn count(table: &Table<u32, AtomicU64>, hash: u32, key: u32) {
        table.at(hash, |one| *one == key, || key).fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn no_count_is_lost_and_no_row_too_many_whoever_comes_at_once() {
        let table = Table::new(8);
        thread::scope(|scope| {
            for thread in 0..8 {
                let table = &table;
                // All hashes alike: each row lies in the way of the next.
                scope.spawn(move || (0..10_000).for_each(|n| count(table, 7, (n + thread) % 20)));
            }
        });
        let named: Vec<_> = table.rows().map(|(key, count)| (*key, count.load(Ordering::Relaxed))).collect();
        let mut keys: Vec<_> = named.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((keys.len(), named.len()), (8, 8));
        let sum: u64 = named.iter().map(|(_, count)| count).sum();
        assert_eq!(sum + table.other().load(Ordering::Relaxed), 80_000);
    }

    #[test]
    fn a_key_of_the_same_hash_is_another_key() {
        let table = Table::new(2);
        (0..3).for_each(|key| count(&table, 3, key));
        count(&table, 3, 1);
        let counts: Vec<_> = table.rows().map(|(key, count)| (*key, count.load(Ordering::Relaxed))).collect();
        assert!(counts.contains(&(0, 1)) && counts.contains(&(1, 2)), "{counts:?}");
        assert_eq!(table.other().load(Ordering::Relaxed), 1);
    }
}
