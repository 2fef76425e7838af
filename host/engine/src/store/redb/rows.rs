//! Counters, and what the file says about itself, within one transaction.
//!
//! A call that changes looks first and writes then, so that a refusal has written nothing into the transaction, which it shares
//! with other calls.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use redb::TableDefinition;

use super::blocks;
use super::chain;
use super::error::RowError;
use super::sealed::{Digest, Reading, Sealed, Txn, View};
use super::{kept, once, pools, reserved};
use crate::bindings::placet::policy::counters::{Entry, Error, Excess, Once, Portion};
use crate::store::{Moment, Part, Recalled, moved, portions, recorded, recorded_add};

/// The format that this release writes. It counts up when a table changes its meaning.
pub(super) const FORMAT: u64 = 1;

/// A namespace, and a name in it.
pub(super) type Name = (&'static str, &'static str);

/// (namespace, counter) → what it holds.
const COUNTERS: Sealed<Name, u64> = Sealed::new("counters");
/// What the file says about itself; the one table that every format has.
const META: TableDefinition<&str, &str> = TableDefinition::new("meta");

const META_FORMAT: &str = "format";
/// The id of the install key that seals it.
const META_KEY: &str = "install-key";

/// What a call did.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    /// It changed something: the answer waits for the commit.
    Changed(T),
    /// It changed nothing.
    Same(T),
}

pub(super) type Step<T> = Result<Outcome<T>, RowError>;
/// A step that a policy asked for, and may be refused.
pub(super) type Asked<T> = Step<Result<T, Error>>;

pub(super) fn refused<T>(error: Error) -> Asked<T> {
    Ok(Outcome::Same(Err(error)))
}

/// Makes every table of a new file.
pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&COUNTERS)?;
    blocks::create(txn)?;
    reserved::create(txn)?;
    once::create(txn)?;
    pools::create(txn)?;
    kept::create(txn)?;
    chain::create(txn)?;
    let mut meta = txn.txn.open_table(META)?;
    meta.insert(META_FORMAT, &*FORMAT.to_string())?;
    meta.insert(META_KEY, &*txn.seals.id)?;
    Ok(())
}

/// The format of the file; none where it is not of ours.
pub(super) fn format(view: &View<'_>) -> Result<Option<u64>, RowError> {
    Ok(view.view.open_table(META)?.get(META_FORMAT)?.and_then(|format| format.value().parse().ok()))
}

/// Is it sealed by this install key?
pub(super) fn is_own(view: &View<'_>) -> Result<bool, RowError> {
    Ok(view.view.open_table(META)?.get(META_KEY)?.is_some_and(|key| key.value() == view.seals.id))
}

/// Looks at each row's own tag, compares what the tables hold with the last commit, and rows that are told twice with each other.
///
/// A row under another key keeps the sum of the tags; looked for under its own it is not there, and nobody meets its tag. So each is
/// looked at here.
pub(super) fn check(view: &View<'_>) -> Result<(), RowError> {
    let digest = view.digest(&COUNTERS, Digest::default())?;
    let digest = once::digest(view, digest)?;
    let digest = pools::digest(view, digest)?;
    let digest = kept::digest(view, digest)?;
    let digest = blocks::digest(view, digest)?;
    let digest = reserved::digest(view, digest)?;
    let digest = chain::digest(view, digest)?;
    if chain::last(view)?.digest != digest {
        return Err(RowError::Edited { table: "chain" });
    }
    pools::check(view)
}

/// Lets every counter hold what was used, and no block.
pub(super) fn close_blocks(txn: &Txn<'_>) -> Result<(), RowError> {
    let mut table = txn.open(&COUNTERS)?;
    let names = txn.moves.blocks.names();
    names.iter().try_for_each(|(namespace, counter)| blocks::close(txn, &mut table, namespace, counter, 0))
}

