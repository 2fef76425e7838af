//! The blocks of the store in every order in which a few threads can meet at them, and with every value that the memory model of C11 lets
//! them see, by [loom](https://docs.rs/loom). The source is the store's own; its words and locks are loom's.
#![expect(clippy::unwrap_used, reason = "what helps a test fails like one")]

#[path = "../src/store/block.rs"]
#[expect(dead_code, reason = "what has nothing to do with threads")]
mod block;

/// In place of the store's.
mod sync {
    pub(super) use loom::sync::RwLock;
    pub(super) use loom::sync::atomic::AtomicU64;
}

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread;

use self::block::{Block, Blocks, Take, Units};
use self::sync::AtomicU64;

/// What the disk holds of a counter, how much of it is left in its block, and what was used.
const END: u64 = 20;
const LEFT: u64 = 10;
const USED: u64 = END - LEFT;

/// Runs threads in every order in which at most so many of them are interrupted. Answers how many orders there were.
fn every_order(interruptions: usize, run: impl Fn() + Send + Sync + 'static) -> usize {
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = orders.clone();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(interruptions);
    model.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        run();
    });
    orders.load(Ordering::Relaxed)
}

/// Each sum that was told is what the counter held before, and what was added. Answers the last one.
fn chained(mut told: Vec<(u64, u64)>) -> u64 {
    told.sort_unstable();
    told.into_iter().fold(USED, |before, (sum, amount)| {
        assert_eq!(sum, before + amount, "two callers were told of the same units");
        sum
    })
}

#[test]
fn a_block_that_is_closed_tells_exactly_what_was_taken() {
    let orders = every_order(4, || {
        let block = Arc::new(Block::new(END, LEFT, 0));
        let takers = [[3, 1], [4, 1]].map(|amounts| {
            let mut units = Units::new(block.clone());
            thread::spawn(move || {
                let taken = amounts.map(|amount| match units.take(amount, 100, u64::MAX) {
                    Take::Taken(_) => amount,
                    Take::Missing => 0,
                    Take::Exceeded(held) => panic!("{held} is far from the ceiling"),
                });
                assert!(taken[0] > 0 || taken[1] == 0, "a closed block opened");
                taken.iter().sum::<u64>()
            })
        });
        let closed = block.close();
        let taken: u64 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
        assert_eq!((closed, block.value()), (USED + taken, USED + taken));
        assert_eq!(block.take(1, 100, u64::MAX), Take::Missing, "nothing is taken from a closed block");
    });
    assert!(orders > 20, "only {orders} orders");
}

#[test]
fn a_block_gives_each_unit_once_and_none_past_the_ceiling() {
    const CEILING: u64 = USED + 7;
    let orders = every_order(4, || {
        let block = Arc::new(Block::new(END, LEFT, 0));
        let told_of = |amount, take| match take {
            Take::Taken(sum) => Some((sum, amount)),
            Take::Exceeded(held) => {
                assert!(held + amount > CEILING);
                None
            }
            Take::Missing => panic!("enough is left, and nobody closes it"),
        };
        let takers = [[1, 2], [3, 1]].map(|amounts| {
            let mut units = Units::new(block.clone());
            thread::spawn(move || amounts.map(|amount| told_of(amount, units.take(amount, CEILING, LEFT))))
        });
        let mut told: Vec<_> = told_of(5, block.take(5, CEILING, LEFT)).into_iter().collect();
        told.extend(takers.into_iter().flat_map(|taker| taker.join().unwrap()).flatten());
        let sum = chained(told);
        assert_eq!((block.value(), sum <= CEILING), (sum, true));
    });
    assert!(orders > 20, "only {orders} orders");
}

const SPACE: &str = "n";
const COUNTER: &str = "c";
const CEILING: u64 = 18;

/// One counter, as the store keeps it.
#[derive(Default)]
struct Counter {
    blocks: Blocks,
    /// What was committed. The real disk has locks, which order more than this word does.
    disk: AtomicU64,
}

/// How a commit ends.
#[derive(Clone, Copy)]
enum Commit {
    Done,
    /// The file was closed and opened again, and holds what it held before.
    Failed,
    /// The same, and it holds what was committed.
    Unknown,
}

impl Counter {
    /// With a block, or without.
    fn new(left: u64) -> Self {
        let counter = Self { disk: AtomicU64::new(USED + left), ..Self::default() };
        if left > 0 {
            counter.blocks.put(SPACE, COUNTER, Block::new(USED + left, left, 0));
        }
        counter
    }

