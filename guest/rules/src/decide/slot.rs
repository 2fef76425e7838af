//! One counter of a limit, and how far it may rise.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::beside::Beside;
use crate::counter_name::{CounterName, own};
use crate::counters::{Entry, Own};
use crate::types::{Duration, Instant};
use crate::view::{Budget, HeldAs, LimitView, Within};

/// One counter of a limit. Budgets of one account share it, and then add up.
#[derive(Clone, Debug)]
pub(super) struct Slot<'a> {
    pub(super) counter: String,
    pub(super) license: &'a str,
    pub(super) role: Role,
    pub(super) refund: bool,
    /// Of add-ons and top-ups alone.
    pub(super) extra: bool,
    pub(super) held_as: HeldAs,
    /// What it holds, as far as is known; of a bucket, how many tokens are gone.
    pub(super) held: u64,
    /// How much of the request falls on it.
    pub(super) part: u64,
    /// Of a pool, the place that whoever asks has in it; `held` is what all others hold.
    pub(super) own: Option<Own>,
    /// Until the tokens are in its bucket that a charge asks for; the largest u64: they never will be.
    pub(super) wait: Duration,
    /// Nobody knows whether this is the counter: the counters gave no answer when the documents were loaded.
    pub(super) unknown: bool,
    name: CounterName<'a>,
    within: Option<&'a Within>,
    pub(super) beside: Beside<'a>,
    /// None: unlimited.
    max: Option<u64>,
    /// What the sum may reach.
    ceiling: u64,
    slack: u64,
}

/// What a slot is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Charges go here.
    Present,
    /// Another slice of the same window: only to give back to.
    Slice,
    /// Of a period that is over: only to give back to, and no part of what is told.
    Past,
}

/// The counters of a limit; without a tenant, of the budgets that are counted for the license as a whole. None: a name would be
/// too long.
pub(super) fn slots<'a>(name: &'a str, limit: &'a LimitView, tenant: Option<&'a str>) -> Option<Vec<Slot<'a>>> {
    let mut slots: Vec<Slot<'a>> = Vec::with_capacity(limit.budgets.len());
    for budget in limit.budgets.iter().filter(|budget| tenant.is_some() || !budget.per_tenant) {
        let slot = Slot::new(name, budget, tenant)?;
        match slots.iter_mut().find(|other| other.counter == slot.counter) {
            Some(other) => other.join(slot),
            None => slots.push(slot),
        }
    }
    Some(slots)
}

impl<'a> Slot<'a> {
    fn new(limit: &'a str, budget: &'a Budget, tenant: Option<&'a str>) -> Option<Self> {
        let name = CounterName {
            limit: limit.into(),
            tenant: tenant.filter(|_| budget.per_tenant).unwrap_or_default().into(),
            account: (&*budget.account).into(),
            period: budget.within.as_ref().map_or("", Within::label).into(),
            generation: budget.resets.generation(tenant.filter(|_| budget.per_tenant)).into(),
        };
        Some(Self {
            counter: name.encode()?,
            license: &budget.license,
            role: Role::Present,
            refund: budget.refund,
            extra: budget.extra,
            held_as: budget.held_as,
            held: 0,
            part: 0,
            own: None,
            wait: 0,
            unknown: budget.resets.unknown,
            within: budget.within.as_ref(),
            beside: Beside::of(budget, &name)?,
            name,
            max: budget.max,
            ceiling: budget.ceiling,
            slack: budget.slack,
        })
    }

    /// One more budget on the same counter.
    fn join(&mut self, other: Self) {
        self.max = self.max.zip(other.max).map(|(one, other)| one.saturating_add(other));
        self.ceiling = self.ceiling.saturating_add(other.ceiling);
        self.refund &= other.refund;
        self.extra &= other.extra;
        self.slack = self.slack.min(other.slack);
        if let (HeldAs::Pool { ttl }, HeldAs::Pool { ttl: other }) = (&mut self.held_as, other.held_as) {
            *ttl = [*ttl, other].into_iter().flatten().min();
        }
        self.beside.join(other.beside);
    }

