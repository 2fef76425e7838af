//! Pools: a row for each member. A call looks at all members of its pool.

use std::ops::ControlFlow;

use super::error::RowError;
use super::rows::{Asked, Outcome, refused};
use super::sealed::{Digest, Reading, Sealed, Txn, View};
use crate::bindings::placet::policy::counters::{Error, Excess, Member, Place};
use crate::store::Moment;

type PoolName = (&'static str, &'static str, &'static str);

/// (namespace, pool, holder) → (weight, expiry).
const POOLS: Sealed<PoolName, (u64, Option<u64>)> = Sealed::new("pools");

pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&POOLS)?;
    Ok(())
}

pub(super) fn digest(view: &View<'_>, rows: bool, digest: Digest) -> Result<Digest, RowError> {
    view.digest(&POOLS, rows, digest)
}

pub(super) fn claim(
    txn: &Txn<'_>,
    namespace: &str,
    pool: &str,
    member: &Member,
    capacity: u64,
    moment: Moment,
) -> Asked<u64> {
    let mut table = txn.open(&POOLS)?;
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

pub(super) fn release(txn: &Txn<'_>, namespace: &str, pool: &str, holder: &str, now: u64) -> Asked<u64> {
    let mut table = txn.open(&POOLS)?;
    let held = table.remove((namespace, pool, holder))?;
    let members = members_of(&table, namespace, pool)?;
    let unexpired = members.iter().filter(|member| !has_expired(member, now));
    let sum = unexpired.fold(0_u64, |sum, member| sum.saturating_add(member.weight));
    Ok(if held { Outcome::Changed(Ok(sum)) } else { Outcome::Same(Ok(sum)) })
}

pub(super) fn place(view: &View<'_>, namespace: &str, pool: &str, holder: &str, now: u64) -> Result<Place, RowError> {
    let members = members(view, namespace, pool, now)?;
    let sum = members.iter().fold(0_u64, |sum, member| sum.saturating_add(member.weight));
    Ok(Place { sum, member: members.into_iter().find(|member| member.holder == holder) })
}

pub(super) fn members(view: &View<'_>, namespace: &str, pool: &str, now: u64) -> Result<Vec<Member>, RowError> {
    let mut members = members_of(&view.open(&POOLS)?, namespace, pool)?;
    members.retain(|member| !has_expired(member, now));
    Ok(members)
}

fn members_of(
    table: &impl Reading<PoolName, (u64, Option<u64>)>,
    namespace: &str,
    pool: &str,
) -> Result<Vec<Member>, RowError> {
    let mut members = Vec::new();
    table.each((namespace, pool, "").., |(space, name, holder), (weight, expires)| {
        if (space, name) != (namespace, pool) {
            return ControlFlow::Break(());
        }
        members.push(Member { holder: holder.to_owned(), weight, expires });
        ControlFlow::Continue(())
    })?;
    Ok(members)
}

fn has_expired(member: &Member, now: u64) -> bool {
    member.expires.is_some_and(|expires| expires <= now)
}
