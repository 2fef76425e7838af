//! What is repeated as a decision says is what would be decided.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "what helps a test fails like one")]

use std::collections::HashMap;

use placet_rules::counters::{CounterError, Counters, Entry};
use placet_rules::decide::{check, consume, credit, measure};
use placet_rules::license::LimitKind;
use placet_rules::types::{Charge, Context, Decision, Hold};
use placet_rules::view::{Budget, View};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::counters::Memory;
use crate::setting::{OBJECTS, budget, charge, limit, nobody, once, tenant, view};

#[derive(Clone, Debug)]
enum Step {
    Consume(Vec<Charge>, Option<u8>, bool),
    Credit(Charge, Option<u8>),
    Measure(u64, Option<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let some = || (prop_oneof![3 => Just("tokens"), 1 => Just("calls"), 2 => Just("objects")], 0..12_u64);
    let charge = || some().prop_map(|(name, amount)| charge(name, amount));
    let tenant = || option::weighted(0.8, 0..2_u8);
    prop_oneof![
        12 => (charge(), tenant(), prop::bool::weighted(0.1))
            .prop_map(|(charge, tenant, once)| Step::Consume(vec![charge], tenant, once)),
        2 => (vec![charge(), charge()], tenant()).prop_map(|(charges, tenant)| Step::Consume(charges, tenant, false)),
        2 => (charge(), tenant()).prop_map(|(charge, tenant)| Step::Credit(charge, tenant)),
        1 => (0..=20_u64, tenant()).prop_map(|(level, tenant)| Step::Measure(level, tenant)),
    ]
}

/// A budget whose units may be reserved, and which may be exceeded.
fn lax(budget: Budget, slack: u64, beyond: u64) -> Budget {
    Budget { slack, ceiling: budget.max.map_or(u64::MAX, |max| max.saturating_add(beyond)), ..budget }
}

fn setting(max: Option<u64>, slack: u64, beyond: u64, warn: Option<u8>, topup: bool) -> View {
    let mut view = view();
    let mut budgets = vec![lax(budget("lic_1", "lic_1", max), slack, beyond)];
    budgets.extend(topup.then(|| lax(budget("lic_2", "lic_2", Some(7)), slack, beyond)));
    let objects = Budget { per_tenant: true, ..lax(budget("lic_1", "@customer", max), slack, beyond) };
    for (name, kind, budgets) in [("tokens", LimitKind::Quota, budgets), ("objects", LimitKind::Gauge, vec![objects])] {
        view.limits.insert(name.into(), placet_rules::view::LimitView { warn, ..limit(kind, budgets) });
    }
    view
}

/// A host that repeats by itself.
#[derive(Default)]
struct Host {
    memory: Memory,
    held: HashMap<(String, Option<String>), (Decision, Hold, u64)>,
    repeated: usize,
}

impl Host {
    fn consume(&mut self, view: &View, charges: &[Charge], context: &Context) -> Result<Decision, String> {
        let key = (charges[0].limit.clone(), context.tenant.clone());
        let may = charges.len() == 1 && charges[0].amount > 0 && context.once.is_none();
        if let Some((decision, hold, sum)) = self.held.get(&key).filter(|_| may) {
            let [meter] = &*hold.meters else { panic!("a charge has one meter") };
            let ceiling = meter.step.unwrap_or(u64::MAX).min(meter.ceiling);
            let (counter, amount) = (meter.counter.clone(), charges[0].amount);
            match self.memory.add(&[Entry { counter, amount, ceiling, slack: meter.slack }], &[], None) {
                Ok(sums) => {
                    let mut decision = decision.clone();
                    decision.usage[meter.usage.unwrap() as usize].used += sums[0] - sum;
                    self.repeated += 1;
                    return Ok(decision);
                }
                Err(CounterError::Exceeded { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        let mut decision = consume(view, charges, context, &self.memory)?;
        // Only what moves one counter leaves the blocks of the others as they are.
        if !may {
            self.held.clear();
        }
        if let Some(hold) = decision.hold.take() {
            assert!(may && decision.allowed && hold.until == u64::MAX);
            let sum = self.memory.sum(&hold.meters[0].counter);
            self.held.insert(key, (decision.clone(), hold, sum));
        }
        Ok(decision)
    }
}

fn context(tenant: Option<u8>) -> Context {
    Context { tenant: tenant.map(|number| format!("t{number}")), ..Context::default() }
}

fn without_hold(decision: Result<Decision, String>) -> Result<Decision, String> {
    decision.map(|decision| Decision { hold: None, ..decision })
}

proptest! {
    #![proptest_config(crate::random::cases(2_048))]

    #[test]
    fn what_is_repeated_is_what_would_be_decided(
        max in prop_oneof![4 => (0..60_u64).prop_map(Some), 1 => Just(None)],
        slack in prop_oneof![1 => Just(0_u64), 4 => 1..50_u64],
        beyond in prop_oneof![3 => Just(0_u64), 1 => 0..20_u64, 1 => Just(u64::MAX)],
        warn in option::weighted(0.8, 1..=100_u8),
        topup in prop::bool::weighted(0.2),
        steps in vec(step(), 1..60),
    ) {
        let view = setting(max, slack, beyond, warn, topup);
        let (plain, mut host) = (Memory::default(), Host::default());
        for step in steps {
            let (expected, answer) = match &step {
                Step::Consume(charges, tenant, once) => {
                    let context = Context { once: once.then(|| "k".into()), ..context(*tenant) };
                    (consume(&view, charges, &context, &plain), host.consume(&view, charges, &context))
                }
                Step::Credit(charge, tenant) => {
                    host.held.clear();
                    let context = context(*tenant);
                    (credit(&view, charge, &context, &plain), credit(&view, charge, &context, &host.memory))
                }
                Step::Measure(level, tenant) => {
                    host.held.clear();
                    let (charge, context) = (charge("objects", *level), context(*tenant));
                    (measure(&view, &charge, &context, &plain), measure(&view, &charge, &context, &host.memory))
                }
            };
            prop_assert_eq!(answer, without_hold(expected), "{:?}", step);
            prop_assert_eq!(&*plain.held.borrow(), &*host.memory.held.borrow(), "{:?}", step);
        }
    }
}

#[test]
fn most_charges_are_repeated_and_a_warning_is_not_missed() {
    let view = setting(Some(100), 10, 0, Some(80), false);
    let mut host = Host::default();
    let mut warned = Vec::new();
    for number in 1..=101 {
        let answer = host.consume(&view, &[charge("tokens", 1)], &nobody()).unwrap();
        assert_eq!(answer.allowed, number <= 100);
        warned.extend(answer.warnings.iter().map(|_| number));
    }
    assert_eq!((warned, host.repeated), (vec![80], 78));
}

#[test]
fn a_warning_is_set_together_with_the_level_and_held_by_nobody_until_it_is_taken_back() {
    let view = setting(Some(20), 10, 0, Some(80), false);
    let memory = Memory::default();
    measure(&view, &charge("objects", 18), &tenant(), &memory).unwrap();
    let added = memory.added.borrow().iter().map(|entry| (entry.counter.clone(), entry.amount)).collect::<Vec<_>>();
    assert_eq!((added.len(), &*added[1].0, added[1].1), (2, OBJECTS, 0), "what is reserved of the level ends");
    // It was given, and another caller's taking it back has failed.
    memory.put(OBJECTS, 3);
    let hold = || consume(&view, &[charge("objects", 1)], &tenant(), &memory).unwrap().hold;
    assert_eq!(memory.sum(&added[0].0), 1);
    assert_eq!(hold(), None);
    assert_eq!((memory.sum(&added[0].0), hold().is_some()), (0, true));
}

#[test]
fn what_tells_more_than_its_sum_is_not_held() {
    let view = setting(Some(100), 10, 0, None, false);
    let held = |view: &View, charges: &[Charge], context: &Context| {
        consume(view, charges, context, &Memory::default()).unwrap().hold
    };
    let one = [charge("tokens", 1)];
    let hold = held(&view, &one, &nobody()).unwrap();
    assert_eq!((hold.until, hold.meters.len(), hold.meters[0].step), (u64::MAX, 1, None));
    assert_eq!(held(&view, &one, &once("k")), None);
    assert_eq!(held(&view, &[charge("tokens", 1), charge("objects", 1)], &tenant()), None);
    assert_eq!(held(&view, &[charge("cores", 1)], &tenant()), None);
    assert_eq!(held(&view, &[charge("calls", 1)], &nobody()), None, "each unit is durable");
    assert_eq!(held(&view, &[charge("tokens", 0)], &nobody()), None);
    assert_eq!(held(&view, &[charge("tokens", 101)], &nobody()), None, "denied");
    assert_eq!(held(&View { lag: 1..=u64::MAX, ..view.clone() }, &one, &nobody()), None, "the clock was set back");
    let ends = View { until: Some(2_000), ..view.clone() };
    assert_eq!(held(&ends, &one, &nobody()).unwrap().until, 2_000);
    let hold = check(&ends, "sso", &nobody()).hold.unwrap();
    assert_eq!((hold.until, hold.meters), (2_000, Vec::new()));
    assert_eq!(check(&ends, "past", &nobody()).hold, None);
    assert_eq!(check(&View { lag: 0..=999, ..view }, "sso", &nobody()).hold, None);
}
