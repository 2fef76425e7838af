//! What carries a `once` key counts once, and answers as the first time.

use placet_rules::counters::{CounterError, Counters, Draw, Entry, Once, Pools, Portion, Recorded, Supply};
use placet_rules::decide::{consume, credit, preview};
use placet_rules::license::LimitKind;
use placet_rules::types::{Context, Warning};
use placet_rules::view::View;

use crate::counters::Memory;
use crate::setting::{FIRST, TOPUP, budget, charge, expired, nobody, once, view};

#[test]
fn a_repetition_answers_as_the_first_time_whatever_has_happened() {
    let memory = Memory::default();
    let warning = Warning { reason: "expiry-grace".into(), subject: None, text: "soon, `now`".into() };
    let grace = View { warnings: vec![warning], ..view() };
    memory.put(FIRST, 90);
    let charges = [charge("tokens", 40), charge("calls", 9), charge("open", 0)];
    let first = consume(&grace, &charges, &once("k"), &memory).unwrap();
    assert!(first.allowed && first.warnings.len() == 3);
    consume(&view(), &[charge("tokens", 5)], &nobody(), &memory).unwrap();
    let mut richer = view();
    richer.limits.get_mut("tokens").unwrap().budgets.push(budget("lic_3", "lic_3", Some(1_000)));
    for later in [&view(), &expired(), &richer] {
        assert_eq!(consume(later, &charges, &once("k"), &memory).unwrap(), first);
        assert_eq!(preview(later, &charges, &once("k"), &memory).unwrap(), first);
    }
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP)), (100, 35));
}

#[test]
fn a_charge_of_nothing_is_remembered_too() {
    let memory = Memory::default();
    let first = consume(&view(), &[charge("tokens", 0)], &once("k"), &memory).unwrap();
    memory.put(FIRST, 7);
    assert_eq!(consume(&view(), &[charge("tokens", 0)], &once("k"), &memory).unwrap(), first);
}

#[test]
fn a_key_is_for_one_request_of_one_tenant() {
    let memory = Memory::default();
    consume(&view(), &[charge("tokens", 4)], &once("k"), &memory).unwrap();
    for other in [vec![charge("tokens", 5)], vec![charge("calls", 4)], vec![charge("tokens", 4), charge("calls", 0)]] {
        let denied = consume(&view(), &other, &once("k"), &memory).unwrap();
        assert_eq!((denied.allowed, denied.reason.as_str()), (false, "once-mismatch"));
    }
    let of = |tenant: &str, key: &str| Context { tenant: Some(tenant.into()), ..once(key) };
    for context in [of("a/b", "c"), of("a", "b/c"), of("a%2Fb", "c"), of("k", "k")] {
        consume(&view(), &[charge("tokens", 4)], &context, &memory).unwrap();
    }
    assert_eq!(memory.sum(FIRST), 20);
    assert!(memory.kept.borrow().contains_key("consume/a%2Fb/c"));
}

#[test]
fn a_race_under_one_key_is_counted_once() {
    // The key is recorded between the recall and the add, as the store then tells.
    struct Late(Memory);
    impl Counters for Late {
        fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
            self.0.read(counters)
        }
        fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
            self.0.add(entries, draws, once)
        }
        fn level(&self, draw: &Draw) -> Supply {
            self.0.level(draw)
        }
        fn subtract(&self, portions: &[Portion], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
            self.0.subtract(portions, once)
        }
        fn recall(&self, _: &str) -> Result<Option<Recorded>, CounterError> {
            Ok(None)
        }
        fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
            self.0.set(counter, value)
        }
        fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
            self.0.raise(counter, value)
        }
        fn pools(&self) -> &dyn Pools {
            self.0.pools()
        }
    }
    let late = Late(Memory::default());
    let first = consume(&view(), &[charge("tokens", 4)], &once("k"), &late).unwrap();
    assert_eq!(consume(&view(), &[charge("tokens", 4)], &once("k"), &late).unwrap(), first);
    let other = consume(&view(), &[charge("tokens", 5)], &once("k"), &late).unwrap();
    assert_eq!(other.reason, "once-mismatch");
    let back = credit(&view(), &charge("tokens", 4), &once("k"), &late).unwrap();
    assert_eq!(credit(&view(), &charge("tokens", 0), &once("k"), &late).unwrap().reason, "once-mismatch");
    assert_eq!((back.allowed, late.0.sum(FIRST)), (true, 0));
}

