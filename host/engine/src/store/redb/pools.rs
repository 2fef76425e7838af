//! Pools: a row for each member, and beside it what lets a call touch no more than its own member and what is due: the sum of a
//! pool's weights, and its members by their ends.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::error::RowError;
use super::rows::{Asked, Name, Outcome, Step, refused};
use super::sealed::{Digest, Reading, Sealed, Txn, View};
use crate::bindings::placet::policy::counters::{Error, Excess, Member, Place};
use crate::store::Moment;

/// (namespace, pool, holder) → (weight, expiry).
const POOLS: Sealed<(&str, &str, &str), Seat> = Sealed::new("pools");
/// (namespace, pool) → the weights of all its rows, expired ones too. No row: 0.
const SUMS: Sealed<Name, u128> = Sealed::new("pool-sums");
/// (namespace, pool, expiry, holder) → weight.
const ENDS: Sealed<(&str, &str, u64, &str), u64> = Sealed::new("pool-ends");

type Seat = (u64, Option<u64>);

/// So many expired members of a pool may lie about, for each call looks at them; then whoever asks takes them away.
const DUE_KEPT: usize = 64;

/// One pool of a policy.
#[derive(Clone, Copy)]
pub(super) struct Pool<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&POOLS)?;
    txn.open(&SUMS)?;
    txn.open(&ENDS)?;
    Ok(())
}

pub(super) fn digest(view: &View<'_>, digest: Digest) -> Result<Digest, RowError> {
    view.digest(&ENDS, view.digest(&SUMS, view.digest(&POOLS, digest)?)?)
}

