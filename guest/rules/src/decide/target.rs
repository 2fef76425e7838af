//! The counters that a limit is counted on.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::alert;
use super::answer::Denial;
use super::beside::Known;
use super::record::Share;
use super::slot::{Role, Slot, slots};
use super::store;
use crate::counters::Counters;
use crate::reason;
use crate::types::Usage;
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
    /// Was it said that most of it is used? None: that is said in each decision.
    pub(super) alert: Option<Known>,
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
        if !limit.undecided.is_empty() {
            return Err(Denial::undecided(limit, name));
        }
        if tenant.is_none() && limit.budgets.iter().any(|budget| budget.per_tenant) {
            return Err(Denial::new(reason::TENANT_REQUIRED, name));
        }
        let slots = slots(name, limit, tenant)
            .ok_or_else(|| Denial::invalid(if tenant.is_some() { "tenant" } else { "limit" }, name))?;
        Ok(Self::new(name, limit, tenant, slots))
    }

    /// A limit with its counters.
    pub(super) fn new(name: &'a str, limit: &'a LimitView, tenant: Option<&'a str>, slots: Vec<Slot<'a>>) -> Self {
        let tenant = tenant.filter(|_| limit.budgets.iter().any(|budget| budget.per_tenant));
        // By what lasts: a top-up that ends must not make the warning a new one.
        let lasting = || slots.iter().rev().find(|slot| !slot.extra).or(slots.last());
        let alert = alert::unread(limit.warn.and_then(|_| lasting()?.alert()));
        Self { name, limit, tenant, slots, alert }
    }

    /// Over all budgets; none: unlimited.
    pub(super) fn max(&self) -> Option<u64> {
        self.present().try_fold(0_u64, |sum, slot| Some(sum.saturating_add(slot.max()?)))
    }

    /// What is used, as far as is known.
    pub(super) fn usage(&self) -> Usage {
        self.share(|_| true).usage(self.tenant, 0)
    }

    /// What will be used of it, with the parts of the request that fall on it.
    pub(super) fn used(&self) -> u64 {
        self.present().fold(0_u64, |sum, slot| sum.saturating_add(slot.used()))
    }

    /// What is told about it once the sums of the slots that move are known; the others hold what they hold.
    pub(super) fn share(&self, rests: impl Fn(&Slot<'_>) -> bool) -> Share {
        let period = self.present().find_map(Slot::period);
        let (mut base, mut sums) = (0_u64, 0);
        for slot in self.present() {
            let rests = rests(slot);
            base = base.saturating_add(slot.base(rests));
            if !rests && slot.held_as == HeldAs::Counter {
                sums += 1;
            }
        }
        Share {
            limit: self.name.to_string(),
            kind: self.limit.kind.as_str().to_string(),
            per_tenant: self.tenant.is_some(),
            max: self.max(),
            warns: false,
            period: period.map(|(label, _)| label.to_string()),
            resets: period.and_then(|(_, resets)| resets),
            base,
            sums,
        }
    }

    fn present(&self) -> impl Iterator<Item = &Slot<'a>> {
        self.slots.iter().filter(|slot| slot.role == Role::Present)
    }
}

/// Learns what the counters hold, all at one moment. What buckets hold is [`super::rate`]'s to learn.
pub(super) fn read<'a: 't, 't>(
    targets: impl Iterator<Item = &'t mut Target<'a>>,
    counters: &dyn Counters,
) -> Result<(), String> {
    let mut names: Vec<String> = Vec::new();
    let mut known: Vec<&mut u64> = Vec::new();
    let mut is_unknown = false;
    for Target { slots, alert, .. } in targets {
        for slot in slots.iter_mut().filter(|slot| slot.held_as == HeldAs::Counter) {
            is_unknown |= slot.unknown;
            names.push(slot.counter.clone());
            known.push(&mut slot.held);
            for beside in slot.beside.known() {
                names.push(beside.counter.clone());
                known.push(&mut beside.held);
            }
        }
        if let Some(alert) = alert {
            names.push(alert.counter.clone());
            known.push(&mut alert.held);
        }
    }
    for (known, held) in known.into_iter().zip(store::read(counters, &names)?) {
        *known = held;
    }
    if is_unknown { Err(store::unfit()) } else { Ok(()) }
}
