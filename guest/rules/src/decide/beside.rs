//! The counters beside one, which bear on how far it may rise: the slices of a term, the periods before and after.
//!
//! The store compares one counter with one ceiling. What depends on several is read at one moment; then the charge goes along with
//! **guards**, entries that add nothing and whose ceilings say what was read, so that the store refuses all of it if another caller was
//! quicker.
//!
//! **Terms.** The slices of a window hold the maximum together, so that the present one may rise by what the others leave. Which slice is
//! charged at present, and how often that has changed, stands in `own/term/…`: in the high half the changes, in the low half the
//! slice's number. A charge to that slice leaves it as it is, any other changes it. So a charge is safe that finds it unchanged,
//! and the slice charged until then as well: nothing else can have risen, whatever the clocks of other callers say.
//!
//! **Rollover.** A period may rise beyond its maximum by what the one before has left of its own, and no further than the next one, where
//! the clock has already been, leaves it to. Own units are used first, so that nothing is left twice.

use alloc::string::String;
use alloc::vec::Vec;

use crate::counter_name::{CounterName, own};
use crate::counters::Entry;
use crate::term::Window;
use crate::types::Instant;
use crate::view::{Budget, Within};

/// The names of the policy's own counters that stand in what it charges.
pub(super) const OWN: &str = "own/term/";

/// A counter, and what it holds as far as is known.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) counter: String,
    pub(super) held: u64,
}

/// What is beside a counter.
#[derive(Clone, Debug)]
pub(super) enum Beside<'a> {
    /// Nothing: its ceiling is its own.
    Nothing,
    /// Other slices of one window, as many as it has.
    Term { window: &'a Window, state: Known, others: Vec<Known> },
    /// The periods before and after.
    Rollover {
        /// So many units at most come from the period before, and of so many.
        units: u64,
        of: u64,
        /// So many it may leave to the next.
        own: u64,
        before: Known,
        after: Known,
    },
}

impl<'a> Beside<'a> {
    /// What is beside the counter of a budget. None: a name would be too long.
    pub(super) fn of(budget: &'a Budget, name: &CounterName<'_>) -> Option<Self> {
        let known = |label: &str| {
            let name = CounterName { period: label.into(), ..name.clone() };
            Some(Known { counter: name.encode()?, held: 0 })
        };
        Some(match &budget.within {
            Some(Within::Term(window)) => {
                let parts = ["term", &name.limit, &name.tenant, &name.account, &window.term, &name.generation];
                let mut others = Vec::with_capacity(window.others.len());
                for slice in &window.others {
                    others.push(known(&slice.label)?);
                }
                Self::Term { window, state: Known { counter: own(&parts)?, held: 0 }, others }
            }
            Some(Within::Period { rollover: Some(rollover), .. }) => {
                let own = budget.max.unwrap_or(u64::MAX);
                let of = if rollover.units > 0 { own } else { 0 };
                let (before, after) = (known(&rollover.before)?, known(&rollover.after)?);
                Self::Rollover { units: rollover.units, of, own, before, after }
            }
            _ => Self::Nothing,
        })
    }

    /// One more budget on the same counter.
    pub(super) fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Rollover { units, of, own, .. }, Self::Rollover { units: more, of: of_more, own: own_more, .. }) => {
                *units = units.saturating_add(more);
                *of = of.saturating_add(of_more);
                *own = own.saturating_add(own_more);
            }
            (Self::Nothing, other) => *self = other,
            _ => {}
        }
    }

    /// Each of its counters.
    pub(super) fn known(&mut self) -> Vec<&mut Known> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Term { state, others, .. } => others.iter_mut().chain([state]).collect(),
            Self::Rollover { before, after, .. } => Vec::from([before, after]),
        }
    }

    /// Is it one of its counters?
    pub(super) fn has(&self, counter: &str) -> bool {
        matches!(self, Self::Term { others, .. } if others.iter().any(|other| other.counter == counter))
    }

    /// Used of the same maximum on other counters.
    pub(super) fn elsewhere(&self) -> u64 {
        match self {
            Self::Term { others, .. } => others.iter().fold(0_u64, |sum, other| sum.saturating_add(other.held)),
            _ => 0,
        }
    }

    /// What the period before has left to this one.
    pub(super) fn carried(&self) -> u64 {
        match self {
            Self::Rollover { units, of, before, .. } => of.saturating_sub(before.held).min(*units),
            _ => 0,
        }
    }

    /// What the counter itself may reach, where the whole may reach `ceiling`.
    pub(super) fn ceiling(&self, ceiling: u64) -> u64 {
        if ceiling == u64::MAX {
            return ceiling;
        }
        match self {
            Self::Rollover { own, after, .. } => {
                let reached = ceiling.saturating_add(self.carried());
                match after.held.saturating_sub(ceiling) {
                    0 => reached,
                    taken => reached.min(own.saturating_sub(taken)),
                }
            }
            _ => ceiling.saturating_sub(self.elsewhere()),
        }
    }

    /// What must go along with a charge, so that its ceiling is still right when it counts.
    pub(super) fn guards(&self, ceiling: u64) -> Vec<Entry> {
        let guard =
            |known: &Known, amount, ceiling| Entry { counter: known.counter.clone(), amount, ceiling, slack: 0 };
        match self {
            Self::Nothing => Vec::new(),
            Self::Rollover { of, before, after, .. } => {
                let mut guards = Vec::from([guard(after, 0, ceiling.max(after.held))]);
                if self.carried() > 0 {
                    guards.push(guard(before, 0, of.saturating_sub(self.carried())));
                }
                guards
            }
            Self::Term { window, state, others } => {
                let charged = state.held & SLICE;
                if charged == window.present.number && state.held != 0 {
                    return Vec::from([guard(state, 0, state.held)]);
                }
                let changed = (state.held | SLICE).saturating_add(1).saturating_add(window.present.number);
                let mut guards = Vec::from([guard(state, changed.saturating_sub(state.held), changed)]);
                let before = window.others.iter().zip(others).find(|(slice, _)| slice.number == charged);
                guards.extend(before.map(|(_, known)| guard(known, 0, known.held)));
                guards
            }
        }
    }

    /// When the first of what was used comes back; none: nothing was used. `used`: is it on the counter itself?
    pub(super) fn comes_back(&self, used: bool) -> Option<Instant> {
        let Self::Term { window, others, .. } = self else { return None };
        let used_others = window.others.iter().zip(others).filter(|(_, known)| known.held > 0);
        let slices = used_others.map(|(slice, _)| slice).chain(used.then_some(&window.present));
        slices.map(|slice| window.comes_back(slice)).min()
    }

    /// The counters of the window's slices before the present one, the latest first.
    pub(super) fn earlier(&self) -> Vec<String> {
        let Self::Term { window, others, .. } = self else { return Vec::new() };
        let slices = window.others.iter().zip(others).rev();
        slices
            .filter(|(slice, _)| slice.number < window.present.number)
            .map(|(_, known)| known.counter.clone())
            .collect()
    }
}

/// The half of the state that is a slice's number.
const SLICE: u64 = 0xFFFF_FFFF;
