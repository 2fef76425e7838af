//! Giving back: gauges going down, quotas where the license allows it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::alert;
use super::answer::Denial;
use super::beside;
use super::once::{self, Guard};
use super::record::Record;
use super::request::Request;
use super::slot::{Role, Slot};
use super::store;
use super::target::{self, ATTEMPTS, Target};
use crate::counter_name::CounterName;
use crate::counters::{CounterError, Counters, Portion, Recorded};
use crate::license::LimitKind;
use crate::reason;
use crate::types::{Charge, Context, Decision};
use crate::view::View;

/// Gives back so many units, all or none; never denied for the state of the license.
///
/// Takes from the budgets that were drawn last, in the present period. With a `once` key under which [`consume`](super::consume) counted,
/// it takes from the very counters recorded there, the last first, also of periods that are over, and no more than was recorded. One
/// key gives back once.
///
/// Denied: `request-invalid`, `once-mismatch`, `not-licensed` (the reason of the view where no license holds), `limit-undecided`,
/// `tenant-required`, `kind-mismatch` (a rate gives back by itself), `refund-not-granted` (a quota), `credit-exceeded`.
///
/// # Errors
/// A reason why nothing was decided, and nothing counted: `contended`, or one of [`reason::COUNTERS`].
pub fn credit(view: &View, charge: &Charge, context: &Context, counters: &dyn Counters) -> Result<Decision, String> {
    let (request, guard) = match guarded(charge, context) {
        Ok(guarded) => guarded,
        Err(denial) => return Ok(denial.into()),
    };
    if let Some(guard) = &guard
        && let Some(answer) = guard.repeated(counters)?
    {
        return Ok(answer);
    }
    let target = match refundable(view, request) {
        Ok(target) => target,
        Err(denial) => return Ok(denial.into()),
    };
    let mut refund = Refund::new(target, once::consumed(request, counters)?.as_ref())?;
    target::read(core::iter::once(&mut refund.target), counters)?;
    for _ in 0..ATTEMPTS {
        if !refund.split(charge.amount) {
            let usage = Vec::from([refund.target.usage()]);
            return Ok(Denial { usage, ..Denial::new(reason::CREDIT_EXCEEDED, &charge.limit) }.into());
        }
        let record = refund.record(view);
        let portions = refund.portions();
        let once = guard.as_ref().map(|guard| guard.once(&record));
        let sums = if portions.is_empty() && once.is_none() {
            Ok(Vec::new())
        } else {
            counters.subtract(&portions, once.as_ref())
        };
        match (sums, &guard) {
            (Ok(sums), _) if sums.len() == portions.len() => {
                return Ok(record.decision(request.subject, request.tenant, &sums));
            }
            // Another caller was quicker: take from what is left now.
            (Err(CounterError::Exceeded { entry, .. }), _) if entry < portions.len() => {
                target::read(core::iter::once(&mut refund.target), counters)?;
            }
            (Err(CounterError::Repeated(recorded)), Some(guard)) => return guard.again(&recorded),
            (Err(error), _) => return Err(store::failed(error)),
            (Ok(_), _) => return Err(store::unfit()),
        }
    }
    Err(reason::CONTENDED.to_string())
}

fn guarded<'a>(charge: &'a Charge, context: &'a Context) -> Result<(Request<'a>, Option<Guard<'a>>), Denial<'a>> {
    let request = Request::new(core::slice::from_ref(charge), context)?;
    Ok((request, Guard::new("credit", request)?))
}

/// The limit, with `refund` set on each counter that may be taken from.
fn refundable<'a>(view: &'a View, request: Request<'a>) -> Result<Target<'a>, Denial<'a>> {
    let mut target = Target::find_to_give_back(view, request.subject, request.tenant)?;
    if matches!(target.limit.kind, LimitKind::Rate | LimitKind::Seats) {
        return Err(Denial::new(reason::KIND_MISMATCH, request.subject));
    }
    if target.limit.kind == LimitKind::Gauge {
        target.slots.iter_mut().for_each(|slot| slot.refund = true);
    }
    if target.slots.iter().any(|slot| slot.refund) {
        Ok(target)
    } else {
        Err(Denial::new(reason::REFUND_NOT_GRANTED, request.subject))
    }
}

