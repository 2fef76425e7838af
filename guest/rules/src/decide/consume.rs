//! Charging: quotas used up, gauges going up, rates, and the seat of the tenant who asks.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::Denial;
use super::once::Guard;
use super::record::{Record, Share};
use super::request::Request;
use super::seats::Taken;
use super::slot::Slot;
use super::store;
use super::target::{self, ATTEMPTS, Target};
use super::{rate, seats};
use crate::counters::{CounterError, Counters, Draw, Entry};
use crate::license::LimitKind;
use crate::reason;
use crate::types::{Charge, Context, Decision, Duration, Hold, Meter};
use crate::view::{HeldAs, View};

/// Charges all or none. The budgets of a limit are drawn in their order; a charge that spans several is split.
///
/// A charge to a limit of seats claims them for the tenant of the request, who becomes active with its first request that is allowed, and
/// stays so: first the seats, then all else at once; if that is refused, a seat that is new is given back. A crash in between leaves
/// no more than a seat of a tenant who tried.
///
/// Denied, `subject` says for which limit: `request-empty`, `request-invalid`, `once-mismatch`, the reason of the view,
/// `not-licensed`, `limit-undecided`, `tenant-required`, `limit-exceeded`, `burst-exceeded`, and `rate-exceeded`, which comes after all
/// others, for it passes: `retry` says when, of several rates for the slowest. With a `once` key that counted before, it answers as
/// the first time, whatever has happened since.
///
/// # Errors
/// A reason why nothing was decided, and nothing counted: `contended`, or one of [`reason::COUNTERS`].
pub fn consume(
    view: &View,
    charges: &[Charge],
    context: &Context,
    counters: &dyn Counters,
) -> Result<Decision, String> {
    decide(view, charges, context, counters, true)
}

/// What [`consume`] would answer now. Counts nothing.
///
/// # Errors
/// As [`consume`].
pub fn preview(
    view: &View,
    charges: &[Charge],
    context: &Context,
    counters: &dyn Counters,
) -> Result<Decision, String> {
    decide(view, charges, context, counters, false)
}

fn decide(
    view: &View,
    charges: &[Charge],
    context: &Context,
    counters: &dyn Counters,
    counts: bool,
) -> Result<Decision, String> {
    let (request, guard) = match guarded(charges, context) {
        Ok(guarded) => guarded,
        Err(denial) => return Ok(denial.into()),
    };
    if let Some(guard) = &guard
        && let Some(answer) = guard.repeated(counters)?
    {
        return Ok(answer);
    }
    let mut demands = match demands(view, request) {
        Ok(demands) => demands,
        Err(denial) => return Ok(denial.into()),
    };
    let mut taken = Taken::default();
    let answer = settle(view, &mut demands, (request, guard.as_ref()), counters, counts, &mut taken);
    if !answer.as_ref().is_ok_and(|decision| decision.allowed) {
        taken.give_back(request.tenant.unwrap_or_default(), counters.pools());
    }
    answer
}

/// Divides and counts, and again where other callers are quicker. `taken` are the seats that it took, whatever it answers.
fn settle<'a>(
    view: &View,
    demands: &mut [Demand<'a>],
    (request, guard): (Request<'a>, Option<&Guard<'a>>),
    counters: &dyn Counters,
    counts: bool,
    taken: &mut Taken,
) -> Result<Decision, String> {
    target::read(demands.iter_mut().map(|demand| &mut demand.target), counters)?;
    look(demands, request, counters)?;
    for _ in 0..ATTEMPTS {
        if let Some(short) = demands.iter_mut().filter_map(|demand| demand.split().err()).reduce(Shortfall::or) {
            return Ok(exceeded(short, demands, counters)?.into());
        }
        if counts && !take_seats(demands, request, counters, taken)? {
            look(demands, request, counters)?;
            continue;
        }
        let record = record(view, demands);
        let entries = entries(demands);
        let draws: Vec<Draw> = slots(demands).filter_map(rate::drawn).collect();
        let once = guard.map(|guard| guard.once(&record));
        let sums = if !counts || (entries.is_empty() && draws.is_empty() && once.is_none()) {
            Ok(moving(demands).map(|slot| slot.held.saturating_add(slot.part)).collect())
        } else {
            counters.add(&entries, &draws, once.as_ref())
        };
        match (sums, guard) {
            (Ok(sums), _) if !counts || sums.len() == entries.len() => {
                if counts {
                    calm(demands, counters);
                }
                let hold = if counts { hold(view, demands, request, &entries) } else { None };
                return Ok(Decision { hold, ..record.decision(request.subject, request.tenant, &sums) });
            }
            // Another caller was quicker: split again over what is left now.
            (Err(CounterError::Exceeded { entry, .. }), _) if entry < entries.len() => {
                target::read(demands.iter_mut().map(|demand| &mut demand.target), counters)?;
            }
            (Err(CounterError::Empty), _) => look(demands, request, counters)?,
            (Err(CounterError::Repeated(recorded)), Some(guard)) => return guard.again(&recorded),
            (Err(error), _) => return Err(store::failed(error)),
            (Ok(_), _) => return Err(store::unfit()),
        }
    }
    Err(reason::CONTENDED.to_string())
}