/// Lifts the confirmed time.
pub(super) fn lift_mark(txn: &Txn<'_>, mark: u64) -> Step<()> {
    Ok(if chain::before(txn)?.mark < Some(mark) { Outcome::Changed(()) } else { Outcome::Same(()) })
}

pub(super) fn read(view: &View<'_>, namespace: &str, counters: &[String]) -> Result<Vec<u64>, RowError> {
    let table = view.open(&COUNTERS)?;
    counters.iter().map(|counter| held(&table, namespace, counter)).collect()
}

fn held(table: &impl Reading<Name, u64>, namespace: &str, counter: &str) -> Result<u64, RowError> {
    Ok(table.get((namespace, counter), |held| held)?.unwrap_or(0))
}

/// `draw` takes the tokens; it is asked last.
pub(super) fn add(
    txn: &Txn<'_>,
    namespace: &str,
    entries: Vec<Entry>,
    once: Option<Once>,
    part: Option<Part>,
    Moment { mark, .. }: Moment,
    draw: impl FnOnce() -> Result<(), Error>,
) -> Asked<Vec<u64>> {
    if let Some(recorded) = once::repeated(txn, namespace, once.as_ref())? {
        return refused(Error::Repeated(recorded));
    }
    if !reserved::stands(txn, namespace, part.as_ref())? {
        return refused(moved());
    }
    let mut table = txn.open(&COUNTERS)?;
    entries.iter().try_for_each(|entry| blocks::close(txn, &mut table, namespace, &entry.counter, mark))?;
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (index, entry) in (0_u32..).zip(&entries) {
        let (before, sum) = held_or(&sums, &table, namespace, &entry.counter)?;
        match sum.checked_add(entry.amount).filter(|sum| *sum <= entry.ceiling) {
            Some(sum) => sums.insert(&entry.counter, (before, sum)),
            None => return refused(Error::Exceeded(Excess { entry: index, current: before })),
        };
    }
    if let Err(error) = draw() {
        return refused(error);
    }
    for (counter, (_, sum)) in &sums {
        table.insert((namespace, *counter), *sum)?;
    }
    for entry in entries.iter().filter(|entry| entry.slack > 0 && part.is_none()) {
        // A counter that is named twice is counted durably.
        if let Some(moved) = sums.get(entry.counter.as_str())
            && entries.iter().filter(|other| other.counter == entry.counter).count() == 1
        {
            blocks::fill(txn, &mut table, namespace, entry, *moved, mark)?;
        }
    }
    let answer: Vec<u64> = entries.iter().filter_map(|entry| Some(sums.get(entry.counter.as_str())?.1)).collect();
    if let Some(once) = once {
        let reservation = match &part {
            Some(Part::Reserve(id, _)) => Some(id.clone()),
            Some(Part::Settle(..)) | None => None,
        };
        let recorded = recorded_add(&once, &entries, &answer);
        once::record(txn, namespace, &once.key, &Recalled { recorded, reservation }, mark)?;
    }
    drop(table);
    reserved::record(txn, namespace, part, portions(&entries), mark)?;
    Ok(Outcome::Changed(Ok(answer)))
}

pub(super) fn subtract(
    txn: &Txn<'_>,
    namespace: &str,
    portions: Vec<Portion>,
    once: Option<Once>,
    mark: u64,
) -> Asked<Vec<u64>> {
    if let Some(recorded) = once::repeated(txn, namespace, once.as_ref())? {
        return refused(Error::Repeated(recorded));
    }
    let mut table = txn.open(&COUNTERS)?;
    portions.iter().try_for_each(|portion| blocks::close(txn, &mut table, namespace, &portion.counter, mark))?;
    let mut rests: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (index, portion) in (0_u32..).zip(&portions) {
        let (before, rest) = held_or(&rests, &table, namespace, &portion.counter)?;
        match rest.checked_sub(portion.amount) {
            Some(rest) => rests.insert(&portion.counter, (before, rest)),
            None => return refused(Error::Exceeded(Excess { entry: index, current: before })),
        };
    }
    for (counter, (_, rest)) in &rests {
        table.insert((namespace, *counter), *rest)?;
        reserved::hold_at_most(txn, namespace, counter, *rest)?;
    }
    let answer: Vec<u64> = portions.iter().filter_map(|portion| Some(rests.get(portion.counter.as_str())?.1)).collect();
    if let Some(once) = once {
        let recalled = Recalled { recorded: recorded(&once, portions, &answer), reservation: None };
        once::record(txn, namespace, &once.key, &recalled, mark)?;
    }
    Ok(Outcome::Changed(Ok(answer)))
}

