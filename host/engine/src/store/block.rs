//! Units that were reserved durably and are counted in memory.
//!
//! The disk holds the end of a block: what the counter would hold if all of it were used. What the counter holds in truth is the end
//! without what is left. Taking units is one compare-and-swap. Whoever changes the counter on the disk closes its block first: then
//! nothing is taken any more, and what is left is known for good.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::sync::{AtomicU64, RwLock};

/// The flag of a closed block, in its word.
const CLOSED: u64 = 1 << 63;
/// The largest block, so that the flag stays free.
const LARGEST: u64 = 1 << 40;
/// The most counters that have a block at once; the others count durably.
const MOST: usize = 10_000;
/// A block is used up in so many milliseconds at the least, at the rate of late.
const SPAN: u64 = 100;

/// Units of one counter.
#[derive(Debug)]
pub(crate) struct Block {
    /// What the disk holds.
    end: u64,
    /// What is left, and the flag.
    left: Line,
    /// What was left at first, and when that was.
    filled: u64,
    at: u64,
}

/// What all callers write lies apart from what they read: a cache line goes to and fro.
#[derive(Debug)]
#[repr(align(64))]
struct Line(AtomicU64);

/// A block at hand, for a caller who takes of it again and again.
#[derive(Debug)]
pub(crate) struct Units {
    block: Arc<Block>,
    /// What was left when the caller looked last.
    left: u64,
}

impl Units {
    pub(crate) fn new(block: Arc<Block>) -> Self {
        Self { block, left: 0 }
    }

    /// What they are of.
    pub(crate) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// As [`Block::take`].
    pub(crate) fn take(&mut self, amount: u64, ceiling: u64, slack: u64) -> Take {
        self.block.take_of(&mut self.left, amount, ceiling, slack)
    }
}

/// What came of taking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// What the counter holds now.
    Taken(u64),
    /// It would pass the ceiling. What the counter holds.
    Exceeded(u64),
    /// Too little is left, or more than this caller would burn, or the block is closed: ask the disk.
    Missing,
}

impl Block {
    /// A block of `left` units, below `end`, filled at the time `at`.
    pub(super) fn new(end: u64, left: u64, at: u64) -> Self {
        Self { end, left: Line(AtomicU64::new(left)), filled: left, at }
    }

    /// Stands for a counter while the disk is about to hold more than was used.
    pub(super) fn closed(value: u64) -> Self {
        Self { end: value, left: Line(AtomicU64::new(CLOSED)), filled: 0, at: 0 }
    }

    /// Takes units where that needs no disk.
    pub(crate) fn take(&self, amount: u64, ceiling: u64, slack: u64) -> Take {
        self.take_of(&mut self.left().load(Ordering::Acquire), amount, ceiling, slack)
    }

    /// The same, where `left` was seen last; then what is left now. Where nobody else took of it, the word is asked for once.
    fn take_of(&self, left: &mut u64, amount: u64, ceiling: u64, slack: u64) -> Take {
        loop {
            let outcome = self.outcome(*left, amount, ceiling, slack);
            let now = match outcome {
                Take::Taken(_) => {
                    let rest = left.saturating_sub(amount);
                    match self.left().compare_exchange(*left, rest, Ordering::AcqRel, Ordering::Acquire) {
                        Ok(_) => {
                            *left = rest;
                            return outcome;
                        }
                        Err(now) => now,
                    }
                }
                Take::Exceeded(_) | Take::Missing => self.left().load(Ordering::Acquire),
            };
            if now == *left {
                return outcome;
            }
            *left = now;
        }
    }

    /// What comes of taking where so much is left.
    fn outcome(&self, left: u64, amount: u64, ceiling: u64, slack: u64) -> Take {
        let value = self.end.saturating_sub(left & !CLOSED);
        match value.checked_add(amount) {
            _ if left & CLOSED != 0 => Take::Missing,
            Some(sum) if sum > ceiling => Take::Exceeded(value),
            Some(sum) if amount <= left && left <= slack => Take::Taken(sum),
            Some(_) => Take::Missing,
            None => Take::Exceeded(value),
        }
    }

    fn left(&self) -> &AtomicU64 {
        &self.left.0
    }

    /// What the counter holds.
    pub(super) fn value(&self) -> u64 {
        self.end.saturating_sub(self.left().load(Ordering::Acquire) & !CLOSED)
    }

    /// Ends the taking. Answers what the counter holds from now on.
    pub(super) fn close(&self) -> u64 {
        self.end.saturating_sub(self.left().fetch_or(CLOSED, Ordering::AcqRel) & !CLOSED)
    }

