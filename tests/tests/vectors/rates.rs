//! Rates at random: draws, times, restarts and other callers who get in between, against what a rate promises.

use std::cell::RefCell;
use std::collections::VecDeque;

use placet_rules::counters::{CounterError, Counters, Draw, Entry, Once, Pools, Portion, Recorded, Supply};
use placet_rules::decide::{consume, preview, report};
use placet_rules::policy::{Config, Policy};
use placet_rules::types::{Charge, Context, Decision, Time, Usage};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::case::{Case, Step};
use crate::world::World;

/// 2026-06-01T00:00:00Z
const BEGIN: u64 = 1_780_272_000_000;
/// What the quota beside the rates lets pass in all.
const QUOTA: u64 = 200;

/// `max`, `every` in milliseconds, `burst`.
type Rate = (u64, u64, u64);

#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    Restart,
    /// So much of two rates and of a quota; and what others draw of the first rate before each of its attempts.
    Consume([u64; 3], Vec<u64>),
}

/// Licenses, and the host that lends its counters.
struct Setting {
    world: World,
    policy: Policy,
    rates: [Rate; 2],
    /// What others are about to draw, and when what was drawn of the first rate.
    rivals: RefCell<VecDeque<u64>>,
    drawn: RefCell<Vec<(u64, u64)>>,
}

impl Setting {
    fn new(rates: [Rate; 2]) -> Self {
        let rate = |(max, every, burst): Rate| json!({"kind": "rate", "max": max, "every": format!("{every}ms"), "burst": burst});
        let limits = json!({"a": rate(rates[0]), "b": rate(rates[1]), "tokens": {"kind": "quota", "max": QUOTA}});
        let case =
            json!({"name": "rates", "now": BEGIN, "documents": {"a": {"claims": {"limits": limits}}}, "steps": []});
        let world = World::new(&serde_json::from_value::<Case>(case).expect("a case"));
        let World { manifest, deployment, secrets, .. } = &world;
        let policy = Policy::load(Config { manifest, deployment, secrets }, &world, &world, world.time.get());
        Self { world, policy, rates, rivals: RefCell::default(), drawn: RefCell::default() }
    }

    fn now(&self) -> u64 {
        self.world.time.get().now
    }

    fn at(&self, now: u64) {
        self.world.time.set(Time { now, wall: now });
    }

    fn restart(&mut self) {
        let step: Step = serde_json::from_value(json!({"do": "restart"})).expect("a step");
        self.world.change(&step);
    }

    fn consume(&self, amounts: [u64; 3]) -> Decision {
        let view = self.policy.view(self.world.time.get());
        consume(&view, &charges(amounts), &Context::default(), self).expect("answers")
    }

    fn preview(&self, amounts: [u64; 3]) -> Decision {
        let view = self.policy.view(self.world.time.get());
        preview(&view, &charges(amounts), &Context::default(), &self.world).expect("answers")
    }

    /// Of all limits, by name.
    fn usage(&self) -> Vec<Usage> {
        report(&self.policy.view(self.world.time.get()), None, &self.world).expect("answers")
    }

    fn log(&self, tokens: u64) {
        self.drawn.borrow_mut().push((self.now(), tokens));
    }
}

fn charges(amounts: [u64; 3]) -> Vec<Charge> {
    let named = ["a", "b", "tokens"].into_iter().zip(amounts).filter(|(_, amount)| *amount > 0);
    let charges: Vec<_> = named.map(|(limit, amount)| Charge { limit: limit.to_owned(), amount }).collect();
    if charges.is_empty() { vec![Charge { limit: "a".to_owned(), amount: 0 }] } else { charges }
}

/// The world, in which others are quicker.
impl Counters for Setting {
    fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        let of_first = draws.iter().find(|draw| draw.counter.starts_with("use/a/"));
        if let (Some(draw), Some(tokens)) = (of_first, self.rivals.borrow_mut().pop_front())
            && self.world.add(&[], &[Draw { tokens, ..draw.clone() }], None).is_ok()
        {
            self.log(tokens);
        }
        let sums = self.world.add(entries, draws, once)?;
        self.log(of_first.map_or(0, |draw| draw.tokens));
        Ok(sums)
    }

    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        Counters::read(&self.world, counters)
    }

    fn subtract(&self, portions: &[Portion], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        self.world.subtract(portions, once)
    }

    fn recall(&self, key: &str) -> Result<Option<Recorded>, CounterError> {
        self.world.recall(key)
    }

    fn level(&self, draw: &Draw) -> Supply {
        self.world.level(draw)
    }

    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.world.set(counter, value)
    }

    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.world.raise(counter, value)
    }

    fn pools(&self) -> &dyn Pools {
        self.world.pools()
    }
}