/// Where to take from.
struct Refund<'a> {
    target: Target<'a>,
    /// In the order of taking: a counter, and how much of it at most.
    sources: Vec<Portion>,
}

impl<'a> Refund<'a> {
    fn new(mut target: Target<'a>, recorded: Option<&Recorded>) -> Result<Self, String> {
        let Some(recorded) = recorded else {
            let earlier: Vec<Slot<'a>> = target.slots.iter().rev().flat_map(Slot::earlier).collect();
            let present = target.slots.iter().rev();
            let slots = present.chain(&earlier).filter(|slot| slot.refund);
            let sources = slots.map(|slot| Portion { counter: slot.counter.clone(), amount: u64::MAX }).collect();
            target.slots.extend(earlier);
            return Ok(Self { target, sources });
        };
        let mut refund = Self { target, sources: Vec::new() };
        for entry in recorded.entries.iter().rev().filter(|entry| !is_own(&entry.counter)) {
            let name = CounterName::parse(&entry.counter).ok_or(reason::COUNTERS_DAMAGED)?;
            if name.limit == refund.target.name {
                refund.add(entry, &name);
            }
        }
        Ok(refund)
    }

    /// One more counter to take from, where a license that is here now lets it be given back: also that of an earlier period. A counter of
    /// a license that went away stays as it is: its terms cannot be asked, and it would be full again when that license comes back.
    fn add(&mut self, entry: &Portion, name: &CounterName<'_>) {
        let slots = &mut self.target.slots;
        if !slots.iter().any(|slot| slot.counter == entry.counter) {
            let Some(slot) = slots.iter().find_map(|slot| slot.of(&entry.counter, name)) else { return };
            slots.push(slot);
        }
        if slots.iter().any(|slot| slot.refund && slot.counter == entry.counter) {
            self.sources.push(entry.clone());
        }
    }

    fn moving(&mut self) -> impl Iterator<Item = &mut Slot<'a>> {
        self.target.slots.iter_mut().filter(|slot| slot.part > 0)
    }

    /// What is taken from where; last, that most of it is used, where that was said and is no longer so.
    fn portions(&mut self) -> Vec<Portion> {
        let mut portions: Vec<Portion> =
            self.moving().map(|slot| Portion { counter: slot.counter.clone(), amount: slot.part }).collect();
        let told = self.target.slots.iter().filter(|slot| slot.role != Role::Past);
        let left = told.fold(self.target.usage().used, |left, slot| left.saturating_sub(slot.part));
        portions.extend(self.target.calm(left).map(|counter| Portion { counter, amount: 1 }));
        portions
    }

    /// Takes from one source after the other. False: together they hold too little.
    fn split(&mut self, amount: u64) -> bool {
        let mut left = amount;
        self.target.slots.iter_mut().for_each(|slot| slot.part = 0);
        for source in &self.sources {
            let mut slots = self.target.slots.iter_mut();
            if let Some(slot) = slots.find(|slot| slot.counter == source.counter) {
                let part = left.min(source.amount).min(slot.held.saturating_sub(slot.part));
                slot.part += part;
                left -= part;
            }
        }
        left == 0
    }

    fn record(&self, view: &View) -> Record {
        let slots = || self.target.slots.iter();
        let taken = slots().rev().find(|slot| slot.part > 0).or_else(|| slots().next_back());
        let mut share = self.target.share(|slot| slot.part == 0);
        for slot in slots().filter(|slot| slot.role == Role::Slice) {
            share.base = share.base.saturating_sub(slot.part);
        }
        Record {
            license: taken.map(|slot| slot.license.to_string()).unwrap_or_default(),
            shares: Vec::from([share]),
            warnings: view.warnings.clone(),
        }
    }
}

/// Is it one that the policy remembers by, beside those that count?
fn is_own(counter: &str) -> bool {
    [alert::OWN, beside::OWN].iter().any(|own| counter.starts_with(own))
}
