//! Many callers at once, and any order of calls and restarts: never over the ceiling, nothing lost that was acknowledged.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use placet::{Decision, Placet};
use placet_tests::rig::{Site, claims};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

#[test]
fn sixty_four_threads_that_race_at_a_limit_get_exactly_its_units() {
    let rounds = if std::env::var_os("PLACET_LONG").is_some() { 1_000 } else { 100 };
    for round in 0..rounds {
        race_at_a_limit(1_500 + round, [0, 100][round as usize % 2]);
    }
}

fn race_at_a_limit(limit: u64, slack: u64) {
    const THREADS: usize = 64;
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"] = json!({"tokens": {"kind": "quota", "max": limit, "slack": slack}});
    site.license(&license);
    let placet = site.open();
    let (granted, denied) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (placet, start, granted, denied) = (placet.clone(), &start, &granted, &denied);
            scope.spawn(move || {
                start.wait();
                // Uneven amounts first, so that they do not divide the limit; then single units to its end.
                for amount in [1 + thread % 7, 3].into_iter().cycle() {
                    let decision = placet.consume("tokens", amount).decide().expect("a decision");
                    if decision.allowed {
                        granted.fetch_add(amount, Ordering::Relaxed);
                        continue;
                    }
                    assert_eq!(decision.reason, "limit-exceeded");
                    break;
                }
                while placet.consume("tokens", 1).decide().expect("a decision").allowed {
                    granted.fetch_add(1, Ordering::Relaxed);
                }
                denied.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!((granted.into_inner(), denied.into_inner()), (limit, THREADS as u64), "slack {slack}");
    assert_eq!(used(&placet, "tokens"), limit);
    drop(placet);
    assert_eq!(used(&site.open(), "tokens"), limit);
}

#[test]
fn sixty_four_threads_that_want_a_seat_get_as_many_as_there_are_and_keep_them() {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"] = json!({"cores": {"kind": "seats", "max": 20}, "tenants": {"kind": "seats", "max": 10}});
    site.license(&license);
    let placet = site.open();
    let start = Barrier::new(64);
    let (cores, tenants) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..64_u64 {
            let (placet, start, cores, tenants) = (placet.clone(), &start, &cores, &tenants);
            scope.spawn(move || {
                start.wait();
                let name = format!("h{:02}", thread / 2);
                let weight = 1 + thread / 2 % 3;
                if placet.claim("cores", &name).weight(weight).decide().expect("a decision").allowed && thread % 2 == 0
                {
                    cores.fetch_add(weight, Ordering::Relaxed);
                }
                if placet.consume("tenants", 1).tenant(&name).decide().expect("a decision").allowed && thread % 2 == 0 {
                    tenants.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let held = |placet: &Placet, limit| -> u64 {
        placet.holders(limit, None).expect("holders").iter().map(|holder| holder.weight).sum()
    };
    // Of two threads of one name the first takes the seats and the other renews them, so that both are allowed.
    assert!((18..=20).contains(&held(&placet, "cores")), "what is left is too little for two");
    assert_eq!(held(&placet, "tenants"), 10);
    assert_eq!((held(&placet, "cores"), 10), (used(&placet, "cores"), used(&placet, "tenants")));
    assert!(cores.into_inner() <= held(&placet, "cores") && tenants.into_inner() <= 10);
    let before = placet.holders("cores", None);
    drop(placet);
    let placet = site.open();
    assert_eq!(placet.holders("cores", None), before, "seats survive a restart");
    let first = before.expect("holders").remove(0).name;
    assert!(placet.release("cores", &first).decide().expect("a decision").allowed);
    assert!(placet.claim("cores", "late").decide().expect("a decision").allowed);
}

#[test]
fn threads_that_retry_under_one_key_count_once() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let start = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                for key in 0..20 {
                    let decision = placet.consume("tokens", 5).once(format!("key-{key}")).decide().expect("a decision");
                    assert!(decision.allowed, "{decision:#?}");
                }
            });
        }
    });
    assert_eq!(used(&placet, "tokens"), 100);
}

