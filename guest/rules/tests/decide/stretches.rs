//! What holds of terms and rollover whatever the clocks say and whoever gets in between, against models that know only what was
//! allowed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::cell::RefCell;
use std::collections::VecDeque;

use placet_rules::calendar::{Calendar, Every};
use placet_rules::counters::{CounterError, Counters, Draw, Entry, Once, Pools, Portion, Recorded, Supply};
use placet_rules::decide::{consume, credit};
use placet_rules::license::LimitKind;
use placet_rules::term::{SHORTEST, Window};
use placet_rules::types::Instant;
use placet_rules::view::{Budget, Rollover, View, Within};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::counters::Memory;
use crate::setting::{budget, charge, limit, nobody, once, view};

const MAX: u64 = 100;
const MINUTE: Instant = 60_000;
/// 2026-01-01T00:00:00Z.
const BEGIN: Instant = 1_767_225_600_000;

fn with(within: Option<Within>) -> View {
    let mut view = view();
    let budgets = vec![Budget { within, ..budget("lic_1", "@customer", Some(MAX)) }];
    view.limits.insert("tokens".into(), limit(LimitKind::Quota, budgets));
    view
}

/// A quota for any hour, at a moment.
fn term(now: Instant) -> View {
    with(Window::at(SHORTEST, now).map(Within::Term))
}

const ROLLOVER: u64 = 30;

/// A quota for each day, of which some rolls over, so many days after the beginning.
fn day(number: u64) -> View {
    let days = Calendar::new(Every::Day, "UTC").unwrap();
    let at = |day: u64| days.at(BEGIN + day * 24 * 60 * MINUTE).unwrap();
    let number = number + 1;
    let rollover = Rollover { units: ROLLOVER, before: at(number - 1).label, after: at(number + 1).label };
    let (label, until) = (at(number).label, at(number).until);
    let length = std::mem::discriminant(&Every::Month(1));
    with(Some(Within::Period { label, length, until, shown: String::new(), rollover: Some(rollover) }))
}

fn used(memory: &Memory, number: u64) -> u64 {
    let Some(Within::Period { label, .. }) = &day(number).limits["tokens"].budgets[0].within else { panic!("a day") };
    memory.sum(&format!("use/tokens//%40customer/{label}/"))
}

/// Another caller, who sees the time as it is to him.
struct Rival {
    view: View,
    amount: u64,
}

/// Counters between whose reading and adding other callers are served.
struct Contended<'a> {
    memory: &'a Memory,
    rivals: RefCell<VecDeque<Rival>>,
    /// Who of them was allowed what.
    allowed: RefCell<Vec<(View, u64)>>,
}

impl Contended<'_> {
    fn serve_rival(&self) {
        let Some(Rival { view, amount }) = self.rivals.borrow_mut().pop_front() else { return };
        if consume(&view, &[charge("tokens", amount)], &nobody(), self.memory).unwrap().allowed {
            self.allowed.borrow_mut().push((view, amount));
        }
    }
}

impl Counters for Contended<'_> {
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        self.memory.read(counters)
    }
    fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        self.serve_rival();
        self.memory.add(entries, draws, once)
    }
    fn subtract(&self, portions: &[Portion], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        self.serve_rival();
        self.memory.subtract(portions, once)
    }
    fn recall(&self, key: &str) -> Result<Option<Recorded>, CounterError> {
        self.memory.recall(key)
    }
    fn level(&self, bucket: &Draw) -> Supply {
        self.memory.level(bucket)
    }
    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.memory.set(counter, value)
    }
    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.memory.raise(counter, value)
    }
    fn pools(&self) -> &dyn Pools {
        self.memory.pools()
    }
}

/// The most that any stretch of the term has, of what was allowed when.
fn fullest(ledger: &[(Instant, u64)]) -> u64 {
    let within = |end: Instant| ledger.iter().filter(move |(at, _)| *at <= end && at + SHORTEST > end);
    ledger.iter().map(|(end, _)| within(*end).map(|(_, amount)| amount).sum()).max().unwrap_or(0)
}

/// A time within four hours, in thirds of a slice; mostly one of a few, where callers meet.
fn time() -> impl Strategy<Value = Instant> {
    prop_oneof![0..360_u64, (0..5_u64).prop_map(|few| few * 3), (0..5_u64).prop_map(|few| few * 47)]
        .prop_map(|third| BEGIN + third * 40_000)
}

