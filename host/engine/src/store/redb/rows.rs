//! The tables of the file, and what each call does to them within one transaction.
//!
//! A call that changes looks first and writes then, so that a refusal has written nothing into the transaction, which it shares
//! with other calls.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};

use super::super::{Floor, Moment, ONCE_KEPT, ONCE_NEWEST, ONCE_PURGED, recorded, recorded_add};
use crate::bindings::placet::policy::counters::{Entry, Error, Excess, Member, Once, Portion, Recorded};

/// The format that this release writes. It counts up when a table changes its meaning.
pub(super) const FORMAT: u64 = 1;

/// A namespace, and a name in it.
type Name = (&'static str, &'static str);
type PoolName = (&'static str, &'static str, &'static str);
type Copied = (&'static [u8; 32], &'static [u8]);

/// (namespace, counter) → what it holds.
const COUNTERS: TableDefinition<Name, u64> = TableDefinition::new("counters");
/// (namespace, key) → what it counted, as JSON.
const ONCE: TableDefinition<Name, &[u8]> = TableDefinition::new("once");
/// Rows of `ONCE` in the order they were made: a serial number without gaps → (mark, namespace, key).
const ONCE_ORDER: TableDefinition<u64, (u64, &str, &str)> = TableDefinition::new("once-order");
/// (namespace, pool, holder) → (weight, expiry).
const POOLS: TableDefinition<PoolName, (u64, Option<u64>)> = TableDefinition::new("pools");
/// (namespace, document) → (SHA-256, content).
const KEPT: TableDefinition<Name, Copied> = TableDefinition::new("kept");
/// Namespace → (sequence, SHA-256 of the artifact).
const FLOORS: TableDefinition<&str, (u64, &[u8; 32])> = TableDefinition::new("floors");
/// Small values of the host's.
const VALUES: TableDefinition<&str, &[u8]> = TableDefinition::new("values");
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

type Step<T> = Result<Outcome<T>, redb::Error>;
/// A step that a policy asked for, and may be refused.
type Asked<T> = Step<Result<T, Error>>;

fn refused<T>(error: Error) -> Asked<T> {
    Ok(Outcome::Same(Err(error)))
}

/// Makes every table of a new file.
pub(super) fn create(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.open_table(COUNTERS)?;
    txn.open_table(ONCE)?;
    txn.open_table(ONCE_ORDER)?;
    txn.open_table(POOLS)?;
    txn.open_table(KEPT)?;
    txn.open_table(FLOORS)?;
    txn.open_table(VALUES)?;
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
    if let Some(recorded) = repeated(txn, namespace, once.as_ref())? {
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
        record(txn, namespace, &once.key, &recorded_add(&once, entries, &answer), mark)?;
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
    if let Some(recorded) = repeated(txn, namespace, once.as_ref())? {
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
        record(txn, namespace, &once.key, &recorded(&once, portions, &answer), mark)?;
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

pub(super) fn recall(view: &ReadTransaction, namespace: &str, key: &str) -> Result<Option<Recorded>, redb::Error> {
    recorded_under(&view.open_table(ONCE)?, namespace, key)
}

fn repeated(txn: &WriteTransaction, namespace: &str, once: Option<&Once>) -> Result<Option<Recorded>, redb::Error> {
    match once {
        Some(once) => recorded_under(&txn.open_table(ONCE)?, namespace, &once.key),
        None => Ok(None),
    }
}

fn recorded_under(
    table: &impl ReadableTable<Name, &'static [u8]>,
    namespace: &str,
    key: &str,
) -> Result<Option<Recorded>, redb::Error> {
    let Some(row) = table.get((namespace, key))? else { return Ok(None) };
    let recorded = serde_json::from_slice(row.value());
    recorded.map(Some).map_err(|_| redb::Error::Corrupted("a once row is not JSON of its shape".to_owned()))
}

fn record(
    txn: &WriteTransaction,
    namespace: &str,
    key: &str,
    recorded: &Recorded,
    mark: u64,
) -> Result<(), redb::Error> {
    let row = serde_json::to_vec(recorded).map_err(|error| redb::Error::Corrupted(error.to_string()))?;
    let mut table = txn.open_table(ONCE)?;
    table.insert((namespace, key), row.as_slice())?;
    let mut order = txn.open_table(ONCE_ORDER)?;
    let newest = order.last()?.map_or(0, |(serial, _)| serial.value().wrapping_add(1));
    order.insert(newest, (mark, namespace, key))?;
    for _ in 0..ONCE_PURGED {
        let oldest = order.first()?.map(|(serial, row)| (serial.value(), row.value().0));
        let Some((serial, made)) = oldest else { break };
        if newest.saturating_sub(serial) < ONCE_NEWEST || mark.saturating_sub(made) < ONCE_KEPT {
            break;
        }
        if let Some(row) = order.remove(serial)? {
            let (_, namespace, key) = row.value();
            table.remove((namespace, key))?;
        }
    }
    Ok(())
}

pub(super) fn claim(
    txn: &WriteTransaction,
    namespace: &str,
    pool: &str,
    member: &Member,
    capacity: u64,
    moment: Moment,
) -> Asked<u64> {
    let mut table = txn.open_table(POOLS)?;
    let all = members_of(&table, namespace, pool)?;
    let (mut before, mut own) = (0_u64, None);
    for held in all.iter().filter(|held| !has_expired(held, moment.now)) {
        before = before.saturating_add(held.weight);
        if held.holder == member.holder {
            own = Some(held.weight);
        }
    }
    let others = before.saturating_sub(own.unwrap_or(0));
    let fits = others.checked_add(member.weight).is_some_and(|sum| sum <= capacity);
    let renewed = own.is_some_and(|own| member.weight <= own);
    if !fits && !renewed {
        return refused(Error::Exceeded(Excess { entry: 0, current: before }));
    }
    // A time that is not confirmed may be taken back, and its members with it: none is removed by it.
    for held in all.iter().filter(|held| has_expired(held, moment.now.min(moment.mark))) {
        table.remove((namespace, pool, held.holder.as_str()))?;
    }
    table.insert((namespace, pool, member.holder.as_str()), (member.weight, member.expires))?;
    Ok(Outcome::Changed(Ok(others.saturating_add(member.weight))))
}

pub(super) fn release(txn: &WriteTransaction, namespace: &str, pool: &str, holder: &str, now: u64) -> Asked<u64> {
    let mut table = txn.open_table(POOLS)?;
    let held = table.remove((namespace, pool, holder))?.is_some();
    let members = members_of(&table, namespace, pool)?;
    let unexpired = members.iter().filter(|member| !has_expired(member, now));
    let sum = unexpired.fold(0_u64, |sum, member| sum.saturating_add(member.weight));
    Ok(if held { Outcome::Changed(Ok(sum)) } else { Outcome::Same(Ok(sum)) })
}

pub(super) fn members(
    view: &ReadTransaction,
    namespace: &str,
    pool: &str,
    now: u64,
) -> Result<Vec<Member>, redb::Error> {
    let mut members = members_of(&view.open_table(POOLS)?, namespace, pool)?;
    members.retain(|member| !has_expired(member, now));
    Ok(members)
}

fn members_of(
    table: &impl ReadableTable<PoolName, (u64, Option<u64>)>,
    namespace: &str,
    pool: &str,
) -> Result<Vec<Member>, redb::Error> {
    let mut members = Vec::new();
    for row in table.range((namespace, pool, "")..)? {
        let (key, value) = row?;
        let (space, name, holder) = key.value();
        if (space, name) != (namespace, pool) {
            break;
        }
        let (weight, expires) = value.value();
        members.push(Member { holder: holder.to_owned(), weight, expires });
    }
    Ok(members)
}

fn has_expired(member: &Member, now: u64) -> bool {
    member.expires.is_some_and(|expires| expires <= now)
}

pub(super) fn kept(view: &ReadTransaction, namespace: &str) -> Result<Vec<(String, [u8; 32])>, redb::Error> {
    let mut kept = Vec::new();
    for row in view.open_table(KEPT)?.range((namespace, "")..)? {
        let (key, value) = row?;
        let (space, name) = key.value();
        if space != namespace {
            break;
        }
        kept.push((name.to_owned(), *value.value().0));
    }
    Ok(kept)
}

pub(super) fn recover(view: &ReadTransaction, namespace: &str, name: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let Some(row) = view.open_table(KEPT)?.get((namespace, name))? else { return Ok(None) };
    let (hash, content) = row.value();
    if Sha256::digest(content).as_slice() != hash {
        return Err(redb::Error::Corrupted("a kept document does not have its SHA-256".to_owned()));
    }
    Ok(Some(content.to_vec()))
}

pub(super) fn keep(txn: &WriteTransaction, namespace: &str, name: &str, content: &[u8]) -> Step<()> {
    let hash: [u8; 32] = Sha256::digest(content).into();
    let mut table = txn.open_table(KEPT)?;
    if table.get((namespace, name))?.is_some_and(|row| row.value() == (&hash, content)) {
        return Ok(Outcome::Same(()));
    }
    table.insert((namespace, name), (&hash, content))?;
    Ok(Outcome::Changed(()))
}

pub(super) fn forget(txn: &WriteTransaction, namespace: &str, name: &str) -> Step<bool> {
    let held = txn.open_table(KEPT)?.remove((namespace, name))?.is_some();
    Ok(if held { Outcome::Changed(true) } else { Outcome::Same(false) })
}

pub(super) fn floor(view: &ReadTransaction, namespace: &str) -> Result<Option<Floor>, redb::Error> {
    let row = view.open_table(FLOORS)?.get(namespace)?;
    Ok(row.map(|row| Floor { sequence: row.value().0, hash: *row.value().1 }))
}

pub(super) fn raise_floor(txn: &WriteTransaction, namespace: &str, floor: Floor) -> Step<Floor> {
    let mut table = txn.open_table(FLOORS)?;
    let held = table.get(namespace)?.map(|row| Floor { sequence: row.value().0, hash: *row.value().1 });
    if let Some(held) = held.filter(|held| held.sequence >= floor.sequence) {
        return Ok(Outcome::Same(held));
    }
    table.insert(namespace, (floor.sequence, &floor.hash))?;
    Ok(Outcome::Changed(floor))
}

pub(super) fn value(view: &ReadTransaction, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    Ok(view.open_table(VALUES)?.get(key)?.map(|value| value.value().to_vec()))
}

pub(super) fn put_value(txn: &WriteTransaction, key: &str, value: Option<&[u8]>) -> Step<()> {
    let mut table = txn.open_table(VALUES)?;
    if table.get(key)?.as_ref().map(|held| held.value()) == value {
        return Ok(Outcome::Same(()));
    }
    match value {
        Some(value) => table.insert(key, value)?,
        None => table.remove(key)?,
    };
    Ok(Outcome::Changed(()))
}