    /// So much is granted, with what the period before has left; none: unlimited.
    pub(super) fn max(&self) -> Option<u64> {
        self.max.map(|max| max.saturating_add(self.beside.carried()))
    }

    /// What the counter may reach; the largest u64: no end.
    pub(super) fn ceiling(&self) -> u64 {
        self.beside.ceiling(self.ceiling)
    }

    /// What the counter may reach before it goes beyond what is granted.
    pub(super) fn granted(&self) -> u64 {
        self.max().map_or(u64::MAX, |max| max.saturating_sub(self.beside.elsewhere())).min(self.ceiling())
    }

    /// Used of what is granted, but for what a counter that does not `rest` will hold.
    pub(super) fn base(&self, rests: bool) -> u64 {
        let held = match self.held_as {
            _ if rests => self.held.saturating_add(self.own.map_or(0, |own| own.weight)),
            HeldAs::Counter => 0,
            HeldAs::Bucket { .. } | HeldAs::Pool { .. } | HeldAs::Nothing => self.held.saturating_add(self.part),
        };
        self.beside.elsewhere().saturating_add(held)
    }

    /// The charge of its part.
    pub(super) fn entry(&self) -> Entry {
        // A ceiling that moves with other counters is compared with what is durable.
        let slack = if matches!(self.beside, Beside::Nothing) { self.slack } else { 0 };
        Entry { counter: self.counter.clone(), amount: self.part, ceiling: self.ceiling(), slack }
    }

    /// What must go along with the charge.
    pub(super) fn guards(&self) -> Vec<Entry> {
        if self.ceiling == u64::MAX { Vec::new() } else { self.beside.guards(self.ceiling) }
    }

    /// Used of what is granted, with its part of the request.
    pub(super) fn used(&self) -> u64 {
        match self.held_as {
            HeldAs::Counter => self.base(true).saturating_add(self.part),
            HeldAs::Bucket { .. } | HeldAs::Pool { .. } | HeldAs::Nothing => self.base(self.part == 0),
        }
    }

    /// The label of the period as it is told, and when the next begins; of a term its length, and when the first of what was used comes
    /// back. None: it is for as long as the license.
    pub(super) fn period(&self) -> Option<(&'a str, Option<Instant>)> {
        match self.within? {
            Within::Period { label, until, .. } => Some((label, Some(*until))),
            Within::Term(window) => {
                let used = self.held.saturating_add(self.part) > 0;
                Some((&window.term, self.beside.comes_back(used)))
            }
        }
    }

    /// When the next period begins, as clocks in its zone show it; none: it is for no period of the calendar.
    pub(super) fn shown_reset(&self) -> Option<&'a str> {
        match self.within? {
            Within::Period { shown, .. } => Some(shown),
            Within::Term(_) => None,
        }
    }

    /// The counter that remembers whether it was said that most of this is used. None: there is none for a bucket, nor where its name would
    /// be too long.
    pub(super) fn alert(&self) -> Option<String> {
        let CounterName { limit, tenant, account, generation, .. } = &self.name;
        let period = self.period().map_or("", |(label, _)| label);
        let name = || own(&["warned", limit, tenant, account, period, generation]);
        matches!(self.held_as, HeldAs::Counter | HeldAs::Pool { .. }).then(name).flatten()
    }

    /// The other counters of the present window, the latest first.
    pub(super) fn earlier(&self) -> Vec<Self> {
        let slices = self.beside.earlier().into_iter();
        slices.map(|counter| self.another(counter, Role::Slice)).collect()
    }

    /// The same of another stretch of time. None: this is no counter of it.
    pub(super) fn of(&self, counter: &str, name: &CounterName<'_>) -> Option<Self> {
        let is_its =
            self.within.is_some() && CounterName { period: (&*name.period).into(), ..self.name.clone() } == *name;
        let role = if self.beside.has(counter) { Role::Slice } else { Role::Past };
        is_its.then(|| self.another(counter.to_string(), role))
    }

    fn another(&self, counter: String, role: Role) -> Self {
        Self { counter, role, beside: Beside::Nothing, ..self.clone() }
    }
}
