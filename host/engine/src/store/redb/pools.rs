//! Pools: a row for each member, and beside it what lets a call touch no more than its own member and what is due: the sum of a
//! pool's weights, and its members by their ends; by the confirmed time, too, where that may end them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::error::RowError;
use super::rows::{Asked, Name, Outcome, Step, refused};
use super::sealed::{Digest, Reading, Sealed, Txn, View};
use crate::bindings::placet::policy::counters::{Error, Excess, Member, Place};
use crate::store::Moment;
use crate::store::term::Term;

/// (namespace, pool, holder) → (weight, term as (end, claimed, end by the confirmed time)).
const POOLS: Sealed<(&str, &str, &str), Seat> = Sealed::new("pools");
/// (namespace, pool) → the weights of all its rows, expired ones too. No row: 0.
const SUMS: Sealed<Name, u128> = Sealed::new("pool-sums");
/// (namespace, pool, expiry, holder) → weight.
const ENDS: Sealed<End, u64> = Sealed::new("pool-ends");
/// (namespace, pool, end by the confirmed time, holder) → (weight, claimed, expiry); of those that this can end first.
const MARKS: Sealed<End, (u64, u64, u64)> = Sealed::new("pool-marks");

type Seat = (u64, Option<(u64, u64, u64)>);
type End = (&'static str, &'static str, u64, &'static str);

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
    txn.open(&MARKS)?;
    Ok(())
}

pub(super) fn digest(view: &View<'_>, digest: Digest) -> Result<Digest, RowError> {
    view.digest(&MARKS, view.digest(&ENDS, view.digest(&SUMS, view.digest(&POOLS, digest)?)?)?)
}

