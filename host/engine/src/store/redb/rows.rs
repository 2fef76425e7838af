//! Counters, and what the file says about itself, within one transaction.
//!
//! A call that changes looks first and writes then, so that a refusal has written nothing into the transaction, which it shares
//! with other calls.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::{kept, once, pools};
use crate::bindings::placet::policy::counters::{Entry, Error, Excess, Once, Portion};
use crate::store::{recorded, recorded_add};

/// The format that this release writes. It counts up when a table changes its meaning.
pub(super) const FORMAT: u64 = 1;

/// A namespace, and a name in it.
pub(super) type Name = (&'static str, &'static str);

/// (namespace, counter) → what it holds.
const COUNTERS: TableDefinition<Name, u64> = TableDefinition::new("counters");
/// Numbers about the file itself; the one table that every format has.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

const META_FORMAT: &str = "format";
const META_MARK: &str = "mark";
/// Counts the commits: it tells whether a commit that failed has happened.
const META_COMMITS: &str = "commits";

/// What a call did.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    /// It changed something: the answer waits for the commit.
    Changed(T),
    /// It changed nothing.
    Same(T),
}

pub(super) type Step<T> = Result<Outcome<T>, redb::Error>;
/// A step that a policy asked for, and may be refused.
pub(super) type Asked<T> = Step<Result<T, Error>>;

pub(super) fn refused<T>(error: Error) -> Asked<T> {
    Ok(Outcome::Same(Err(error)))
}

/// Makes every table of a new file.
pub(super) fn create(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.open_table(COUNTERS)?;
    once::create(txn)?;
    pools::create(txn)?;
    kept::create(txn)?;
    txn.open_table(META)?.insert(META_FORMAT, FORMAT)?;
    Ok(())
}

/// The format of the file; none where it is not of ours.
pub(super) fn format(view: &ReadTransaction) -> Result<Option<u64>, redb::Error> {
    meta(view, META_FORMAT)
}

/// The highest confirmed time.
pub(super) fn mark(view: &ReadTransaction) -> Result<Option<u64>, redb::Error> {
    meta(view, META_MARK)
}

/// How many commits there were.
pub(super) fn commits(view: &ReadTransaction) -> Result<u64, redb::Error> {
    Ok(meta(view, META_COMMITS)?.unwrap_or(0))
}

fn meta(view: &ReadTransaction, key: &str) -> Result<Option<u64>, redb::Error> {
    Ok(view.open_table(META)?.get(key)?.map(|value| value.value()))
}

/// Whether `seal` will lift the mark.
pub(super) fn lift_mark(txn: &WriteTransaction, mark: u64) -> Step<()> {
    let held = txn.open_table(META)?.get(META_MARK)?.map(|held| held.value());
    Ok(if held < Some(mark) { Outcome::Changed(()) } else { Outcome::Same(()) })
}

/// What every transaction that changes something ends with.
pub(super) fn seal(txn: &WriteTransaction, mark: u64) -> Result<(), redb::Error> {
    let mut meta = txn.open_table(META)?;
    let held = meta.get(META_MARK)?.map(|held| held.value());
    if held < Some(mark) {
        meta.insert(META_MARK, mark)?;
    }
    let commits = meta.get(META_COMMITS)?.map_or(0, |commits| commits.value());
    meta.insert(META_COMMITS, commits.wrapping_add(1))?;
    Ok(())
}

pub(super) fn read(view: &ReadTransaction, namespace: &str, counters: &[String]) -> Result<Vec<u64>, redb::Error> {
    let table = view.open_table(COUNTERS)?;
    counters.iter().map(|counter| held(&table, namespace, counter)).collect()
}

fn held<'t>(table: &impl ReadableTable<Name, u64>, namespace: &'t str, counter: &'t str) -> Result<u64, redb::Error> {
    Ok(table.get((namespace, counter))?.map_or(0, |value| value.value()))
}