    /// As `RedbStore` reads.
    fn read(&self) -> u64 {
        let look = || {
            let held = self.disk.load(Ordering::Acquire);
            Ok::<_, Infallible>(self.blocks.value(SPACE, COUNTER).unwrap_or(held))
        };
        self.blocks.steadily(look).unwrap()
    }

    fn take(&self, amount: u64) -> Option<(u64, u64)> {
        match self.blocks.take(SPACE, COUNTER, amount, CEILING, LEFT) {
            Take::Taken(sum) => Some((sum, amount)),
            Take::Exceeded(held) => {
                assert!(held + amount > CEILING);
                None
            }
            Take::Missing => None,
        }
    }

    /// What the writer's thread does with one call that adds, in the order of its steps; `left` units fill a block.
    fn add(&self, amount: u64, left: u64, commit: Commit) -> Option<(u64, u64)> {
        let closed = self.blocks.find(SPACE, COUNTER).map(|block| block.close());
        let before = closed.unwrap_or_else(|| self.disk.load(Ordering::Acquire));
        let sum = before + amount;
        if sum > CEILING {
            self.blocks.reopen();
            return None;
        }
        if left > 0 && closed.is_none() {
            self.blocks.put(SPACE, COUNTER, Block::closed(before));
        }
        if matches!(commit, Commit::Failed) {
            self.blocks.reopen();
            return None;
        }
        self.disk.store(sum + left, Ordering::Release);
        if left > 0 {
            self.blocks.put(SPACE, COUNTER, Block::new(sum + left, left, 0));
        } else if closed.is_some() {
            self.blocks.remove(SPACE, COUNTER);
        }
        if matches!(commit, Commit::Unknown) {
            self.blocks.drop_closed();
        }
        Some((sum, amount))
    }
}

/// A taker, a reader, and the writer, which adds so many units a call, with so many more for a block, and such an end.
fn meet(left: u64, calls: &'static [(u64, u64, Commit)]) {
    let orders = every_order(2, move || {
        let counter = Arc::new(Counter::new(left));
        let taker = thread::spawn({
            let counter = counter.clone();
            move || [2, 3].map(|amount| counter.take(amount))
        });
        let reader = thread::spawn({
            let counter = counter.clone();
            move || [counter.read(), counter.read()]
        });
        let mut told: Vec<_> =
            calls.iter().filter_map(|(amount, left, commit)| counter.add(*amount, *left, *commit)).collect();
        told.extend(taker.join().unwrap().into_iter().flatten());
        let read = reader.join().unwrap();
        let was_told = |held: u64| held == USED || told.iter().any(|(sum, _)| *sum == held);
        assert!(read.iter().all(|held| was_told(*held)) && read.is_sorted(), "{read:?} was read, {told:?} told");
        let sum = chained(told);
        assert_eq!((counter.read(), sum <= CEILING), (sum, true));
        assert!(counter.disk.load(Ordering::Acquire) >= sum, "what was used is not reserved");
        if let Some((.., Commit::Failed)) = calls.last() {
            assert!(counter.take(1).is_some(), "it stays closed");
        }
    });
    assert!(orders > 100, "only {orders} orders");
}

#[test]
fn a_block_is_filled_anew_under_a_taker_and_a_reader() {
    meet(4, &[(1, 4, Commit::Done), (1, 2, Commit::Done)]);
}

#[test]
fn a_first_block_is_filled_under_a_taker_and_a_reader() {
    meet(0, &[(1, 4, Commit::Failed), (1, 4, Commit::Done)]);
}

#[test]
fn a_block_goes_away_under_a_taker_and_a_reader() {
    meet(4, &[(1, 0, Commit::Done), (1, 3, Commit::Done)]);
}

#[test]
fn a_block_is_opened_again_after_a_commit_that_failed() {
    meet(4, &[(1, 3, Commit::Failed), (1, 0, Commit::Failed)]);
}

#[test]
fn a_commit_that_happened_untold_takes_a_block_away_or_fills_it() {
    meet(4, &[(1, 0, Commit::Unknown), (1, 3, Commit::Unknown)]);
}

#[test]
fn a_call_that_would_pass_the_ceiling_leaves_a_block_as_it_was() {
    meet(6, &[(8, 0, Commit::Done), (1, 2, Commit::Done)]);
}