/// Takes away portions that are there.
pub(super) fn take_back(txn: &Txn<'_>, namespace: &str, portions: &[Portion], mark: u64) -> Result<(), RowError> {
    let mut table = txn.open(&COUNTERS)?;
    for Portion { counter, amount } in portions {
        blocks::close(txn, &mut table, namespace, counter, mark)?;
        let rest = held(&table, namespace, counter)?.saturating_sub(*amount);
        table.insert((namespace, counter.as_str()), rest)?;
    }
    Ok(())
}

/// Adds to a counter that has no ceiling and no block.
pub(super) fn put_on(txn: &Txn<'_>, namespace: &str, portion: &Portion) -> Result<(), RowError> {
    let mut table = txn.open(&COUNTERS)?;
    let sum = held(&table, namespace, &portion.counter)?.saturating_add(portion.amount);
    table.insert((namespace, portion.counter.as_str()), sum)
}

/// What a counter held before this call, and what it will hold after the entries so far.
fn held_or(
    known: &BTreeMap<&str, (u64, u64)>,
    table: &impl Reading<Name, u64>,
    namespace: &str,
    counter: &str,
) -> Result<(u64, u64), RowError> {
    match known.get(counter) {
        Some(known) => Ok(*known),
        None => held(table, namespace, counter).map(|held| (held, held)),
    }
}

pub(super) fn set(txn: &Txn<'_>, namespace: &str, counter: &str, value: u64, mark: u64) -> Asked<u64> {
    let mut table = txn.open(&COUNTERS)?;
    blocks::close(txn, &mut table, namespace, counter, mark)?;
    let before = held(&table, namespace, counter)?;
    table.insert((namespace, counter), value)?;
    // What was measured is used: nothing of it is reserved.
    reserved::hold_at_most(txn, namespace, counter, 0)?;
    Ok(Outcome::Changed(Ok(before)))
}

pub(super) fn raise(txn: &Txn<'_>, namespace: &str, counter: &str, value: u64, mark: u64) -> Asked<u64> {
    let mut table = txn.open(&COUNTERS)?;
    blocks::close(txn, &mut table, namespace, counter, mark)?;
    let before = held(&table, namespace, counter)?;
    if value <= before {
        return Ok(Outcome::Same(Ok(before)));
    }
    table.insert((namespace, counter), value)?;
    Ok(Outcome::Changed(Ok(value)))
}

pub(super) fn counters(
    view: &View<'_>,
    namespace: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, u64)>, RowError> {
    let table = view.open(&COUNTERS)?;
    let from = match after {
        Some(after) if after >= prefix => Bound::Excluded((namespace, after)),
        _ => Bound::Included((namespace, prefix)),
    };
    let mut found = Vec::new();
    table.each((from, Bound::Unbounded), |(space, name), value| {
        if found.len() == limit || space != namespace || !name.starts_with(prefix) {
            return ControlFlow::Break(());
        }
        found.push((name.to_owned(), value));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// What a later release would write.
#[cfg(test)]
pub(super) fn write_format(txn: &Txn<'_>, format: u64) -> Step<()> {
    txn.txn.open_table(META)?.insert(META_FORMAT, &*format.to_string())?;
    Ok(Outcome::Changed(()))
}
