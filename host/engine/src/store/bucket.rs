//! Token buckets, in memory: all are empty when the process starts, and fill from then on.
//!
//! Exact to the millisecond and to the fraction of a token; no arithmetic here overflows. Buckets run on the confirmed time,
//! which goes on by the monotonic clock whatever the wall clock does.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bindings::placet::policy::counters::{Draw, Shortage, Supply};

/// Above so many buckets, those that a new one would equal are dropped.
const MANY: usize = 100_000;

/// No caller is so late, in milliseconds, that it comes with a time this much earlier than one before it: then an anchor set the time back.
const LATE: u64 = 5 * 60 * 1_000;

/// The buckets of all namespaces.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    started: Option<u64>,
    buckets: HashMap<String, HashMap<String, Bucket>>,
    count: usize,
    /// The count at which full buckets are looked for again.
    sweep_at: usize,
}

/// What a bucket held at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    tokens: u64,
    /// A part of the next token: `part / pace.every` of it.
    part: u64,
    pace: Pace,
    at: u64,
}

/// How large a bucket is, and how it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    capacity: u64,
    refill: u64,
    every: u64,
}

impl From<&Draw> for Pace {
    fn from(draw: &Draw) -> Self {
        Self { capacity: draw.capacity, refill: draw.refill, every: draw.every }
    }
}

impl Buckets {
    /// From now on buckets fill. Only the first call counts.
    pub(super) fn start(&self, mark: u64) {
        self.lock().started.get_or_insert(mark);
    }

    /// What a bucket holds, and how long until it holds the tokens of the draw.
    pub(super) fn level(&self, namespace: &str, draw: &Draw, mark: u64) -> Supply {
        let bucket = self.lock().filled(namespace, draw, mark);
        Supply { tokens: bucket.tokens, wait: bucket.take(draw.tokens).err().unwrap_or(0) }
    }

    /// Takes all tokens, or none.
    pub(super) fn take(&self, namespace: &str, draws: &[Draw], mark: u64) -> Result<(), Shortage> {
        let mut state = self.lock();
        let mut taken: HashMap<&str, Bucket> = HashMap::new();
        for (index, draw) in (0_u32..).zip(draws) {
            let bucket = match taken.get(draw.counter.as_str()) {
                Some(bucket) => bucket.fill(draw.into(), mark),
                None => state.filled(namespace, draw, mark),
            };
            let bucket = bucket.take(draw.tokens).map_err(|wait| Shortage { draw: index, wait })?;
            taken.insert(&draw.counter, bucket);
        }
        for (name, bucket) in taken {
            state.put(namespace, name, bucket);
        }
        state.sweep(mark);
        Ok(())
    }

    /// Gives back what was taken for a call that then did not happen.
    pub(super) fn give_back(&self, namespace: &str, draws: &[Draw]) {
        let mut state = self.lock();
        for draw in draws {
            let bucket = state.buckets.get_mut(namespace).and_then(|buckets| buckets.get_mut(&draw.counter));
            if let Some(bucket) = bucket {
                bucket.tokens = bucket.tokens.saturating_add(draw.tokens).min(draw.capacity);
            }
        }
    }