/// `draw` takes the tokens; it is asked last.
pub(super) fn add(
    txn: &WriteTransaction,
    namespace: &str,
    entries: Vec<Entry>,
    once: Option<Once>,
    mark: u64,
    draw: impl FnOnce() -> Result<(), Error>,
) -> Asked<Vec<u64>> {
    if let Some(recorded) = once::repeated(txn, namespace, once.as_ref())? {
        return refused(Error::Repeated(recorded));
    }
    let mut table = txn.open_table(COUNTERS)?;
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
        table.insert((namespace, *counter), sum)?;
    }
    let answer: Vec<u64> = entries.iter().filter_map(|entry| Some(sums.get(entry.counter.as_str())?.1)).collect();
    if let Some(once) = once {
        once::record(txn, namespace, &once.key, &recorded_add(&once, entries, &answer), mark)?;
    }
    Ok(Outcome::Changed(Ok(answer)))
}

pub(super) fn subtract(
    txn: &WriteTransaction,
    namespace: &str,
    portions: Vec<Portion>,
    once: Option<Once>,
    mark: u64,
) -> Asked<Vec<u64>> {
    if let Some(recorded) = once::repeated(txn, namespace, once.as_ref())? {
        return refused(Error::Repeated(recorded));
    }
    let mut table = txn.open_table(COUNTERS)?;
    let mut rests: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (index, portion) in (0_u32..).zip(&portions) {
        let (before, rest) = held_or(&rests, &table, namespace, &portion.counter)?;
        match rest.checked_sub(portion.amount) {
            Some(rest) => rests.insert(&portion.counter, (before, rest)),
            None => return refused(Error::Exceeded(Excess { entry: index, current: before })),
        };
    }
    for (counter, (_, rest)) in &rests {
        table.insert((namespace, *counter), rest)?;
    }
    let answer: Vec<u64> = portions.iter().filter_map(|portion| Some(rests.get(portion.counter.as_str())?.1)).collect();
    if let Some(once) = once {
        once::record(txn, namespace, &once.key, &recorded(&once, portions, &answer), mark)?;
    }
    Ok(Outcome::Changed(Ok(answer)))
}

/// What a counter held before this call, and what it will hold after the entries so far.
fn held_or(
    known: &BTreeMap<&str, (u64, u64)>,
    table: &impl ReadableTable<Name, u64>,
    namespace: &str,
    counter: &str,
) -> Result<(u64, u64), redb::Error> {
    match known.get(counter) {
        Some(known) => Ok(*known),
        None => held(table, namespace, counter).map(|held| (held, held)),
    }
}

pub(super) fn set(txn: &WriteTransaction, namespace: &str, counter: &str, value: u64) -> Asked<u64> {
    let mut table = txn.open_table(COUNTERS)?;
    let before = table.insert((namespace, counter), value)?.map_or(0, |before| before.value());
    Ok(Outcome::Changed(Ok(before)))
}

pub(super) fn raise(txn: &WriteTransaction, namespace: &str, counter: &str, value: u64) -> Asked<u64> {
    let mut table = txn.open_table(COUNTERS)?;
    let before = held(&table, namespace, counter)?;
    if value <= before {
        return Ok(Outcome::Same(Ok(before)));
    }
    table.insert((namespace, counter), value)?;
    Ok(Outcome::Changed(Ok(value)))
}

pub(super) fn counters(
    view: &ReadTransaction,
    namespace: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, u64)>, redb::Error> {
    let table = view.open_table(COUNTERS)?;
    let from = after.map_or(prefix, |after| after.max(prefix));
    let mut found = Vec::new();
    for row in table.range((namespace, from)..)? {
        let (key, value) = row?;
        let (space, name) = key.value();
        if found.len() == limit || space != namespace || !name.starts_with(prefix) {
            break;
        }
        if Some(name) != after {
            found.push((name.to_owned(), value.value()));
        }
    }
    Ok(found)
}

/// What a later release would write.
#[cfg(test)]
pub(super) fn write_format(txn: &WriteTransaction, format: u64) -> Step<()> {
    txn.open_table(META)?.insert(META_FORMAT, format)?;
    Ok(Outcome::Changed(()))
}
