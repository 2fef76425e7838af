//! Reservations: a row for each that holds, and two for the ends of its term. What became of one is kept as `once` rows are.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::RowError;
use super::once::{self, corrupted};
use super::rows::{self, Name, Outcome, Step};
use super::sealed::{Digest, Reading, Rows, Sealed, Txn, View};
use crate::bindings::placet::policy::counters::{Portion, Recorded};
use crate::store::reservation::{is_reserved, within};
use crate::store::{Ends, Moment, Part, Recalled, Reserved, Settling, Standing};

/// (by which time, when, namespace, id); so the first of each kind is due first.
type End = (u8, u64, &'static str, &'static str);

/// (namespace, id) → [`Reserved`], as JSON.
const RESERVED: Sealed<Name, &[u8]> = Sealed::new("reserved");
/// When it ends.
const ENDS: Sealed<End, ()> = Sealed::new("reserved-ends");
/// (namespace, counter) → how much of what it holds is reserved: so much may be taken back, whatever became of the counter meanwhile.
const UNITS: Sealed<Name, u64> = Sealed::new("reserved-units");

const BY_NOW: u8 = 0;
const BY_MARK: u8 = 1;

pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&RESERVED)?;
    txn.open(&ENDS)?;
    txn.open(&UNITS)?;
    Ok(())
}

pub(super) fn digest(view: &View<'_>, digest: Digest) -> Result<Digest, RowError> {
    view.digest(&UNITS, view.digest(&ENDS, view.digest(&RESERVED, digest)?)?)
}

/// When the next term ends.
pub(super) fn next(view: &View<'_>) -> Result<Ends, RowError> {
    let table = view.open(&ENDS)?;
    let first = |clock| {
        let mut first = u64::MAX;
        table.each::<(u8, u64, &str, &str)>((clock, 0, "", "").., |(found, end, _, _), ()| {
            if found == clock {
                first = end;
            }
            ControlFlow::Break(())
        })?;
        Ok::<_, RowError>(first)
    };
    Ok(Ends { now: first(BY_NOW)?, mark: first(BY_MARK)? })
}

pub(super) fn find(view: &View<'_>, namespace: &str, id: &str) -> Result<Option<Standing>, RowError> {
    match reserved(&view.open(&RESERVED)?, namespace, id)? {
        Some(reserved) => Ok(Some(Standing::Open(reserved))),
        None => {
            once::recall(view, &closed(namespace), id)?.map(|row| parse(row.recorded.request.as_bytes())).transpose()
        }
    }
}

pub(super) fn reserve(txn: &Txn<'_>, namespace: &str, id: &str, mut reserving: Reserved) -> Result<(), RowError> {
    let mut units = txn.open(&UNITS)?;
    for Portion { counter, amount } in &reserving.entries {
        let reserved = units.get((namespace, counter.as_str()), |units| units)?.unwrap_or(0);
        units.insert((namespace, counter.as_str()), reserved.saturating_add(*amount))?;
    }
    drop(units);
    if let Some(held) = take_out(txn, namespace, id)? {
        reserving.entries.splice(0..0, held.entries);
    }
    put(txn, namespace, id, &reserving)
}

/// Does it stand as a part says? What is reserved anew stands nowhere.
pub(super) fn stands(txn: &Txn<'_>, namespace: &str, part: Option<&Part>) -> Result<bool, RowError> {
    let Some(Part::Settle(id, settling)) = part else { return Ok(true) };
    let standing = match reserved(&txn.open(&RESERVED)?, namespace, id)? {
        Some(reserved) => Some(Standing::Open(reserved)),
        None => once::recalled(txn, &closed(namespace), id)?
            .map(|row| parse(row.recorded.request.as_bytes()))
            .transpose()?,
    };
    Ok(standing.as_ref() == Some(&settling.from))
}

/// Records what the entries of a call belong to. To be called only where it [`stands`], and with no table open.
pub(super) fn record(
    txn: &Txn<'_>,
    namespace: &str,
    part: Option<Part>,
    entries: Vec<Portion>,
    mark: u64,
) -> Result<(), RowError> {
    match part {
        Some(Part::Reserve(id, reserved)) => {
            let entries = entries.into_iter().filter(is_reserved).collect();
            reserve(txn, namespace, &id, Reserved { entries, ..reserved })
        }
        Some(Part::Settle(id, settling)) => {
            let Settling { from, back, excess, settlement } = *settling;
            if let Standing::Open(reserved) = &from {
                let back = unreserve(txn, namespace, &reserved.entries, back)?;
                rows::take_back(txn, namespace, &back, mark)?;
            }
            if let Some(excess) = excess {
                rows::put_on(txn, namespace, &excess)?;
            }
            take_out(txn, namespace, &id)?;
            let settled = Standing::Settled(settlement);
            match from {
                Standing::Ended(_) => once::replace(txn, &closed(namespace), &id, &row(&settled)?),
                Standing::Open(_) | Standing::Settled(_) => close(txn, namespace, &id, &settled, mark),
            }
        }
        None => Ok(()),
    }
}

pub(super) fn settle(txn: &Txn<'_>, namespace: &str, id: String, settling: Settling, mark: u64) -> Step<bool> {
    let part = Some(Part::Settle(id, Box::new(settling)));
    if !stands(txn, namespace, part.as_ref())? {
        return Ok(Outcome::Same(false));
    }
    record(txn, namespace, part, Vec::new(), mark)?;
    Ok(Outcome::Changed(true))
}