    /// An anchor set the confirmed time from `before` to `time`: buckets go on from there, and neither gain nor lose by it.
    pub(super) fn anchor(&self, before: u64, time: u64) {
        let moved = |at: u64| time.saturating_sub(before.saturating_sub(at));
        let mut state = self.lock();
        state.started = state.started.map(moved);
        for bucket in state.buckets.values_mut().flat_map(HashMap::values_mut) {
            bucket.at = moved(bucket.at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn filled(&mut self, namespace: &str, draw: &Draw, mark: u64) -> Bucket {
        let started = *self.started.get_or_insert(mark);
        let bucket = self.buckets.get(namespace).and_then(|buckets| buckets.get(&draw.counter)).copied();
        bucket.unwrap_or_else(|| Bucket::empty(draw.into(), started)).fill(draw.into(), mark)
    }

    fn put(&mut self, namespace: &str, name: &str, bucket: Bucket) {
        if let Some(held) = self.buckets.get_mut(namespace).and_then(|buckets| buckets.get_mut(name)) {
            *held = bucket;
        } else {
            self.buckets.entry(namespace.to_owned()).or_default().insert(name.to_owned(), bucket);
            self.count += 1;
        }
    }

    /// Where there are many buckets, drops those that are full again, if one never seen would be as full.
    fn sweep(&mut self, mark: u64) {
        if self.count <= self.sweep_at.max(MANY) {
            return;
        }
        let started = self.started.unwrap_or(mark);
        for buckets in self.buckets.values_mut() {
            buckets.retain(|_, bucket| {
                let is_full = |bucket: Bucket| bucket.fill(bucket.pace, mark).tokens == bucket.pace.capacity;
                !(is_full(*bucket) && is_full(Bucket::empty(bucket.pace, started)))
            });
        }
        self.count = self.buckets.values().map(HashMap::len).sum();
        self.sweep_at = self.count.saturating_mul(2);
    }
}

impl Bucket {
    fn empty(pace: Pace, at: u64) -> Self {
        Self { tokens: 0, part: 0, pace, at }
    }

    /// The bucket at `mark`, as large as `pace` says now.
    fn fill(self, pace: Pace, mark: u64) -> Self {
        let every = u128::from(pace.every);
        // A part keeps its share of a token when the pace changes.
        let part = u128::from(self.part) * every;
        let part = part.checked_div(u128::from(self.pace.every)).unwrap_or(0);
        // A caller that read the time just before an anchor set it back would let the bucket wait until that time comes again.
        let at = if self.at.saturating_sub(mark) > LATE { mark } else { self.at };
        let elapsed = mark.saturating_sub(at);
        // At most (2^64 - 1)^2 + 2^64 - 1, which is below 2^128.
        let gained = u128::from(elapsed) * u128::from(pace.refill) + part;
        // A pace of no time at all brings nothing back.
        let whole = gained.checked_div(every).unwrap_or(0);
        let part = gained.checked_rem(every).unwrap_or(0);
        let tokens = u128::from(self.tokens).saturating_add(whole).min(u128::from(pace.capacity));
        let full = tokens == u128::from(pace.capacity);
        Self {
            tokens: tokens.try_into().unwrap_or(pace.capacity),
            part: if full { 0 } else { part.try_into().unwrap_or(0) },
            pace,
            at: at.max(mark),
        }
    }

    /// Takes the tokens, or tells how long it takes until they are there: the largest number where they never will be.
    fn take(self, tokens: u64) -> Result<Self, u64> {
        if let Some(tokens) = self.tokens.checked_sub(tokens) {
            return Ok(Self { tokens, ..self });
        }
        let Pace { capacity, refill, every } = self.pace;
        if tokens > capacity || refill == 0 || every == 0 {
            return Err(u64::MAX);
        }
        let missing = u128::from(tokens - self.tokens) * u128::from(every) - u128::from(self.part);
        Err(missing.div_ceil(u128::from(refill)).try_into().unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draw(tokens: u64, capacity: u64, refill: u64, every: u64) -> Draw {
        Draw { counter: "b".to_owned(), tokens, capacity, refill, every }
    }

    fn level(buckets: &Buckets, draw: &Draw, mark: u64) -> u64 {
        buckets.level("n", draw, mark).tokens
    }

    fn started(mark: u64) -> Buckets {
        let buckets = Buckets::default();
        buckets.start(mark);
        buckets
    }

    #[test]
    fn a_bucket_is_empty_at_the_start_and_fills_to_the_millisecond() {
        let buckets = started(1_000);
        let draw = draw(1, 5, 3, 1_000);
        assert_eq!(level(&buckets, &draw, 1_000), 0);
        assert_eq!(buckets.take("n", std::slice::from_ref(&draw), 1_000), Err(Shortage { draw: 0, wait: 334 }));
        assert_eq!(buckets.take("n", std::slice::from_ref(&draw), 1_333), Err(Shortage { draw: 0, wait: 1 }));
        assert_eq!(buckets.take("n", std::slice::from_ref(&draw), 1_334), Ok(()));
        assert_eq!(level(&buckets, &draw, 1_666), 0);
        assert_eq!(level(&buckets, &draw, 1_667), 1);
        assert_eq!(level(&buckets, &draw, u64::MAX), 5);
    }

    #[test]
    fn a_bucket_first_seen_late_is_as_full_as_the_time_since_the_start_makes_it() {
        assert_eq!(level(&started(0), &draw(1, 5, 1, 1_000), 3_500), 3);
    }

    #[test]
    fn all_draws_or_none_and_one_bucket_twice_is_drawn_twice() {
        let buckets = started(0);
        let draws = [draw(3, 5, 1, 1), draw(3, 5, 1, 1)];
        assert_eq!(buckets.take("n", &draws, 5), Err(Shortage { draw: 1, wait: 1 }));
        assert_eq!(level(&buckets, &draws[0], 5), 5);
        assert_eq!(buckets.take("n", &draws[..1], 5), Ok(()));
        assert_eq!(buckets.take("other", &draws[..1], 5), Ok(()));
        assert_eq!(level(&buckets, &draws[0], 5), 2);
    }

    #[test]
    fn extremes_neither_overflow_nor_promise_what_never_comes() {
        let max = u64::MAX;
        for draw in [draw(2, 1, 1, 1), draw(1, 1, 0, 1), draw(1, 1, 1, 0)] {
            assert_eq!(started(0).take("n", &[draw], 0), Err(Shortage { draw: 0, wait: max }));
        }
        assert_eq!(started(0).take("n", &[draw(max, max, 1, max)], 0), Err(Shortage { draw: 0, wait: max }));
        assert_eq!(started(0).take("n", &[draw(max, max, max, 1)], max), Ok(()));
        assert_eq!(level(&started(0), &draw(0, max, max, max), max), max);
    }

    #[test]
    fn a_clock_that_goes_back_neither_fills_nor_stops() {
        let buckets = started(1_000);
        let draw = draw(1, 10, 1, 100);
        assert_eq!(buckets.take("n", std::slice::from_ref(&draw), 1_500), Ok(()));
        assert_eq!(level(&buckets, &draw, 200), 4);
        assert_eq!(level(&buckets, &draw, 1_600), 5);
    }

    #[test]
    fn an_anchor_lets_buckets_go_on_and_brings_nothing() {
        let buckets = started(1_000);
        let draw = draw(1, 10, 1, 100);
        let fresh = Draw { counter: "fresh".to_owned(), ..draw.clone() };
        assert_eq!(buckets.take("n", std::slice::from_ref(&draw), 900_000_000), Ok(()));
        buckets.anchor(900_000_050, 5_000);
        assert_eq!(level(&buckets, &draw, 5_000), 9);
        assert_eq!(level(&buckets, &draw, 5_050), 10);
        assert_eq!(level(&buckets, &fresh, 5_000), 10);
        assert_eq!(buckets.take("n", &[Draw { tokens: 10, ..draw.clone() }], 5_050), Ok(()));
        buckets.anchor(5_050, 900_000_000);
        assert_eq!(level(&buckets, &draw, 900_000_000), 0);
        assert_eq!(level(&buckets, &draw, 900_000_100), 1);
    }

    #[test]
    fn who_read_the_time_before_an_anchor_set_it_back_starves_nobody() {
        let buckets = started(900_000_000);
        let draw = draw(1, 10, 1, 100);
        buckets.anchor(900_000_000, 5_000);
        assert_eq!(buckets.take("n", &[Draw { tokens: 10, ..draw.clone() }], 900_000_001), Ok(()));
        assert_eq!(level(&buckets, &draw, 5_100), 0);
        assert_eq!(buckets.take("n", &[Draw { tokens: 0, ..draw.clone() }], 5_100), Ok(()));
        assert_eq!(level(&buckets, &draw, 5_200), 1);
    }

    #[test]
    fn what_is_given_back_does_not_pass_the_capacity() {
        let buckets = started(0);
        let draws = [draw(4, 5, 1, 1)];
        assert_eq!(buckets.take("n", &draws, 5), Ok(()));
        buckets.give_back("n", &draws);
        assert_eq!(level(&buckets, &draws[0], 5), 5);
    }

    #[test]
    fn what_is_dropped_of_very_many_buckets_would_not_be_fuller_if_it_were_new() {
        let buckets = started(0);
        let named = |name: String, capacity| Draw { counter: name, ..draw(1, capacity, 1, 1) };
        // Drawn from late: as large as the others, but not full again when they are.
        let large = named("large".to_owned(), 1_000_000);
        assert_eq!(buckets.take("n", &[Draw { tokens: 500_000, ..large.clone() }], 1_000_000), Ok(()));
        for number in 1..MANY {
            assert_eq!(buckets.take("n", &[named(number.to_string(), 5)], 1_000_000), Ok(()));
        }
        assert_eq!(buckets.lock().count, MANY);
        assert_eq!(buckets.take("n", &[named("one more".to_owned(), 5)], 1_000_010), Ok(()));
        assert_eq!(buckets.lock().count, 2);
        assert_eq!(level(&buckets, &large, 1_000_010), 500_010);
    }

    #[test]
    fn a_pace_that_changes_keeps_what_was_gained() {
        let buckets = started(0);
        assert_eq!(buckets.take("n", &[draw(0, 10, 1, 1_000)], 2_500), Ok(()));
        assert_eq!(buckets.take("n", &[draw(2, 10, 1, 10)], 2_500), Ok(()));
        assert_eq!(level(&buckets, &draw(0, 10, 1, 10), 2_505), 1);
        assert_eq!(level(&buckets, &draw(0, 3, 1, 1), 9_999), 3);
    }

    proptest! {
        /// However often a bucket is looked at and drawn from, what was taken is at most what the time brought.
        #[test]
        fn never_more_than_the_time_brings(
            capacity in 1_u64..50, refill in 1_u64..50, every in 1_u64..2_000,
            steps in prop::collection::vec((0_u64..500, 0_u64..20), 1..100),
        ) {
            let buckets = started(0);
            let (mut mark, mut taken) = (0, 0);
            for (step, tokens) in steps {
                mark += step;
                let draw = draw(tokens, capacity, refill, every);
                let Supply { tokens: level, wait } = buckets.level("n", &draw, mark);
                let outcome = buckets.take("n", std::slice::from_ref(&draw), mark);
                prop_assert_eq!(outcome.is_ok(), level >= tokens);
                prop_assert_eq!(outcome.as_ref().map_or_else(|short| short.wait, |()| 0), wait);
                match outcome {
                    Ok(()) => taken += tokens,
                    Err(Shortage { wait: u64::MAX, .. }) => prop_assert!(tokens > capacity),
                    Err(Shortage { wait, .. }) => {
                        prop_assert!(buckets.level("n", &draw, mark + wait).tokens >= tokens);
                        prop_assert!(buckets.level("n", &draw, mark + wait - 1).tokens < tokens);
                    }
                }
                prop_assert!(taken * every <= mark * refill);
            }
        }
    }
}