/// False: another caller was quicker.
fn take_seats(
    demands: &[Demand<'_>],
    request: Request<'_>,
    counters: &dyn Counters,
    taken: &mut Taken,
) -> Result<bool, String> {
    for slot in slots(demands) {
        if !taken.take(slot, request.tenant.unwrap_or_default(), counters.pools())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn guarded<'a>(charges: &'a [Charge], context: &'a Context) -> Result<(Request<'a>, Option<Guard<'a>>), Denial<'a>> {
    let request = Request::new(charges, context)?;
    Ok((request, Guard::new("consume", request)?))
}

/// So much of a limit; several charges to one limit are one demand.
struct Demand<'a> {
    target: Target<'a>,
    amount: u128,
}

fn demands<'a>(view: &'a View, request: Request<'a>) -> Result<Vec<Demand<'a>>, Denial<'a>> {
    if !view.usable {
        return Err(Denial::new(&view.reason, request.subject));
    }
    let mut demands: Vec<Demand<'a>> = Vec::with_capacity(request.charges.len());
    for charge in request.charges {
        let amount = u128::from(charge.amount);
        match demands.iter_mut().find(|demand| demand.target.name == charge.limit) {
            Some(demand) => demand.amount += amount,
            None => {
                let target = Target::find(view, &charge.limit, request.tenant)?;
                if target.limit.kind == LimitKind::Seats && request.tenant.is_none() {
                    return Err(Denial::new(reason::TENANT_REQUIRED, target.name));
                }
                demands.push(Demand { target, amount });
            }
        }
    }
    Ok(demands)
}

/// Why a demand is not met.
struct Shortfall<'a> {
    reason: &'static str,
    limit: &'a str,
    /// Of the limit's last budget.
    license: Option<&'a str>,
    /// None: waiting does not help.
    retry: Option<Duration>,
}

impl Shortfall<'_> {
    /// The one to answer with, of two: the first that waiting does not help, or the one that takes longer.
    fn or(self, next: Self) -> Self {
        match (self.retry, next.retry) {
            (None, _) => self,
            (Some(wait), Some(longer)) if longer <= wait => self,
            (Some(_), _) => next,
        }
    }
}

/// Learns what buckets and pools hold.
fn look(demands: &mut [Demand<'_>], request: Request<'_>, counters: &dyn Counters) -> Result<(), String> {
    demands.iter_mut().try_for_each(|Demand { target, amount }| {
        target.slots.iter_mut().try_for_each(|slot| {
            rate::look(slot, *amount, counters)?;
            seats::look(slot, request.tenant.unwrap_or_default(), counters)
        })
    })
}

impl<'a> Demand<'a> {
    /// Draws from one budget after the other up to its maximum, and only then beyond, where a license lets it. Err: together they have
    /// too little left.
    fn split(&mut self) -> Result<(), Shortfall<'a>> {
        let (limit, license) = (self.target.name, self.target.slots.last().map(|slot| slot.license));
        let short = |(reason, retry)| Shortfall { reason, limit, license, retry };
        let mut left = self.amount;
        self.target.slots.iter_mut().for_each(|slot| slot.part = 0);
        if self.target.limit.kind == LimitKind::Seats {
            return seats::fit(&mut self.target.slots, left).map_err(|reason| short((reason, None)));
        }
        if let [slot] = &mut *self.target.slots
            && slot.held_as != HeldAs::Counter
        {
            return rate::fit(slot, left).map_err(short);
        }
        for bound in [Slot::granted, Slot::ceiling] {
            for slot in &mut self.target.slots {
                let rest = bound(slot).saturating_sub(slot.held).saturating_sub(slot.part);
                let part = u64::try_from(left).unwrap_or(u64::MAX).min(rest);
                slot.part += part;
                left -= u128::from(part);
            }
        }
        if left == 0 { Ok(()) } else { Err(short((reason::LIMIT_EXCEEDED, None))) }
    }
}