#[test]
fn a_refund_takes_from_the_counters_that_were_charged() {
    let memory = Memory::default();
    memory.put(FIRST, 90);
    consume(&view(), &[charge("tokens", 30), charge("calls", 1)], &once("k"), &memory).unwrap();
    memory.put(TOPUP, 45);
    let over = credit(&view(), &charge("tokens", 31), &once("k"), &memory).unwrap();
    assert_eq!(over.reason, "credit-exceeded");
    let back = credit(&view(), &charge("tokens", 25), &once("k"), &memory).unwrap();
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP), back.usage[0].used), (95, 25, 120));
    memory.put(FIRST, 0);
    assert_eq!(credit(&expired(), &charge("tokens", 25), &once("k"), &memory).unwrap(), back);
    assert_eq!(credit(&view(), &charge("tokens", 5), &once("k"), &memory).unwrap().reason, "once-mismatch");
    assert_eq!(memory.sum(TOPUP), 25);
}

#[test]
fn a_refund_leaves_counters_alone_of_a_license_that_went_away() {
    let memory = Memory::default();
    consume(&view(), &[charge("tokens", 30)], &once("k"), &memory).unwrap();
    // Another license, or a gauge, of the same limit: neither may refill what the one that went away holds.
    for kind in [LimitKind::Quota, LimitKind::Gauge] {
        let mut other = view();
        let limit = other.limits.get_mut("tokens").unwrap();
        limit.kind = kind;
        limit.budgets = vec![budget("lic_9", "lic_9", Some(100))];
        let back = credit(&other, &charge("tokens", 30), &once("k"), &memory).unwrap();
        assert_eq!((back.allowed, &*back.reason), (false, "credit-exceeded"));
        assert_eq!(memory.sum(FIRST), 30);
    }
}

#[test]
fn a_refund_leaves_alone_what_may_not_be_given_back() {
    let memory = Memory::default();
    memory.put(FIRST, 90);
    consume(&view(), &[charge("tokens", 30)], &once("k"), &memory).unwrap();
    let mut strict = view();
    strict.limits.get_mut("tokens").unwrap().budgets[1].refund = false;
    let all = credit(&strict, &charge("tokens", 30), &once("k"), &memory).unwrap();
    assert_eq!(all.reason, "credit-exceeded");
    assert!(credit(&strict, &charge("tokens", 10), &once("k"), &memory).unwrap().allowed);
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP)), (90, 20));
}

#[test]
fn a_key_that_nothing_was_charged_under_still_gives_back_once() {
    let memory = Memory::default();
    consume(&view(), &[charge("tokens", 30)], &nobody(), &memory).unwrap();
    for _ in 0..2 {
        assert_eq!(credit(&view(), &charge("tokens", 10), &once("r"), &memory).unwrap().usage[0].used, 20);
    }
    assert_eq!(memory.sum(FIRST), 20);
}

#[test]
fn a_record_that_no_policy_wrote_decides_nothing() {
    let memory = Memory::default();
    consume(&view(), &[charge("tokens", 4)], &once("k"), &memory).unwrap();
    let good = memory.kept.borrow()["consume//k"].clone();
    let mut wrong: Vec<Recorded> = ["", "tokens 4", "tokens 4\nnonsense\n", "tokens 4\nlicense a\nlicense b\n"]
        .map(|request| Recorded { request: request.to_string(), ..good.clone() })
        .to_vec();
    wrong.push(Recorded { sums: Vec::new(), ..good.clone() });
    let mut less = good.clone();
    less.entries[0].amount = 3;
    wrong.push(less);
    let mut elsewhere = good.clone();
    elsewhere.entries[0].counter = "own/seen/a".into();
    wrong.push(elsewhere.clone());
    for record in wrong {
        memory.kept.borrow_mut().insert("consume//k".to_string(), record.clone());
        let answer = consume(&view(), &[charge("tokens", 4)], &once("k"), &memory);
        assert_eq!(answer, Err("counters-damaged".to_string()), "{record:?}");
    }
    memory.kept.borrow_mut().insert("consume//k".to_string(), elsewhere);
    let refund = credit(&view(), &charge("tokens", 4), &once("k"), &memory);
    assert_eq!(refund, Err("counters-damaged".to_string()));
    assert_eq!(memory.sum(FIRST), 4);
}
