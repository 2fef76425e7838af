//! Seats: weighted holders in a pool, which last until they are released or their time is over.
//!
//! Budgets of one account share a pool and add up. A holder of a limit has its place in one pool, and renews it there.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::Denial;
use super::record::{Record, Share};
use super::request::{Request, is_within};
use super::slot::Slot;
use super::store;
use super::target::{self, ATTEMPTS, Target};
use crate::counters::{CounterError, Counters, Own, Pools};
use crate::license::LimitKind;
use crate::reason;
use crate::types::{Attribute, Charge, Context, Decision, Duration, Holder};
use crate::view::{HeldAs, View};

/// So many of the holders are told to one for whom there is no seat.
const TOLD: u32 = 20;
/// The most holders of one answer.
const PAGE: u32 = 1_000;
/// A claim before the first tenth of the time is over renews nothing.
const RENEWED: u64 = 10;
/// A request before half of it is over renews nothing.
const HALF: u64 = 2;

/// Claims or renews seats for a holder: as many as the charge says, for the limit's `ttl`, or a shorter one of the caller's; without
/// either until they are released. A renewal with as many or fewer is never refused while the license holds; one in the first tenth
/// of the time changes nothing and is answered from what was read, so that the seat lasts nine tenths from then on at the least.
///
/// Denied: `request-invalid` (for no seats and for no time too: the detail `invalid` names `amount`, `ttl` or `holder`), the reason of the
/// view, `not-licensed`, `limit-undecided`, `kind-mismatch`, `tenant-required`, and `limit-exceeded`, which tells in its details who holds. A `once` key has no meaning here:
/// claiming may be repeated.
///
/// # Errors
/// A reason why nothing was decided: `contended`, or one of [`reason::COUNTERS`].
pub fn claim(
    view: &View,
    charge: &Charge,
    holder: &str,
    ttl: Option<Duration>,
    context: &Context,
    counters: &dyn Counters,
) -> Result<Decision, String> {
    let mut target = match claimed(view, charge, holder, ttl, context) {
        Ok(target) => target,
        Err(denial) => return Ok(denial.into()),
    };
    target::read(core::iter::once(&mut target), counters)?;
    for _ in 0..ATTEMPTS {
        target.slots.iter_mut().try_for_each(|slot| look(slot, holder, counters))?;
        if place(&mut target.slots, |_| charge.amount).is_err() {
            return Ok(full(&target, counters)?.into());
        }
        let Some(slot) = target.slots.iter_mut().find(|slot| slot.part > 0) else { return Err(store::unfit()) };
        let lasts = lasts(slot, ttl);
        if !is_held(slot, lasts, RENEWED) {
            match counters.pools().claim(&slot.counter, holder, Own { weight: slot.part, left: lasts }, room(slot)) {
                Ok(sum) => slot.held = sum.saturating_sub(slot.part),
                Err(CounterError::Exceeded { .. }) => continue,
                Err(error) => return Err(store::failed(error)),
            }
        }
        let license = slot.license.to_string();
        return Ok(answer(view, &target, license, charge, context, counters));
    }
    Err(reason::CONTENDED.to_string())
}

/// Gives the holder's seats back, be it the holder or an operator who asks. Never denied for the state of the license, and no seat is no
/// error. Denied as [`claim`] is for what the request says.
///
/// # Errors
/// A reason why nothing was decided: one of [`reason::COUNTERS`].
pub fn release(
    view: &View,
    limit: &str,
    holder: &str,
    context: &Context,
    counters: &dyn Counters,
) -> Result<Decision, String> {
    let charge = Charge { limit: limit.to_string(), amount: 0 };
    let mut target = match Request::new(core::slice::from_ref(&charge), context)
        .and_then(|request| of_holder(view, request, holder))
    {
        Ok(target) => target,
        Err(denial) => return Ok(denial.into()),
    };
    target::read(core::iter::once(&mut target), counters)?;
    for slot in &mut target.slots {
        known(slot)?;
        slot.held = counters.pools().release(&slot.counter, holder).map_err(store::failed)?;
    }
    let license = target.slots.first().map(|slot| slot.license.to_string()).unwrap_or_default();
    Ok(answer(view, &target, license, &charge, context, counters))
}