    fn is_closed(&self) -> bool {
        self.left().load(Ordering::Acquire) & CLOSED != 0
    }

    /// Of a closed block: the same, open again. None where the disk has no block. One that is used up stays: the disk counts it as left.
    fn again(&self) -> Option<Self> {
        let left = self.left().load(Ordering::Acquire) & !CLOSED;
        (self.filled > 0).then(|| Self {
            end: self.end,
            left: Line(AtomicU64::new(left)),
            filled: self.filled,
            at: self.at,
        })
    }

    /// How many units of it a span of 100 milliseconds takes, as far as can be told at `mark`.
    pub(super) fn pace(&self, mark: u64) -> u64 {
        let used = self.filled.saturating_sub(self.left().load(Ordering::Acquire) & !CLOSED);
        used.saturating_mul(SPAN) / mark.saturating_sub(self.at).max(1)
    }
}

/// How large a block is to be, beside `amount` units that are taken at once: what 100 milliseconds take, at most the slack, and at most
/// half of what is free below the ceiling.
pub(super) fn size(pace: u64, amount: u64, slack: u64, free: u64) -> u64 {
    pace.max(amount).min(slack).min(free / 2).min(LARGEST)
}

/// The blocks of all counters. A counter of which the disk holds more than was used has one, open or closed.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: RwLock<HashMap<String, HashMap<String, Arc<Block>>>>,
    removals: AtomicU64,
}

impl Blocks {
    pub(super) fn find(&self, namespace: &str, counter: &str) -> Option<Arc<Block>> {
        self.with(namespace, counter, Clone::clone)
    }

    /// Takes units where that needs no disk.
    pub(super) fn take(&self, namespace: &str, counter: &str, amount: u64, ceiling: u64, slack: u64) -> Take {
        self.with(namespace, counter, |block| block.take(amount, ceiling, slack)).unwrap_or(Take::Missing)
    }

    /// What a counter holds, if it has a block.
    pub(super) fn value(&self, namespace: &str, counter: &str) -> Option<u64> {
        self.with(namespace, counter, |block| block.value())
    }

    pub(super) fn put(&self, namespace: &str, counter: &str, block: Block) {
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        blocks.entry(namespace.to_owned()).or_default().insert(counter.to_owned(), block.into());
    }

    pub(super) fn remove(&self, namespace: &str, counter: &str) {
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        blocks.get_mut(namespace).and_then(|blocks| blocks.remove(counter));
        self.removals.fetch_add(1, Ordering::AcqRel);
    }

    /// Opens every closed block again: the disk holds what it held before.
    pub(super) fn reopen(&self) {
        for (namespace, counter) in self.names() {
            let Some(block) = self.find(&namespace, &counter).filter(|block| block.is_closed()) else { continue };
            match block.again() {
                Some(block) => self.put(&namespace, &counter, block),
                None => self.remove(&namespace, &counter),
            }
        }
    }

    /// Lets every closed block go: the disk holds what is counted.
    pub(super) fn drop_closed(&self) {
        for (namespace, counter) in self.names() {
            if self.with(&namespace, &counter, |block| block.is_closed()) == Some(true) {
                self.remove(&namespace, &counter);
            }
        }
    }

    /// Is there room for another?
    pub(super) fn has_room(&self) -> bool {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        blocks.values().map(HashMap::len).sum::<usize>() < MOST
    }

    /// The namespace and counter of each.
    pub(super) fn names(&self) -> Vec<(String, String)> {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        let names = |(space, blocks): (&String, &HashMap<String, _>)| {
            let space = space.clone();
            blocks.keys().map(move |name| (space.clone(), name.clone())).collect::<Vec<_>>()
        };
        blocks.iter().flat_map(names).collect()
    }

    /// Looks at the disk and at the blocks as of one moment: again, where a block went away meanwhile, since its counter then was read
    /// before that and is completed after it.
    pub(super) fn steadily<T, E>(&self, look: impl Fn() -> Result<T, E>) -> Result<T, E> {
        loop {
            let before = self.removals.load(Ordering::Acquire);
            let seen = look()?;
            if self.removals.load(Ordering::Acquire) == before {
                return Ok(seen);
            }
        }
    }

    fn with<T>(&self, namespace: &str, counter: &str, look: impl FnOnce(&Arc<Block>) -> T) -> Option<T> {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        blocks.get(namespace)?.get(counter).map(look)
    }
}