/// Frees what was reserved for a term that is over.
pub(super) fn free_due(txn: &Txn<'_>, moment: Moment) -> Step<()> {
    let mut due = Vec::new();
    for (clock, time) in [(BY_NOW, moment.now), (BY_MARK, moment.mark)] {
        txn.open(&ENDS)?.each::<(u8, u64, &str, &str)>((clock, 0, "", "").., |(found, end, namespace, id), ()| {
            if found != clock || end > time {
                return ControlFlow::Break(());
            }
            due.push((namespace.to_owned(), id.to_owned()));
            ControlFlow::Continue(())
        })?;
    }
    let any = !due.is_empty();
    for (namespace, id) in due {
        // By both times, one is due twice.
        if let Some(reserved) = take_out(txn, &namespace, &id)? {
            let back = unreserve(txn, &namespace, &reserved.entries, reserved.entries.clone())?;
            rows::take_back(txn, &namespace, &back, moment.mark)?;
            close(txn, &namespace, &id, &Standing::Ended(reserved), moment.mark)?;
        }
    }
    Ok(if any { Outcome::Changed(()) } else { Outcome::Same(()) })
}

/// Nothing of these entries is reserved any more. Answers how much of `back` is still there to be taken back.
fn unreserve(
    txn: &Txn<'_>,
    namespace: &str,
    entries: &[Portion],
    back: Vec<Portion>,
) -> Result<Vec<Portion>, RowError> {
    let mut units = txn.open(&UNITS)?;
    let mut there: BTreeMap<&str, u64> = BTreeMap::new();
    for Portion { counter, amount } in entries {
        let reserved = units.get((namespace, counter.as_str()), |units| units)?.unwrap_or(0);
        let own = reserved.min(*amount);
        *there.entry(counter).or_default() += own;
        put_units(&mut units, namespace, counter, reserved - own)?;
    }
    Ok(within(back, there))
}

/// A counter was set to what it holds now: at most so much of that is reserved.
pub(super) fn hold_at_most(txn: &Txn<'_>, namespace: &str, counter: &str, most: u64) -> Result<(), RowError> {
    let mut units = txn.open(&UNITS)?;
    match units.get((namespace, counter), |units| units)? {
        Some(reserved) if reserved > most => put_units(&mut units, namespace, counter, most),
        _ => Ok(()),
    }
}

fn put_units(table: &mut Rows<'_, Name, u64>, namespace: &str, counter: &str, units: u64) -> Result<(), RowError> {
    match units {
        0 => table.remove((namespace, counter)).map(drop),
        units => table.insert((namespace, counter), units),
    }
}

/// An anchor sets the confirmed time.
pub(super) fn anchor(txn: &Txn<'_>, before: u64, time: u64) -> Result<(), RowError> {
    let mut all = Vec::new();
    txn.open(&RESERVED)?.each::<(&str, &str)>(.., |(namespace, id), _| {
        all.push((namespace.to_owned(), id.to_owned()));
        ControlFlow::Continue(())
    })?;
    for (namespace, id) in all {
        if let Some(reserved) = take_out(txn, &namespace, &id)? {
            let ends = reserved.ends.anchored(before, time);
            put(txn, &namespace, &id, &Reserved { ends, ..reserved })?;
        }
    }
    Ok(())
}

fn put(txn: &Txn<'_>, namespace: &str, id: &str, reserved: &Reserved) -> Result<(), RowError> {
    txn.reserved.set(true);
    txn.open(&RESERVED)?.insert((namespace, id), json(reserved)?.as_slice())?;
    let mut ends = txn.open(&ENDS)?;
    ends.insert((BY_NOW, reserved.ends.now, namespace, id), ())?;
    ends.insert((BY_MARK, reserved.ends.mark, namespace, id), ())
}

/// Takes away what holds.
fn take_out(txn: &Txn<'_>, namespace: &str, id: &str) -> Result<Option<Reserved>, RowError> {
    let mut table = txn.open(&RESERVED)?;
    let Some(reserved) = reserved(&table, namespace, id)? else { return Ok(None) };
    txn.reserved.set(true);
    table.remove((namespace, id))?;
    let mut ends = txn.open(&ENDS)?;
    ends.remove((BY_NOW, reserved.ends.now, namespace, id))?;
    ends.remove((BY_MARK, reserved.ends.mark, namespace, id))?;
    Ok(Some(reserved))
}

fn reserved(
    table: &impl Reading<Name, &'static [u8]>,
    namespace: &str,
    id: &str,
) -> Result<Option<Reserved>, RowError> {
    table.get((namespace, id), parse)?.transpose()
}

fn close(txn: &Txn<'_>, namespace: &str, id: &str, standing: &Standing, mark: u64) -> Result<(), RowError> {
    once::record(txn, &closed(namespace), id, &row(standing)?, mark)
}

/// Where the rows of those that do not hold any more lie among the `once` rows: no policy has such a name.
fn closed(namespace: &str) -> String {
    format!("{namespace}#reservations")
}

fn row(standing: &Standing) -> Result<Recalled, RowError> {
    let request = serde_json::to_string(standing).map_err(|error| corrupted(&error.to_string()))?;
    Ok(Recalled { recorded: Recorded { request, entries: Vec::new(), sums: Vec::new() }, reservation: None })
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, RowError> {
    serde_json::to_vec(value).map_err(|error| corrupted(&error.to_string()))
}

fn parse<T: DeserializeOwned>(row: &[u8]) -> Result<T, RowError> {
    serde_json::from_slice(row).map_err(|_| corrupted("a reservation is not JSON of its shape"))
}