/// Do the sums and ends fit the members?
pub(super) fn check(view: &View<'_>) -> Result<(), RowError> {
    let (mut sums, mut ends) = (BTreeMap::<(String, String), u128>::new(), 0_u64);
    view.open(&POOLS)?.each::<(&str, &str, &str)>(.., |(namespace, pool, _), (weight, expires)| {
        *sums.entry((namespace.to_owned(), pool.to_owned())).or_default() += u128::from(weight);
        ends += u64::from(expires.is_some());
        ControlFlow::Continue(())
    })?;
    view.open(&SUMS)?.each::<(&str, &str)>(.., |(namespace, pool), sum| {
        let members = sums.entry((namespace.to_owned(), pool.to_owned())).or_default();
        *members = members.wrapping_sub(sum);
        ControlFlow::Continue(())
    })?;
    if sums.values().any(|rest| *rest != 0) {
        return Err(RowError::Edited { table: "pool-sums" });
    }
    let members = view.open(&POOLS)?;
    let mut fits = Ok(true);
    view.open(&ENDS)?.each::<(&str, &str, u64, &str)>(.., |(namespace, pool, end, holder), weight| {
        ends = ends.wrapping_sub(1);
        fits =
            members.get((namespace, pool, holder), |seat| seat == (weight, Some(end))).map(|fits| fits == Some(true));
        if matches!(fits, Ok(true)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if fits? && ends == 0 { Ok(()) } else { Err(RowError::Edited { table: "pool-ends" }) }
}

pub(super) fn claim(txn: &Txn<'_>, pool: Pool<'_>, member: &Member, capacity: u64, moment: Moment) -> Asked<u64> {
    let held = seat(&txn.open(&POOLS)?, pool, &member.holder)?;
    let before = unexpired(&txn.open(&SUMS)?, &txn.open(&ENDS)?, pool, moment.now)?.sum;
    let own = held.filter(|held| !has_expired(*held, moment.now)).map(|(weight, _)| weight);
    let others = before.saturating_sub(own.unwrap_or(0));
    let fits = others.checked_add(member.weight).is_some_and(|sum| sum <= capacity);
    let renewed = own.is_some_and(|own| member.weight <= own);
    if !fits && !renewed {
        return refused(Error::Exceeded(Excess { entry: 0, current: before }));
    }
    sweep(txn, pool, moment)?;
    put(txn, pool, &member.holder, Some((member.weight, member.expires)))?;
    Ok(Outcome::Changed(Ok(others.saturating_add(member.weight))))
}

pub(super) fn release(txn: &Txn<'_>, pool: Pool<'_>, holder: &str, now: u64) -> Asked<u64> {
    let held = put(txn, pool, holder, None)?;
    let sum = unexpired(&txn.open(&SUMS)?, &txn.open(&ENDS)?, pool, now)?.sum;
    Ok(if held { Outcome::Changed(Ok(sum)) } else { Outcome::Same(Ok(sum)) })
}

/// The place of a holder, and whether so many of the others have expired that it is time to [`sweep`].
pub(super) fn place(view: &View<'_>, pool: Pool<'_>, holder: &str, moment: Moment) -> Result<(Place, bool), RowError> {
    let found = unexpired(&view.open(&SUMS)?, &view.open(&ENDS)?, pool, moment.now)?;
    let held = seat(&view.open(&POOLS)?, pool, holder)?.filter(|held| !has_expired(*held, moment.now));
    let member = held.map(|(weight, expires)| Member { holder: holder.to_owned(), weight, expires });
    let is_due = found.due > DUE_KEPT && found.first.is_some_and(|end| end <= certain(moment));
    Ok((Place { sum: found.sum, member }, is_due))
}

/// Members that have not expired, by holder: at most `limit`, after the holder `after`.
pub(super) fn members(
    view: &View<'_>,
    pool: Pool<'_>,
    after: Option<&str>,
    limit: usize,
    now: u64,
) -> Result<Vec<Member>, RowError> {
    let mut members = Vec::new();
    let from = (pool.namespace, pool.name, after.unwrap_or_default());
    view.open(&POOLS)?.each(from.., |(namespace, name, holder), seat| {
        if (namespace, name) != (pool.namespace, pool.name) || members.len() >= limit {
            return ControlFlow::Break(());
        }
        if !has_expired(seat, now) && after.is_none_or(|after| holder > after) {
            members.push(Member { holder: holder.to_owned(), weight: seat.0, expires: seat.1 });
        }
        ControlFlow::Continue(())
    })?;
    Ok(members)
}

/// The pools in which somebody holds something, sorted: at most `limit`, after the name `after`.
pub(super) fn names(
    view: &View<'_>,
    namespace: &str,
    after: Option<&str>,
    limit: usize,
    now: u64,
) -> Result<Vec<String>, RowError> {
    let (sums, ends) = (view.open(&SUMS)?, view.open(&ENDS)?);
    let (mut names, mut failed) = (Vec::new(), None);
    sums.each((namespace, after.unwrap_or_default()).., |(space, name), _| {
        if space != namespace || names.len() >= limit {
            return ControlFlow::Break(());
        }
        match unexpired(&sums, &ends, Pool { namespace, name }, now) {
            Ok(held) if held.sum > 0 && after.is_none_or(|after| name > after) => names.push(name.to_owned()),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(names), Err)
}

/// Takes away what has expired by the confirmed time. Another time may be taken back, and its members with it.
pub(super) fn sweep(txn: &Txn<'_>, pool: Pool<'_>, moment: Moment) -> Step<()> {
    let mut due = Vec::new();
    until(&txn.open(&ENDS)?, pool, certain(moment), |_, holder, _| due.push(holder.to_owned()))?;
    for holder in &due {
        put(txn, pool, holder, None)?;
    }
    Ok(if due.is_empty() { Outcome::Same(()) } else { Outcome::Changed(()) })
}

fn certain(moment: Moment) -> u64 {
    moment.now.min(moment.mark)
}

/// What has not expired in a pool, seen from what has.
struct Unexpired {
    sum: u64,
    /// So many rows have expired, the first of them then.
    due: usize,
    first: Option<u64>,
}

fn unexpired(
    sums: &impl Reading<Name, u128>,
    ends: &impl Reading<(&'static str, &'static str, u64, &'static str), u64>,
    pool: Pool<'_>,
    now: u64,
) -> Result<Unexpired, RowError> {
    let all = sums.get((pool.namespace, pool.name), |sum| sum)?.unwrap_or(0);
    let (mut expired, mut due, mut first) = (0_u128, 0, None);
    until(ends, pool, now, |end, _, weight| {
        expired += u128::from(weight);
        due += 1;
        first = first.or(Some(end));
    })?;
    Ok(Unexpired { sum: u64::try_from(all.saturating_sub(expired)).unwrap_or(u64::MAX), due, first })
}

/// Each member of a pool that ends by then, in the order of the ends.
fn until(
    ends: &impl Reading<(&'static str, &'static str, u64, &'static str), u64>,
    pool: Pool<'_>,
    now: u64,
    mut look: impl FnMut(u64, &str, u64),
) -> Result<(), RowError> {
    ends.each((pool.namespace, pool.name, 0, "").., |(namespace, name, end, holder), weight| {
        if (namespace, name) != (pool.namespace, pool.name) || end > now {
            return ControlFlow::Break(());
        }
        look(end, holder, weight);
        ControlFlow::Continue(())
    })
}

fn seat(
    members: &impl Reading<(&'static str, &'static str, &'static str), Seat>,
    pool: Pool<'_>,
    holder: &str,
) -> Result<Option<Seat>, RowError> {
    members.get((pool.namespace, pool.name, holder), |seat| seat)
}

/// Puts a member in place of what it held, or takes it away. Whether it held something.
fn put(txn: &Txn<'_>, pool: Pool<'_>, holder: &str, place: Option<Seat>) -> Result<bool, RowError> {
    let Pool { namespace, name } = pool;
    let (mut members, mut sums, mut ends) = (txn.open(&POOLS)?, txn.open(&SUMS)?, txn.open(&ENDS)?);
    let before = seat(&members, pool, holder)?;
    if before == place {
        return Ok(before.is_some());
    }
    let mut sum = sums.get((namespace, name), |sum| sum)?.unwrap_or(0);
    if let Some((weight, expires)) = before {
        sum = sum.checked_sub(weight.into()).ok_or(RowError::Edited { table: "pool-sums" })?;
        members.remove((namespace, name, holder))?;
        if let Some(end) = expires {
            ends.remove((namespace, name, end, holder))?;
        }
    }
    if let Some((weight, expires)) = place {
        sum = sum.saturating_add(weight.into());
        members.insert((namespace, name, holder), (weight, expires))?;
        if let Some(end) = expires {
            ends.insert((namespace, name, end, holder), weight)?;
        }
    }
    match sum {
        0 => drop(sums.remove((namespace, name))?),
        sum => sums.insert((namespace, name), sum)?,
    }
    Ok(before.is_some())
}

fn has_expired((_, expires): Seat, now: u64) -> bool {
    expires.is_some_and(|expires| expires <= now)
}

#[cfg(test)]
mod tests;