fn slots<'s, 'a>(demands: &'s [Demand<'a>]) -> impl Iterator<Item = &'s Slot<'a>> {
    demands.iter().flat_map(|demand| &demand.target.slots)
}

/// The counters that the request moves.
fn moving<'s, 'a>(demands: &'s mut [Demand<'a>]) -> impl Iterator<Item = &'s mut Slot<'a>> {
    let slots = demands.iter_mut().flat_map(|demand| &mut demand.target.slots);
    slots.filter(|slot| slot.part > 0 && slot.held_as == HeldAs::Counter)
}

/// What the slots that move are charged, and after it what must hold for that.
fn entries(demands: &mut [Demand<'_>]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = moving(demands).map(|slot| slot.entry()).collect();
    moving(demands).for_each(|slot| entries.extend(slot.guards()));
    let charged = demands.iter().filter(|demand| demand.amount > 0);
    entries.extend(charged.filter_map(|Demand { target, .. }| target.alert(target.used())));
    entries
}

/// How the same charge may be repeated, of any amount: one that moves a single counter and tells nothing but its sum. Where units may be reserved,
/// nothing is beside the counter.
fn hold(view: &View, demands: &[Demand<'_>], request: Request<'_>, entries: &[Entry]) -> Option<Hold> {
    let ([Demand { target, .. }], [_], [entry], None) = (demands, request.charges, entries, request.once) else {
        return None;
    };
    let [slot] = &*target.slots else { return None };
    if entry.slack == 0 {
        return None;
    }
    let (step, ceiling) = (target.step(target.used())?, slot.granted());
    let meter = Meter {
        charge: 0,
        usage: Some(0),
        counter: entry.counter.clone(),
        ceiling,
        slack: entry.slack,
        step: Some(step).filter(|step| *step < ceiling),
        refill: None,
    };
    view.hold(Vec::from([meter]))
}

/// Takes the warnings back where a period or a term has begun anew. The charge has counted: where this fails, it is for the next one to do.
fn calm(demands: &[Demand<'_>], counters: &dyn Counters) {
    for Demand { target, .. } in demands {
        if let Some(alert) = target.calm(target.used()) {
            drop(counters.set(&alert, 0));
        }
    }
}

/// Rests on the license that is drawn from first.
fn record(view: &View, demands: &[Demand<'_>]) -> Record {
    let drawn = slots(demands).find(|slot| slot.part > 0).or_else(|| slots(demands).next());
    let rates = demands
        .iter()
        .flat_map(|Demand { target, .. }| target.slots.iter().filter_map(|slot| rate::warning(target.name, slot)));
    Record {
        license: drawn.map(|slot| slot.license.to_string()).unwrap_or_default(),
        shares: demands.iter().map(share).collect(),
        warnings: view.warnings.iter().cloned().chain(rates).collect(),
    }
}

fn share(Demand { target, amount }: &Demand<'_>) -> Share {
    Share { warns: target.warns(target.used(), *amount > 0), ..target.share(|slot| slot.part == 0) }
}

/// Shows what is used of every limit, for none was charged; and who holds the seats, where one is missing.
fn exceeded<'a>(short: Shortfall<'a>, demands: &[Demand<'_>], counters: &dyn Counters) -> Result<Denial<'a>, String> {
    let usage = demands.iter().map(|demand| demand.target.usage()).collect();
    let slots = demands.iter().find(|demand| demand.target.name == short.limit).map(|demand| &*demand.target.slots);
    let details = seats::told(slots.unwrap_or_default(), counters)?;
    Ok(Denial { license: short.license, usage, retry: short.retry, details, ..Denial::new(short.reason, short.limit) })
}
