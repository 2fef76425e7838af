//! Blocks on the disk: in the transaction that changes a counter, its block is closed, and may be filled anew.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::error::RowError;
use super::rows::{Name, Outcome, Step};
use super::sealed::{Digest, Reading, Rows, Sealed, Txn, View};
use crate::bindings::placet::policy::counters::Entry;
use crate::store::Burned;
use crate::store::block::{Block, Blocks, size};

/// (namespace, counter) → how much of what the counter holds on the disk was left in its block at first.
const BLOCKS: Sealed<Name, u64> = Sealed::new("blocks");
/// (namespace, counter) → (units that crashes burned, how many of them were not told yet).
const BURNED: Sealed<Name, (u64, u64)> = Sealed::new("burned");

/// What a transaction does to blocks.
#[derive(Debug)]
pub(super) struct Moves<'s> {
    pub(super) blocks: &'s Blocks,
    moved: RefCell<BTreeMap<(String, String), Move>>,
}

/// A block that was closed.
#[derive(Clone, Debug, Default)]
struct Move {
    /// Of the block that was closed.
    pace: u64,
    /// The block that is filled, as (what the counter holds, how much is left).
    filled: Option<(u64, u64)>,
    /// When.
    mark: u64,
}

/// What is to be done about blocks once it is known whether a transaction happened.
#[derive(Debug, Default)]
pub(super) struct Moved(BTreeMap<(String, String), Move>);

impl<'s> Moves<'s> {
    pub(super) fn new(blocks: &'s Blocks) -> Self {
        Self { blocks, moved: RefCell::default() }
    }

    pub(super) fn finish(self) -> Moved {
        Moved(self.moved.into_inner())
    }
}

impl Moved {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The transaction was committed.
    pub(super) fn happened(self, blocks: &Blocks) {
        for ((namespace, counter), moved) in self.0 {
            match moved.filled {
                Some((sum, left)) => {
                    blocks.put(&namespace, &counter, Block::new(sum.saturating_add(left), left, moved.mark))
                }
                None => blocks.remove(&namespace, &counter),
            }
        }
    }
}

pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&BLOCKS)?;
    txn.open(&BURNED)?;
    Ok(())
}

pub(super) fn digest(view: &View<'_>, digest: Digest) -> Result<Digest, RowError> {
    view.digest(&BURNED, view.digest(&BLOCKS, digest)?)
}

/// Lets the row of a counter hold what was used, and no block any more. To be called before the row is looked at.
pub(super) fn close(
    txn: &Txn<'_>,
    counters: &mut Rows<'_, Name, u64>,
    namespace: &str,
    counter: &str,
    mark: u64,
) -> Result<(), RowError> {
    let mut moved = txn.moves.moved.borrow_mut();
    let key = (namespace.to_owned(), counter.to_owned());
    let value = match moved.get_mut(&key) {
        Some(earlier) => match earlier.filled.take() {
            Some((sum, _)) => sum,
            None => return Ok(()),
        },
        None => {
            let Some(block) = txn.moves.blocks.find(namespace, counter) else { return Ok(()) };
            let value = block.close();
            moved.insert(key, Move { pace: block.pace(mark), ..Move::default() });
            value
        }
    };
    counters.insert((namespace, counter), value)?;
    txn.open(&BLOCKS)?.remove((namespace, counter))?;
    Ok(())
}

/// Lets the row of a counter hold `sum` and a block beside it, as large as the entry allows; and `before` until that is committed.
pub(super) fn fill(
    txn: &Txn<'_>,
    counters: &mut Rows<'_, Name, u64>,
    namespace: &str,
    entry: &Entry,
    (before, sum): (u64, u64),
    mark: u64,
) -> Result<(), RowError> {
    let key = (namespace.to_owned(), entry.counter.clone());
    let mut moved = txn.moves.moved.borrow_mut();
    let known = moved.contains_key(&key);
    let pace = moved.get(&key).map_or(0, |moved| moved.pace);
    let left = size(pace, entry.amount, entry.slack, entry.ceiling.saturating_sub(sum));
    if left == 0 || (!known && !txn.moves.blocks.has_room()) {
        return Ok(());
    }
    if !known {
        txn.moves.blocks.put(namespace, &entry.counter, Block::closed(before));
    }
    counters.insert((namespace, entry.counter.as_str()), sum.saturating_add(left))?;
    txn.open(&BLOCKS)?.insert((namespace, entry.counter.as_str()), left)?;
    moved.insert(key, Move { pace, filled: Some((sum, left)), mark });
    Ok(())
}

/// Did a crash leave a block?
pub(super) fn any(view: &View<'_>) -> Result<bool, RowError> {
    let mut any = false;
    view.open(&BLOCKS)?.each::<(&str, &str)>(.., |_, _| {
        any = true;
        ControlFlow::Break(())
    })?;
    Ok(any)
}

/// Counts as used what a crash left in blocks.
pub(super) fn burn(txn: &Txn<'_>) -> Result<(), RowError> {
    let (mut blocks, mut burned) = (txn.open(&BLOCKS)?, txn.open(&BURNED)?);
    let mut left = Vec::new();
    blocks.each::<(&str, &str)>(.., |(namespace, counter), units| {
        left.push((namespace.to_owned(), counter.to_owned(), units));
        ControlFlow::Continue(())
    })?;
    for (namespace, counter, units) in &left {
        let key = (namespace.as_str(), counter.as_str());
        let (all, untold) = burned.get(key, |before| before)?.unwrap_or_default();
        burned.insert(key, (all.saturating_add(*units), untold.saturating_add(*units)))?;
        blocks.remove(key)?;
    }
    Ok(())
}

/// What crashes burned, by counter, and how much of it was not told yet.
pub(super) fn burned(view: &View<'_>) -> Result<Vec<(Burned, u64)>, RowError> {
    let mut found = Vec::new();
    view.open(&BURNED)?.each::<(&str, &str)>(.., |(namespace, counter), (units, untold)| {
        found.push((Burned { policy: namespace.to_owned(), counter: counter.to_owned(), units }, untold));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// All of these were told.
pub(super) fn told(txn: &Txn<'_>, all: &[Burned]) -> Step<()> {
    let mut burned = txn.open(&BURNED)?;
    for Burned { policy, counter, .. } in all {
        let key = (policy.as_str(), counter.as_str());
        if let Some((units, _)) = burned.get(key, |before| before)? {
            burned.insert(key, (units, 0))?;
        }
    }
    Ok(if all.is_empty() { Outcome::Same(()) } else { Outcome::Changed(()) })
}