fn rate() -> impl Strategy<Value = Rate> {
    (0..40_u64, 1..2_000_u64, 0..60_u64)
}

fn act() -> impl Strategy<Value = Act> {
    let amounts = (0..30_u64, prop_oneof![Just(0), 0..30_u64], prop_oneof![Just(0), 0..20_u64]);
    prop_oneof![
        3 => (0..3_000_u64).prop_map(Act::Wait),
        1 => Just(Act::Restart),
        6 => (amounts, vec(0..20_u64, 0..3)).prop_map(|((a, b, tokens), rivals)| Act::Consume([a, b, tokens], rivals)),
    ]
}

proptest! {
    #[test]
    fn a_rate_keeps_what_it_promises(rates in [rate(), rate()], acts in vec(act(), 1..40)) {
        let mut setting = Setting::new(rates);
        for act in acts {
            match act {
                Act::Wait(time) => setting.at(setting.now() + time),
                Act::Restart => setting.restart(),
                Act::Consume(amounts, rivals) => {
                    let raced = amounts[0] > 0 && !rivals.is_empty();
                    *setting.rivals.borrow_mut() = rivals.into();
                    let before = setting.usage();
                    let told = setting.preview(amounts);
                    prop_assert_eq!(&setting.usage(), &before, "a preview takes nothing");
                    let answer = setting.consume(amounts);
                    setting.rivals.borrow_mut().clear();
                    if !raced {
                        prop_assert_eq!(&told, &answer, "preview says what consume answers");
                        let fits = (0..3).all(|limit| amounts[limit] == 0 || amounts[limit] + before[limit].used <= before[limit].max.unwrap());
                        prop_assert_eq!(answer.allowed, fits, "allowed just where it fits");
                        let taken: Vec<u64> = setting.usage().iter().zip(&before).map(|(now, before)| now.used - before.used).collect();
                        prop_assert_eq!(taken, if fits { amounts } else { [0; 3] }, "all or none");
                    }
                    if !answer.allowed {
                        check_retry(&setting, amounts, &answer)?;
                    }
                }
            }
        }
        check_windows(&setting)?;
    }
}

/// What is refused passes just when it was told to, and not a millisecond earlier; or never.
fn check_retry(setting: &Setting, amounts: [u64; 3], answer: &Decision) -> Result<(), TestCaseError> {
    let now = setting.now();
    match (&*answer.reason, answer.retry) {
        ("rate-exceeded", Some(retry)) => {
            setting.at(now + retry);
            prop_assert!(setting.preview(amounts).allowed, "it passes after {retry} ms");
            setting.at(now + retry - 1);
            prop_assert_eq!(setting.preview(amounts).retry, Some(1), "and not before");
            setting.at(now);
        }
        ("burst-exceeded", None) => {
            let never = |limit: usize| amounts[limit] > setting.rates[limit].2 || setting.rates[limit].0 == 0;
            prop_assert!((0..2).any(|limit| amounts[limit] > 0 && never(limit)));
        }
        ("limit-exceeded", None) => prop_assert!(setting.usage()[2].used + amounts[2] > QUOTA),
        odd => prop_assert!(false, "{odd:?}"),
    }
    Ok(())
}

/// In any stretch of time, across restarts as well, no more was taken than the bucket holds and than came back in it.
fn check_windows(setting: &Setting) -> Result<(), TestCaseError> {
    let (refill, every, burst) = setting.rates[0];
    let drawn = setting.drawn.borrow();
    for from in 0..drawn.len() {
        let mut taken = 0;
        for (at, tokens) in &drawn[from..] {
            taken += tokens;
            prop_assert!(taken * every <= burst * every + refill * (at - drawn[from].0), "{:?}", &drawn[from..]);
        }
    }
    Ok(())
}