/// Who holds seats of a limit, by name, after a name: at most 1,000.
///
/// # Errors
/// `request-invalid`, `not-licensed`, `kind-mismatch`, `limit-undecided`, `tenant-required`; or one of [`reason::COUNTERS`].
pub fn holders(
    view: &View,
    limit: &str,
    tenant: Option<&str>,
    after: Option<&str>,
    counters: &dyn Counters,
) -> Result<Vec<Holder>, String> {
    let charge = [Charge { limit: limit.to_string(), amount: 0 }];
    let context = Context { tenant: tenant.map(ToString::to_string), once: None, details: Vec::new() };
    let request = Request::new(&charge, &context).map_err(|denial| denial.reason.to_string())?;
    let target = of_limit(view, request).map_err(|denial| denial.reason.to_string())?;
    let mut holders = Vec::new();
    for slot in &target.slots {
        known(slot)?;
        for member in counters.pools().members(&slot.counter, after, PAGE).map_err(store::failed)? {
            let holder = Holder {
                name: member.holder,
                weight: member.weight,
                expires: member.expires,
                details: Vec::from([Attribute::new("license", slot.license)]),
            };
            let place = holders.partition_point(|other: &Holder| other.name <= holder.name);
            holders.insert(place, holder);
        }
    }
    holders.truncate(PAGE as usize);
    Ok(holders)
}

/// Learns what a pool holds of others, and the holder's own place. Of what is held in no pool, asks nothing.
pub(super) fn look(slot: &mut Slot<'_>, holder: &str, counters: &dyn Counters) -> Result<(), String> {
    if !is_pool(slot) {
        return Ok(());
    }
    known(slot)?;
    let (sum, own) = counters.pools().place(&slot.counter, holder).map_err(store::failed)?;
    slot.held = sum.saturating_sub(own.map_or(0, |own| own.weight));
    slot.own = own;
    Ok(())
}