/// Do the sums and ends fit the members?
pub(super) fn check(view: &View<'_>) -> Result<(), RowError> {
    let (mut sums, mut ends, mut marks) = (BTreeMap::<(String, String), u128>::new(), 0_u64, 0_u64);
    view.open(&POOLS)?.each::<(&str, &str, &str)>(.., |(namespace, pool, _), seat| {
        *sums.entry((namespace.to_owned(), pool.to_owned())).or_default() += u128::from(seat.0);
        ends += u64::from(seat.1.is_some());
        marks += u64::from(term(seat).is_some_and(Term::can_be_taken_back));
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
        let is_own = |seat: Seat| seat.0 == weight && term(seat).is_some_and(|term| term.end == end);
        fits = members.get((namespace, pool, holder), is_own).map(|fits| fits == Some(true));
        if matches!(fits, Ok(true)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if !fits? || ends != 0 {
        return Err(RowError::Edited { table: "pool-ends" });
    }
    let mut fits = Ok(true);
    view.open(&MARKS)?.each::<(&str, &str, u64, &str)>(
        ..,
        |(namespace, pool, mark, holder), (weight, claimed, end)| {
            marks = marks.wrapping_sub(1);
            let own = (weight, Some((end, claimed, mark)));
            fits = members.get((namespace, pool, holder), |seat| seat == own).map(|fits| fits == Some(true));
            if matches!(fits, Ok(true)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    )?;
    if fits? && marks == 0 { Ok(()) } else { Err(RowError::Edited { table: "pool-marks" }) }
}

pub(super) fn claim(txn: &Txn<'_>, pool: Pool<'_>, member: &Member, capacity: u64, moment: Moment) -> Asked<u64> {
    let held = seat(&txn.open(&POOLS)?, pool, &member.holder)?;
    let before = unexpired(&txn.open(&SUMS)?, &txn.open(&ENDS)?, &txn.open(&MARKS)?, pool, moment)?.sum;
    let own = held.filter(|held| !has_expired(*held, moment)).map(|(weight, _)| weight);
    let others = before.saturating_sub(own.unwrap_or(0));
    let fits = others.checked_add(member.weight).is_some_and(|sum| sum <= capacity);
    let renewed = own.is_some_and(|own| member.weight <= own);
    if !fits && !renewed {
        return refused(Error::Exceeded(Excess { entry: 0, current: before }));
    }
    sweep(txn, pool, moment)?;
    let sum = others.saturating_add(member.weight);
    if fits {
        make_room(txn, pool, &member.holder, capacity.saturating_sub(sum), moment)?;
    }
    put(txn, pool, &member.holder, Some((member.weight, member.expires.map(|end| Term::until(end, moment)))))?;
    Ok(Outcome::Changed(Ok(sum)))
}

/// Takes away whom a time that is not confirmed has ended, the first to end first, until the rest has room beside the places that are held now:
/// if that time is taken back, no more are held than there are.
fn make_room(txn: &Txn<'_>, pool: Pool<'_>, holder: &str, room: u64, moment: Moment) -> Result<(), RowError> {
    let mut ended = Vec::new();
    until(&txn.open(&ENDS)?, pool, moment.now, |_, other, weight| {
        if other != holder {
            ended.push((other.to_owned(), weight));
        }
    })?;
    let mut left: u128 = ended.iter().map(|(_, weight)| u128::from(*weight)).sum();
    for (other, weight) in ended {
        if left <= u128::from(room) {
            break;
        }
        put(txn, pool, &other, None)?;
        left -= u128::from(weight);
    }
    Ok(())
}

pub(super) fn release(txn: &Txn<'_>, pool: Pool<'_>, holder: &str, moment: Moment) -> Asked<u64> {
    let held = put(txn, pool, holder, None)?;
    let sum = unexpired(&txn.open(&SUMS)?, &txn.open(&ENDS)?, &txn.open(&MARKS)?, pool, moment)?.sum;
    Ok(if held { Outcome::Changed(Ok(sum)) } else { Outcome::Same(Ok(sum)) })
}

/// The place of a holder, and whether so many of the others have expired that it is time to [`sweep`].
pub(super) fn place(view: &View<'_>, pool: Pool<'_>, holder: &str, moment: Moment) -> Result<(Place, bool), RowError> {
    let found = unexpired(&view.open(&SUMS)?, &view.open(&ENDS)?, &view.open(&MARKS)?, pool, moment)?;
    let held = seat(&view.open(&POOLS)?, pool, holder)?.filter(|held| !has_expired(*held, moment));
    let is_due = found.due > DUE_KEPT && found.for_good;
    Ok((Place { sum: found.sum, member: held.map(|held| member(holder, held)) }, is_due))
}

/// Members that have not expired, by holder: at most `limit`, after the holder `after`.
pub(super) fn members(
    view: &View<'_>,
    pool: Pool<'_>,
    after: Option<&str>,
    limit: usize,
    moment: Moment,
) -> Result<Vec<Member>, RowError> {
    let mut members = Vec::new();
    let from = (pool.namespace, pool.name, after.unwrap_or_default());
    view.open(&POOLS)?.each(from.., |(namespace, name, holder), seat| {
        if (namespace, name) != (pool.namespace, pool.name) || members.len() >= limit {
            return ControlFlow::Break(());
        }
        if !has_expired(seat, moment) && after.is_none_or(|after| holder > after) {
            members.push(member(holder, seat));
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
    moment: Moment,
) -> Result<Vec<String>, RowError> {
    let (sums, ends, marks) = (view.open(&SUMS)?, view.open(&ENDS)?, view.open(&MARKS)?);
    let (mut names, mut failed) = (Vec::new(), None);
    sums.each((namespace, after.unwrap_or_default()).., |(space, name), _| {
        if space != namespace || names.len() >= limit {
            return ControlFlow::Break(());
        }
        match unexpired(&sums, &ends, &marks, Pool { namespace, name }, moment) {
            Ok(held) if held.sum > 0 && after.is_none_or(|after| name > after) => names.push(name.to_owned()),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(names), Err)
}

/// Takes away what has expired for good. A time that is not confirmed may be taken back, and its members with it.
pub(super) fn sweep(txn: &Txn<'_>, pool: Pool<'_>, moment: Moment) -> Step<()> {
    let mut due = Vec::new();
    until(&txn.open(&ENDS)?, pool, moment.now.min(moment.mark), |_, holder, _| due.push(holder.to_owned()))?;
    until(&txn.open(&MARKS)?, pool, moment.mark, |mark, holder, (_, claimed, end)| {
        if (Term { end, claimed, mark }).is_over_for_good(moment) {
            due.push(holder.to_owned());
        }
    })?;
    for holder in &due {
        put(txn, pool, holder, None)?;
    }
    Ok(if due.is_empty() { Outcome::Same(()) } else { Outcome::Changed(()) })
}

/// An anchor sets the confirmed time.
pub(super) fn anchor(txn: &Txn<'_>, before: u64, time: u64) -> Result<(), RowError> {
    let mut moved = Vec::new();
    txn.open(&POOLS)?.each::<(&str, &str, &str)>(.., |(namespace, name, holder), seat| {
        if let Some(term) = term(seat).filter(|term| term.anchored(before, time) != *term) {
            let place = (seat.0, Some(term.anchored(before, time)));
            moved.push((namespace.to_owned(), name.to_owned(), holder.to_owned(), place));
        }
        ControlFlow::Continue(())
    })?;
    for (namespace, name, holder, place) in &moved {
        put(txn, Pool { namespace, name }, holder, Some(*place))?;
    }
    Ok(())
}

/// What has not expired in a pool, seen from what has.
struct Unexpired {
    sum: u64,
    /// So many rows have expired, and whether any of them for good.
    due: usize,
    for_good: bool,
}

fn unexpired(
    sums: &impl Reading<Name, u128>,
    ends: &impl Reading<End, u64>,
    marks: &impl Reading<End, (u64, u64, u64)>,
    pool: Pool<'_>,
    moment: Moment,
) -> Result<Unexpired, RowError> {
    let all = sums.get((pool.namespace, pool.name), |sum| sum)?.unwrap_or(0);
    let (mut expired, mut due, mut for_good) = (0_u128, 0, false);
    until(ends, pool, moment.now, |end, _, weight| {
        expired += u128::from(weight);
        due += 1;
        for_good |= end <= moment.mark;
    })?;
    until(marks, pool, moment.mark, |mark, _, (weight, claimed, end)| {
        // Those whose other end has come as well were met above.
        if end > moment.now && (Term { end, claimed, mark }).is_over(moment) {
            expired += u128::from(weight);
            due += 1;
            for_good = true;
        }
    })?;
    Ok(Unexpired { sum: u64::try_from(all.saturating_sub(expired)).unwrap_or(u64::MAX), due, for_good })
}

/// Each member of a pool that ends by then, in the order of the ends.
fn until<V: redb::Value + 'static>(
    ends: &impl Reading<End, V>,
    pool: Pool<'_>,
    time: u64,
    mut look: impl FnMut(u64, &str, V::SelfType<'_>),
) -> Result<(), RowError> {
    ends.each((pool.namespace, pool.name, 0, "").., |(namespace, name, end, holder), value| {
        if (namespace, name) != (pool.namespace, pool.name) || end > time {
            return ControlFlow::Break(());
        }
        look(end, holder, value);
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
fn put(txn: &Txn<'_>, pool: Pool<'_>, holder: &str, place: Option<(u64, Option<Term>)>) -> Result<bool, RowError> {
    let Pool { namespace, name } = pool;
    let (mut members, mut sums) = (txn.open(&POOLS)?, txn.open(&SUMS)?);
    let (mut ends, mut marks) = (txn.open(&ENDS)?, txn.open(&MARKS)?);
    let before = seat(&members, pool, holder)?.map(|held| (held.0, term(held)));
    if before == place {
        return Ok(before.is_some());
    }
    let mut sum = sums.get((namespace, name), |sum| sum)?.unwrap_or(0);
    if let Some((weight, term)) = before {
        sum = sum.checked_sub(weight.into()).ok_or(RowError::Edited { table: "pool-sums" })?;
        members.remove((namespace, name, holder))?;
        if let Some(Term { end, mark, .. }) = term {
            ends.remove((namespace, name, end, holder))?;
            marks.remove((namespace, name, mark, holder))?;
        }
    }
    if let Some((weight, term)) = place {
        sum = sum.saturating_add(weight.into());
        members.insert((namespace, name, holder), (weight, term.map(|term| (term.end, term.claimed, term.mark))))?;
        if let Some(term) = term {
            ends.insert((namespace, name, term.end, holder), weight)?;
            if term.can_be_taken_back() {
                marks.insert((namespace, name, term.mark, holder), (weight, term.claimed, term.end))?;
            }
        }
    }
    match sum {
        0 => drop(sums.remove((namespace, name))?),
        sum => sums.insert((namespace, name), sum)?,
    }
    Ok(before.is_some())
}

fn term((_, term): Seat) -> Option<Term> {
    term.map(|(end, claimed, mark)| Term { end, claimed, mark })
}

fn member(holder: &str, seat: Seat) -> Member {
    Member { holder: holder.to_owned(), weight: seat.0, expires: term(seat).map(|term| term.end) }
}

fn has_expired(seat: Seat, moment: Moment) -> bool {
    term(seat).is_some_and(|term| term.is_over(moment))
}

#[cfg(test)]
mod tests;
