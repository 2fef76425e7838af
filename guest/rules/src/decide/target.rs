//! The counters that a limit is counted on.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::{Denial, undecided};
use super::record::Share;
use super::store;
use crate::calendar::Period;
use crate::counter_name::CounterName;
use crate::counters::Counters;
use crate::reason;
use crate::types::{Duration, Usage};
use crate::view::{HeldAs, LimitView, View};

/// So often is a request divided anew where other callers are quicker.
pub(super) const ATTEMPTS: usize = 8;

/// A limit that can be decided, for a tenant or the license as a whole.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) limit: &'a LimitView,
    /// Present where a budget is counted for a tenant.
    pub(super) tenant: Option<&'a str>,
    /// What it is counted on, in the order of drawing.
    pub(super) slots: Vec<Slot<'a>>,
}

/// One counter of a limit. Budgets of one account share it, and then add up.
#[derive(Clone, Debug)]
pub(super) struct Slot<'a> {
    pub(super) counter: String,
    pub(super) license: &'a str,
    pub(super) period: Option<&'a Period>,
    /// Of an earlier period: only to give back to, and no part of what is told. Such slots stand last.
    pub(super) past: bool,
    pub(super) held_as: HeldAs,
    /// None: unlimited.
    pub(super) max: Option<u64>,
    /// What the sum may reach.
    pub(super) ceiling: u64,
    pub(super) refund: bool,
    pub(super) slack: u64,
    /// What it holds, as far as is known; of a bucket, how many tokens are gone.
    pub(super) held: u64,
    /// How much of the request falls on it.
    pub(super) part: u64,
    /// Until the tokens are in its bucket that a charge asks for; the largest u64: they never will be.
    pub(super) wait: Duration,
    /// Nobody knows whether this is the counter: the counters gave no answer when the documents were loaded.
    pub(super) unknown: bool,
}

impl<'a> Target<'a> {
    /// A limit by its name, or why it cannot be decided.
    pub(super) fn find(view: &'a View, name: &'a str, tenant: Option<&'a str>) -> Result<Self, Denial<'a>> {
        Self::of(view.limits.get_key_value(name), view, name, tenant)
    }

    /// The same, and where no license that holds names it, the limit of one that ended.
    pub(super) fn find_to_give_back(
        view: &'a View,
        name: &'a str,
        tenant: Option<&'a str>,
    ) -> Result<Self, Denial<'a>> {
        let limit = view.limits.get_key_value(name).or_else(|| view.ended.get_key_value(name));
        Self::of(limit, view, name, tenant)
    }

    fn of(
        limit: Option<(&'a String, &'a LimitView)>,
        view: &'a View,
        name: &'a str,
        tenant: Option<&'a str>,
    ) -> Result<Self, Denial<'a>> {
        let (name, limit) = limit.ok_or_else(|| Denial::unnamed(view, name))?;
        if !undecided(limit).is_empty() {
            return Err(Denial::undecided(limit, name));
        }
        if tenant.is_none() && limit.budgets.iter().any(|budget| budget.per_tenant) {
            return Err(Denial::new(reason::TENANT_REQUIRED, name));
        }
        let slots = slots(name, limit, tenant).ok_or_else(|| Denial::new(reason::REQUEST_INVALID, name))?;
        Ok(Self::new(name, limit, tenant, slots))
    }

    /// A limit with its counters.
    pub(super) fn new(name: &'a str, limit: &'a LimitView, tenant: Option<&'a str>, slots: Vec<Slot<'a>>) -> Self {
        let tenant = tenant.filter(|_| limit.budgets.iter().any(|budget| budget.per_tenant));
        Self { name, limit, tenant, slots }
    }

    /// Over all budgets; none: unlimited.
    pub(super) fn max(&self) -> Option<u64> {
        self.present().try_fold(0_u64, |sum, slot| Some(sum.saturating_add(slot.max?)))
    }

    /// What is used, as far as is known.
    pub(super) fn usage(&self) -> Usage {
        self.share(|_| true).usage(self.tenant, 0)
    }

    /// What is told about it once the sums of the slots that move are known; the others hold what they hold.
    pub(super) fn share(&self, rests: impl Fn(&Slot<'_>) -> bool) -> Share {
        let period = self.present().find_map(|slot| slot.period);
        let (mut base, mut sums) = (0_u64, 0);
        for slot in self.present() {
            base = match slot.held_as {
                _ if rests(slot) => base.saturating_add(slot.held),
                HeldAs::Counter => {
                    sums += 1;
                    base
                }
                HeldAs::Bucket { .. } | HeldAs::Nothing => base.saturating_add(slot.held).saturating_add(slot.part),
            };
        }
        Share {
            limit: self.name.to_string(),
            kind: self.limit.kind.as_str().to_string(),
            per_tenant: self.tenant.is_some(),
            max: self.max(),
            warn: self.limit.warn,
            period: period.map(|period| period.label.clone()),
            resets: period.map(|period| period.until),
            base,
            sums,
        }
    }

    fn present(&self) -> impl Iterator<Item = &Slot<'a>> {
        self.slots.iter().filter(|slot| !slot.past)
    }
}

/// The counters of a limit; without a tenant, of the budgets that are counted for the license as a whole. None: a name would be
/// too long.
pub(super) fn slots<'a>(name: &str, limit: &'a LimitView, tenant: Option<&str>) -> Option<Vec<Slot<'a>>> {
    let mut slots: Vec<Slot<'a>> = Vec::with_capacity(limit.budgets.len());
    for budget in limit.budgets.iter().filter(|budget| tenant.is_some() || !budget.per_tenant) {
        let counter = CounterName {
            limit: name.to_string(),
            tenant: tenant.filter(|_| budget.per_tenant).unwrap_or_default().to_string(),
            account: budget.account.clone(),
            period: budget.period.as_ref().map(|period| period.label.clone()).unwrap_or_default(),
            generation: budget.resets.generation(tenant.filter(|_| budget.per_tenant)),
        };
        let counter = counter.encode()?;
        match slots.iter_mut().find(|slot| slot.counter == counter) {
            Some(slot) => {
                slot.max = slot.max.zip(budget.max).map(|(one, other)| one.saturating_add(other));
                slot.ceiling = slot.ceiling.saturating_add(budget.ceiling);
                slot.refund &= budget.refund;
                slot.slack = slot.slack.min(budget.slack);
            }
            None => slots.push(Slot {
                counter,
                license: &budget.license,
                period: budget.period.as_ref(),
                past: false,
                held_as: budget.held_as,
                max: budget.max,
                ceiling: budget.ceiling,
                refund: budget.refund,
                slack: budget.slack,
                held: 0,
                part: 0,
                wait: 0,
                unknown: budget.resets.unknown,
            }),
        }
    }
    Some(slots)
}

/// Learns what the counters hold, all at one moment. What buckets hold is [`super::rate`]'s to learn.
pub(super) fn read<'a: 's, 's>(
    slots: impl Iterator<Item = &'s mut Slot<'a>>,
    counters: &dyn Counters,
) -> Result<(), String> {
    let slots: Vec<&mut Slot<'a>> = slots.filter(|slot| slot.held_as == HeldAs::Counter).collect();
    let names: Vec<String> = slots.iter().map(|slot| slot.counter.clone()).collect();
    for (slot, held) in slots.into_iter().zip(store::read(counters, &names)?) {
        if slot.unknown {
            return Err(store::unfit());
        }
        slot.held = held;
    }
    Ok(())
}