/// Puts the seats that a request needs on the pools of a limit; a holder keeps what it has beyond. Err: there is no room.
pub(super) fn fit(slots: &mut [Slot<'_>], amount: u128) -> Result<(), &'static str> {
    match u64::try_from(amount) {
        Ok(0) => Ok(()),
        Ok(amount) => place(slots, |own| amount.max(own)),
        Err(_) => Err(reason::LIMIT_EXCEEDED),
    }
}

/// Puts seats where the holder has its place, or else where there is room: first in what was granted, and only then beyond, where a
/// license lets it. `weight` says how many, from those that it has.
fn place(slots: &mut [Slot<'_>], weight: impl Fn(u64) -> u64) -> Result<(), &'static str> {
    slots.iter_mut().for_each(|slot| slot.part = 0);
    let renews = slots.iter().any(|slot| slot.own.is_some());
    for bound in [Slot::granted, Slot::ceiling] {
        for slot in slots.iter_mut().filter(|slot| !renews || slot.own.is_some()) {
            let own = slot.own.map_or(0, |own| own.weight);
            let weight = weight(own);
            if weight <= own || slot.held.checked_add(weight).is_some_and(|sum| sum <= bound(slot)) {
                slot.part = weight;
                return Ok(());
            }
        }
    }
    Err(reason::LIMIT_EXCEEDED)
}

/// What the pool may hold with a part that was put there: another caller who was quicker may have left it no room in what was granted.
fn room(slot: &Slot<'_>) -> u64 {
    let granted = slot.granted();
    if slot.held.saturating_add(slot.part) <= granted { granted } else { slot.ceiling() }
}

/// Does the holder have its part already, for all the time that it would get but the first `1 / share` of it?
fn is_held(slot: &Slot<'_>, lasts: Option<Duration>, share: Duration) -> bool {
    slot.own.is_some_and(|own| {
        own.weight == slot.part
            && match (own.left, lasts) {
                (Some(left), Some(lasts)) => left <= lasts && lasts - left <= lasts / share,
                (left, lasts) => left == lasts,
            }
    })
}

/// Seats that a request took before the rest of it was decided.
#[derive(Debug, Default)]
pub(super) struct Taken(Vec<(String, Option<Own>)>);

impl Taken {
    /// Takes what [`fit`] put on a slot, where the holder does not have it already with half of its time left. False: another caller was
    /// quicker.
    pub(super) fn take(&mut self, slot: &Slot<'_>, holder: &str, pools: &dyn Pools) -> Result<bool, String> {
        let left = lasts(slot, None);
        if !is_pool(slot) || slot.part == 0 || is_held(slot, left, HALF) {
            return Ok(true);
        }
        match pools.claim(&slot.counter, holder, Own { weight: slot.part, left }, room(slot)) {
            Ok(_) => {
                self.0.push((slot.counter.clone(), slot.own));
                Ok(true)
            }
            Err(CounterError::Exceeded { .. }) => Ok(false),
            Err(error) => Err(store::failed(error)),
        }
    }

    /// Gives all of them back, since the rest was refused. What cannot be given back now is a seat of one who tried.
    pub(super) fn give_back(self, holder: &str, pools: &dyn Pools) {
        for (pool, before) in self.0.into_iter().rev() {
            match before {
                None => drop(pools.release(&pool, holder)),
                // Fewer seats than it has now: never refused.
                Some(before) => drop(pools.claim(&pool, holder, before, 0)),
            }
        }
    }
}

pub(super) fn is_pool(slot: &Slot<'_>) -> bool {
    matches!(slot.held_as, HeldAs::Pool { .. })
}

/// How long a seat lasts that is claimed now.
fn lasts(slot: &Slot<'_>, asked: Option<Duration>) -> Option<Duration> {
    let HeldAs::Pool { ttl } = slot.held_as else { return asked };
    [ttl, asked].into_iter().flatten().min()
}

fn known(slot: &Slot<'_>) -> Result<(), String> {
    if slot.unknown { Err(store::unfit()) } else { Ok(()) }
}

fn claimed<'a>(
    view: &'a View,
    charge: &'a Charge,
    holder: &str,
    ttl: Option<Duration>,
    context: &'a Context,
) -> Result<Target<'a>, Denial<'a>> {
    let request = Request::new(core::slice::from_ref(charge), context)?;
    if charge.amount == 0 || ttl == Some(0) {
        return Err(Denial::invalid(if charge.amount == 0 { "amount" } else { "ttl" }, request.subject));
    }
    if !view.usable {
        return Err(Denial::new(&view.reason, request.subject));
    }
    if !view.limits.contains_key(request.subject) {
        return Err(Denial::unnamed(view, request.subject));
    }
    of_holder(view, request, holder)
}

fn of_holder<'a>(view: &'a View, request: Request<'a>, holder: &str) -> Result<Target<'a>, Denial<'a>> {
    if !is_within(holder) {
        return Err(Denial::invalid("holder", request.subject));
    }
    of_limit(view, request)
}

fn of_limit<'a>(view: &'a View, request: Request<'a>) -> Result<Target<'a>, Denial<'a>> {
    let limit = view.limits.get(request.subject).or_else(|| view.ended.get(request.subject));
    match limit.map(|limit| &limit.kind) {
        Some(LimitKind::Quota | LimitKind::Gauge | LimitKind::Rate) => {
            Err(Denial::new(reason::KIND_MISMATCH, request.subject))
        }
        _ => Target::find_to_give_back(view, request.subject, request.tenant),
    }
}

/// The pools have changed: where a warning cannot be set or taken back now, it is for the next one to do.
fn answer(
    view: &View,
    target: &Target<'_>,
    license: String,
    charge: &Charge,
    context: &Context,
    counters: &dyn Counters,
) -> Decision {
    let used = target.used();
    if let Some(alert) = target.calm(used) {
        drop(counters.set(&alert, 0));
    }
    let is_first =
        charge.amount > 0 && target.alert(used).is_some_and(|alert| counters.add(&[alert], &[], None).is_ok());
    let share = Share { warns: target.warns(used, is_first), ..target.share(|slot| slot.part == 0) };
    let record = Record { license, shares: Vec::from([share]), warnings: view.warnings.clone() };
    record.decision(&charge.limit, context.tenant.as_deref(), &[])
}

/// There is no seat: who holds them.
fn full<'a>(target: &Target<'a>, counters: &dyn Counters) -> Result<Denial<'a>, String> {
    Ok(Denial {
        license: target.slots.last().map(|slot| slot.license),
        usage: Vec::from([target.usage()]),
        details: told(&target.slots, counters)?,
        ..Denial::new(reason::LIMIT_EXCEEDED, target.name)
    })
}

/// The holders of pools, each with what it holds, as far as they are told.
pub(super) fn told(slots: &[Slot<'_>], counters: &dyn Counters) -> Result<Vec<Attribute>, String> {
    let mut details = Vec::new();
    for slot in slots.iter().filter(|slot| is_pool(slot)) {
        let members = counters.pools().members(&slot.counter, None, TOLD + 1).map_err(store::failed)?;
        details.extend(
            members
                .into_iter()
                .map(|member| Attribute::new(format!("holder/{}", member.holder), member.weight.to_string())),
        );
    }
    if details.len() > TOLD as usize {
        details.truncate(TOLD as usize);
        details.push(Attribute::new("holders", format!("the first {TOLD}")));
    }
    Ok(details)
}