proptest! {
    #![proptest_config(crate::random::cases(256))]

    #[test]
    fn no_stretch_of_a_term_has_more_than_the_maximum(
        steps in vec((time(), 1..60_u64, vec((time(), 1..60_u64), 0..3)), 1..25),
    ) {
        let memory = Memory::default();
        let mut ledger = Vec::new();
        for (now, amount, rivals) in steps {
            let times: Vec<Instant> = rivals.iter().map(|(now, _)| *now).collect();
            let rivals = rivals.iter().map(|(now, amount)| Rival { view: term(*now), amount: *amount }).collect();
            let counters = Contended { memory: &memory, rivals: RefCell::new(rivals), allowed: RefCell::default() };
            let answer = consume(&term(now), &[charge("tokens", amount)], &nobody(), &counters).unwrap();
            let near = |(at, _): &&(Instant, u64)| at.abs_diff(now) < SHORTEST + 4 * MINUTE;
            let known: u64 = ledger.iter().filter(near).map(|(_, amount)| amount).sum();
            if times.is_empty() {
                prop_assert!(answer.allowed || known + amount > MAX, "{known} and {amount} are denied");
            }
            if answer.allowed {
                ledger.push((now, amount));
            }
            for (view, amount) in counters.allowed.into_inner() {
                let at = times.iter().find(|at| term(**at).limits == view.limits).unwrap();
                ledger.push((*at, amount));
            }
            prop_assert!(fullest(&ledger) <= MAX, "{} in one stretch: {ledger:?}", fullest(&ledger));
        }
    }

    #[test]
    fn a_term_that_was_given_back_has_no_more_than_the_maximum(
        steps in vec((time(), 1..60_u64, option::of(0..5_u8), any::<bool>()), 1..30),
    ) {
        let memory = Memory::default();
        let mut ledger: Vec<(Instant, u64, Option<u8>)> = Vec::new();
        for (now, amount, key, back) in steps {
            let context = key.map_or_else(nobody, |key| once(&key.to_string()));
            if back && key.is_some() {
                // What a key gives back is of the time at which it was charged.
                let is_new = !memory.kept.borrow().contains_key(&format!("credit//{}", key.unwrap()));
                let answer = credit(&term(now), &charge("tokens", amount), &context, &memory).unwrap();
                if let (true, Some(charged)) = (answer.allowed && is_new, ledger.iter_mut().find(|(_, _, of)| *of == key)) {
                    prop_assert!(amount <= charged.1, "no more than was charged");
                    charged.1 -= amount;
                } else {
                    prop_assume!(!(answer.allowed && is_new));
                }
            } else {
                let is_new = key.is_none_or(|key| !memory.kept.borrow().contains_key(&format!("consume//{key}")));
                let answer = consume(&term(now), &[charge("tokens", amount)], &context, &memory).unwrap();
                if answer.allowed && is_new {
                    ledger.push((now, amount, key));
                }
            }
            let sums: Vec<(Instant, u64)> = ledger.iter().map(|(at, amount, _)| (*at, *amount)).collect();
            prop_assert!(fullest(&sums) <= MAX, "{ledger:?}");
        }
    }

    #[test]
    fn what_rolls_over_is_used_once(
        steps in vec((1..6_u64, 1..80_u64, option::of((1..6_u64, 1..80_u64)), 0..5_u8), 1..40),
    ) {
        let memory = Memory::default();
        for (number, amount, rival, kind) in steps {
            let before: Vec<u64> = (0..8).map(|number| used(&memory, number)).collect();
            let alone = rival.is_none();
            let rivals = rival.map(|(number, amount)| Rival { view: day(number), amount }).into_iter().collect();
            let counters = Contended { memory: &memory, rivals: RefCell::new(rivals), allowed: RefCell::default() };
            if kind == 0 {
                drop(credit(&day(number), &charge("tokens", amount), &nobody(), &counters).unwrap());
            } else {
                let answer = consume(&day(number), &[charge("tokens", amount)], &nobody(), &counters).unwrap();
                let mut after = before.clone();
                after[usize::try_from(number).unwrap()] += amount;
                prop_assert!(!alone || answer.allowed == fits(&after), "{before:?} and {amount} on {number}");
            }
            let after: Vec<u64> = (0..8).map(|number| used(&memory, number)).collect();
            prop_assert!(fits(&after), "{before:?} became {after:?}");
        }
    }
}

/// Each day has its maximum, and what the day before has left of its own.
fn fits(used: &[u64]) -> bool {
    used.windows(2).all(|days| days[1] <= MAX + MAX.saturating_sub(days[0]).min(ROLLOVER))
}