/// What callers do.
#[derive(Clone, Debug)]
enum Step {
    Consume { amount: u64, key: Option<u8> },
    Credit { amount: u64, key: Option<u8> },
    Rise { amount: u64 },
    Fall { amount: u64 },
    Both { tokens: u64, objects: u64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop::option::weighted(0.4, 0..4_u8);
    prop_oneof![
        6 => (0..40_u64, key()).prop_map(|(amount, key)| Step::Consume { amount, key }),
        3 => (0..40_u64, key()).prop_map(|(amount, key)| Step::Credit { amount, key }),
        2 => (0..5_u64).prop_map(|amount| Step::Rise { amount }),
        2 => (0..5_u64).prop_map(|amount| Step::Fall { amount }),
        2 => (0..40_u64, 0..5_u64).prop_map(|(tokens, objects)| Step::Both { tokens, objects }),
        1 => Just(Step::Restart),
    ]
}

/// What was acknowledged, and what each key did.
#[derive(Default)]
struct Model {
    tokens: u64,
    objects: u64,
    consumed: BTreeMap<u8, u64>,
    credited: BTreeMap<u8, u64>,
}

const TOKENS: u64 = 150;
const OBJECTS: u64 = 8;

/// The budget is of two licenses, so that charges are split; the smaller one ends first.
#[test]
fn no_sequence_of_calls_retries_and_restarts_passes_a_ceiling_or_loses_a_unit() {
    let cases = if std::env::var_os("PLACET_LONG").is_some() { 400 } else { 64 };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let sequences = prop::collection::vec(step(), 1..30);
    runner.run(&sequences, |steps| run(&steps)).expect("every sequence is answered as the model says");
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let site = Site::known();
    for (file, id, max, end) in
        [("a.json", "lic_a", 40_u64, 4_102_444_700_u64), ("b.json", "lic_b", 110, 4_102_444_800)]
    {
        let mut license = claims(id);
        license["exp"] = json!(end);
        license["limits"] = json!({"tokens": {"kind": "quota", "max": max, "refund": true}, "objects": {"kind": "gauge", "max": OBJECTS}});
        site.put(&format!("licenses/{file}"), site.vendor.license(&license));
    }
    let open = || site.builder().licenses(site.path("licenses")).open().expect("opens");
    let mut placet = open();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Restart => {
                drop(placet);
                placet = open();
            }
            step => model.apply(step, &placet)?,
        }
        prop_assert!(model.tokens <= TOKENS && model.objects <= OBJECTS);
        prop_assert_eq!(
            (used(&placet, "tokens"), used(&placet, "objects")),
            (model.tokens, model.objects),
            "{:?}",
            step
        );
    }
    drop(placet);
    let placet = open();
    prop_assert_eq!((used(&placet, "tokens"), used(&placet, "objects")), (model.tokens, model.objects), "in the end");
    Ok(())
}

impl Model {
    fn apply(&mut self, step: &Step, placet: &Placet) -> Result<(), TestCaseError> {
        match *step {
            Step::Consume { amount, key } => {
                let request = placet.consume("tokens", amount);
                let decision = match key {
                    Some(key) => request.once(format!("key-{key}")),
                    None => request,
                }
                .decide()
                .expect("a decision");
                let before = key.and_then(|key| self.consumed.get(&key).copied());
                let expected = match before {
                    Some(before) if before == amount => "granted",
                    Some(_) => "once-mismatch",
                    None if self.tokens + amount > TOKENS => "limit-exceeded",
                    None => "granted",
                };
                prop_assert_eq!(&*decision.reason, expected, "{:?}", step);
                if decision.allowed && before.is_none() {
                    self.tokens += amount;
                    key.map(|key| self.consumed.insert(key, amount));
                }
            }
            Step::Credit { amount, key } => {
                let request = placet.credit("tokens", amount);
                let decision = match key {
                    Some(key) => request.once(format!("key-{key}")),
                    None => request,
                }
                .decide()
                .expect("a decision");
                let before = key.and_then(|key| self.credited.get(&key).copied());
                // Under a key no more than was counted there; of that, others may have given back a part.
                let at_most = key.and_then(|key| self.consumed.get(&key).copied()).unwrap_or(u64::MAX).min(self.tokens);
                match before {
                    Some(before) => {
                        prop_assert_eq!(&*decision.reason, if before == amount { "granted" } else { "once-mismatch" });
                    }
                    None if amount > at_most => prop_assert_eq!(&*decision.reason, "credit-exceeded", "{:?}", step),
                    None => prop_assert!(decision.allowed || decision.reason == "credit-exceeded", "{:?}", decision),
                }
                if decision.allowed && before.is_none() {
                    self.tokens -= amount;
                    key.map(|key| self.credited.insert(key, amount));
                }
            }
            Step::Rise { amount } => {
                let decision = placet.consume("objects", amount).decide().expect("a decision");
                prop_assert_eq!(decision.allowed, self.objects + amount <= OBJECTS);
                self.objects += if decision.allowed { amount } else { 0 };
            }
            Step::Fall { amount } => {
                let decision = placet.credit("objects", amount).decide().expect("a decision");
                prop_assert_eq!(decision.allowed, amount <= self.objects);
                self.objects -= if decision.allowed { amount } else { 0 };
            }
            Step::Both { tokens, objects } => {
                let decision: Decision =
                    placet.consume("tokens", tokens).and("objects", objects).decide().expect("a decision");
                let fits = self.tokens + tokens <= TOKENS && self.objects + objects <= OBJECTS;
                prop_assert_eq!(decision.allowed, fits);
                if fits {
                    self.tokens += tokens;
                    self.objects += objects;
                }
            }
            Step::Restart => {}
        }
        Ok(())
    }
}

fn used(placet: &Placet, limit: &str) -> u64 {
    let usage = placet.usage(None).expect("the usage");
    usage.into_iter().find(|usage| usage.limit == limit).expect("the limit").used
}
