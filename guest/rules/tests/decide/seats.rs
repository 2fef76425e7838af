//! Who holds a seat, by example and against a model that knows each holder's weight and end.
#![expect(clippy::expect_used, reason = "what helps a test fails like one")]

use std::collections::BTreeMap;

use placet_rules::decide::{claim, consume, holders, preview, release};
use placet_rules::license::LimitKind;
use placet_rules::types::{Attribute, Context, Decision};
use placet_rules::view::{Budget, View};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::counters::Memory;
use crate::setting::{charge, limit, nobody, seats, tenant, view};

fn of(budgets: Vec<Budget>) -> View {
    let mut view = view();
    view.limits.insert("cores".into(), limit(LimitKind::Seats, budgets));
    view
}

fn short(decision: &Decision) -> (bool, &str, u64) {
    (decision.allowed, &decision.reason, decision.usage.first().map_or(0, |usage| usage.used))
}

fn claimed(view: &View, memory: &Memory, holder: &str, weight: u64, ttl: Option<u64>) -> Decision {
    claim(view, &charge("cores", weight), holder, ttl, &nobody(), memory).expect("a decision")
}

fn left(view: &View, memory: &Memory, holder: &str) -> Decision {
    release(view, "cores", holder, &nobody(), memory).expect("a decision")
}

#[test]
fn a_seat_is_claimed_renewed_given_back_and_missed_by_one_who_is_told_who_holds() {
    let (view, memory) = (view(), Memory::default());
    assert_eq!(short(&claimed(&view, &memory, "ada", 3, None)), (true, "granted", 3));
    assert_eq!(short(&claimed(&view, &memory, "ada", 2, None)), (true, "granted", 2));
    assert_eq!(short(&claimed(&view, &memory, "bob", 2, None)), (true, "granted", 4));
    let denied = claimed(&view, &memory, "cyd", 1, None);
    assert_eq!(short(&denied), (false, "limit-exceeded", 4));
    assert_eq!(denied.details, [Attribute::new("holder/ada", "2"), Attribute::new("holder/bob", "2")]);
    assert_eq!(
        short(&claimed(&view, &memory, "ada", 3, None)),
        (false, "limit-exceeded", 4),
        "a larger share is a new one"
    );
    let named =
        |after| holders(&view, "cores", None, after, &memory).unwrap().into_iter().map(|one| (one.name, one.weight));
    assert_eq!(named(None).collect::<Vec<_>>(), [("ada".to_string(), 2), ("bob".to_string(), 2)]);
    assert_eq!(named(Some("ada")).collect::<Vec<_>>(), [("bob".to_string(), 2)]);
    assert_eq!(short(&left(&view, &memory, "ada")), (true, "granted", 2));
    assert_eq!(short(&left(&view, &memory, "ada")), (true, "granted", 2));
    assert_eq!(short(&claimed(&view, &memory, "cyd", 1, None)), (true, "granted", 3));
}

#[test]
fn of_many_holders_the_first_are_told() {
    let (view, memory) = (of(vec![seats(25, None)]), Memory::default());
    for number in 0..25 {
        assert!(claimed(&view, &memory, &format!("h{number:02}"), 1, None).allowed);
    }
    let details = claimed(&view, &memory, "late", 1, None).details;
    assert_eq!(details.len(), 21);
    assert_eq!(details.last(), Some(&Attribute::new("holders", "the first 20")));
}

#[test]
fn a_tenant_is_active_from_its_first_request_that_is_allowed() {
    let (view, memory) = (of(vec![seats(1, Some(1_000))]), Memory::default());
    let request = |tokens| [charge("cores", 1), charge("tokens", tokens)];
    let ask = |tenant: &str, tokens| {
        let context = Context { tenant: Some(tenant.into()), ..Context::default() };
        consume(&view, &request(tokens), &context, &memory).unwrap()
    };
    let pool = || memory.pools.held.borrow().values().map(BTreeMap::len).sum::<usize>();
    // What is refused for its tokens leaves no seat behind.
    assert_eq!(short(&ask("t1", 151)), (false, "limit-exceeded", 0));
    assert_eq!(pool(), 0);
    assert!(preview(&view, &request(1), &tenant(), &memory).unwrap().allowed && pool() == 0);
    assert_eq!(short(&ask("t1", 1)), (true, "granted", 1));
    let end = || memory.pools.held.borrow().values().flat_map(BTreeMap::values).map(|one| one.expires).next().flatten();
    assert_eq!(end(), Some(1_000));
    let denied = ask("t2", 1);
    assert_eq!(short(&denied), (false, "limit-exceeded", 1));
    assert_eq!((&*denied.subject, &denied.details), ("cores", &vec![Attribute::new("holder/t1", "1")]));
    // What another caller makes fail leaves the tenant with what it had.
    let wide = of(vec![seats(3, Some(1_000))]);
    memory.others.borrow_mut().push_back(("use/calls//lic_1//".to_string(), 10));
    let more = [charge("cores", 3), charge("calls", 1)];
    let context = Context { tenant: Some("t1".into()), ..Context::default() };
    assert!(!consume(&wide, &more, &context, &memory).unwrap().allowed);
    assert_eq!(holders(&wide, "cores", None, None, &memory).unwrap()[0].weight, 1);
    // It is renewed when half of its time is over, and not before.
    memory.pools.now.set(400);
    assert!(ask("t1", 1).allowed && end() == Some(1_000));
    memory.pools.now.set(600);
    assert!(ask("t1", 1).allowed && end() == Some(1_600));
    memory.pools.now.set(1_600);
    assert!(ask("t2", 1).allowed && !ask("t1", 1).allowed);
}

#[test]
fn each_pool_has_its_own_holders_and_a_holder_one_of_them() {
    let other = Budget { license: "lic_2".into(), account: "berlin".into(), ..seats(2, None) };
    let (view, memory) = (of(vec![seats(2, None), other]), Memory::default());
    assert_eq!(short(&claimed(&view, &memory, "ada", 2, None)), (true, "granted", 2));
    let bob = claimed(&view, &memory, "bob", 2, None);
    assert_eq!((short(&bob), bob.license.as_deref()), ((true, "granted", 4), Some("lic_2")));
    assert_eq!(short(&claimed(&view, &memory, "bob", 1, None)), (true, "granted", 3));
    assert_eq!(short(&claimed(&view, &memory, "cyd", 2, None)), (false, "limit-exceeded", 3));
}

#[test]
fn a_request_without_sense_is_refused() {
    let (view, memory) = (view(), Memory::default());
    let long = "x".repeat(257);
    for (holder, weight, ttl, part) in
        [("", 1, None, "holder"), (&*long, 1, None, "holder"), ("ada", 0, None, "amount"), ("ada", 1, Some(0), "ttl")]
    {
        let denied = claimed(&view, &memory, holder, weight, ttl);
        assert_eq!(short(&denied), (false, "request-invalid", 0));
        assert_eq!(denied.details, [Attribute::new("invalid", part)]);
    }
    for (name, reason) in [("tokens", "kind-mismatch"), ("other", "not-licensed")] {
        assert_eq!(short(&claim(&view, &charge(name, 1), "ada", None, &nobody(), &memory).unwrap()).1, reason);
        assert_eq!(short(&release(&view, name, "ada", &nobody(), &memory).unwrap()).1, reason);
        assert_eq!(holders(&view, name, None, None, &memory), Err(reason.to_string()));
    }
}

#[test]
fn a_claim_that_changes_nothing_writes_nothing_and_a_shorter_one_does() {
    let (view, memory) = (of(vec![seats(4, Some(1_000))]), Memory::default());
    let end = || memory.pools.held.borrow().values().flat_map(BTreeMap::values).map(|one| one.expires).next().flatten();
    let claims = |ttl, weight| {
        let before = memory.pools.claims.get();
        assert!(claimed(&view, &memory, "ada", weight, ttl).allowed);
        (memory.pools.claims.get() - before, end())
    };
    assert_eq!(claims(None, 1), (1, Some(1_000)));
    for (now, ttl, weight, expected) in [
        (0, None, 1, (0, Some(1_000))),
        (100, None, 1, (0, Some(1_000))),
        (101, None, 1, (1, Some(1_101))),
        (101, Some(500), 1, (1, Some(601))),
        (151, Some(500), 1, (0, Some(601))),
        (151, Some(500), 2, (1, Some(651))),
        (151, Some(9), 2, (1, Some(160))),
        (152, Some(9), 2, (1, Some(161))),
        (152, None, 2, (1, Some(1_152))),
    ] {
        memory.pools.now.set(now);
        assert_eq!(claims(ttl, weight), expected, "at {now} for {ttl:?}");
    }
    let forever = of(vec![seats(4, None)]);
    assert!(claimed(&forever, &memory, "ada", 2, None).allowed && end().is_none());
    let before = memory.pools.claims.get();
    assert!(claimed(&forever, &memory, "ada", 2, None).allowed && memory.pools.claims.get() == before);
}

#[test]
fn pools_are_filled_to_what_was_granted_before_one_goes_beyond() {
    let base = Budget { ceiling: 4, ..seats(2, None) };
    let extra = Budget { license: "lic_2".into(), account: "berlin".into(), ceiling: 3, ..seats(2, None) };
    let (view, memory) = (of(vec![base, extra]), Memory::default());
    let licenses: Vec<_> =
        (0..8).map(|number| claimed(&view, &memory, &format!("h{number}"), 1, None).license).collect();
    let licenses: Vec<_> = licenses.iter().map(|license| license.as_deref()).collect();
    let (one, two) = (Some("lic_1"), Some("lic_2"));
    assert_eq!(licenses, [one, one, two, two, one, one, two, two]);
    assert_eq!(short(&claimed(&view, &memory, "h6", 1, None)), (true, "granted", 7));
    assert_eq!(short(&claimed(&view, &memory, "h7", 1, None)), (false, "limit-exceeded", 7));
    let beyond = claimed(&view, &memory, "h4", 1, None);
    assert_eq!(beyond.usage[0].details, [Attribute::new("beyond", "3")]);
}

#[test]
fn seats_warn_once_on_the_way_up_and_again_after_they_fell() {
    let mut view = of(vec![seats(10, None)]);
    view.limits.get_mut("cores").expect("the limit").warn = Some(80);
    let memory = Memory::default();
    let warns = |decision: Decision| !decision.warnings.is_empty();
    let claims = |holder: &str, weight| warns(claimed(&view, &memory, holder, weight, None));
    assert!(!claims("ada", 7));
    assert!(claims("bob", 1), "it passes 80 %");
    assert!(!claims("bob", 1) && !claims("cyd", 1));
    assert!(!warns(left(&view, &memory, "cyd")) && !warns(left(&view, &memory, "bob")));
    assert!(claims("bob", 1), "it fell below 75 %, and passes again");
    assert!(!warns(left(&view, &memory, "bob")));
    // A tenant's request crosses it as well, and one that is refused does not.
    let ask = |tokens| {
        let context = Context { tenant: Some("t1".into()), ..Context::default() };
        consume(&view, &[charge("cores", 1), charge("tokens", tokens)], &context, &memory).unwrap()
    };
    assert!(!ask(151).allowed);
    let first = ask(1);
    assert_eq!(first.warnings.iter().filter_map(|one| one.subject.as_deref()).collect::<Vec<_>>(), ["cores"]);
    assert!(!warns(ask(1)));
}

#[derive(Clone, Debug)]
enum Step {
    Claim(u8, u64, Option<u64>),
    Release(u8),
    Wait(u64),
    /// Another license: so many seats.
    Swap(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5_u8, 1..5_u64, option::of(1..900_u64)).prop_map(|(holder, weight, ttl)| Step::Claim(holder, weight, ttl)),
        2 => (0..5_u8).prop_map(Step::Release),
        2 => (0..500_u64).prop_map(Step::Wait),
        1 => (0..12_u64).prop_map(Step::Swap),
    ]
}

proptest! {
    #![proptest_config(crate::random::cases(512))]

    #[test]
    fn no_seat_is_given_that_is_not_there_and_none_is_taken_from_its_holder(
        ttl in option::of(1..900_u64),
        max in 0..12_u64,
        steps in vec(step(), 1..60),
    ) {
        let memory = Memory::default();
        let mut view = of(vec![seats(max, ttl)]);
        let (mut max, mut now) = (max, 0);
        let mut model: BTreeMap<String, (u64, Option<u64>)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Wait(time) => {
                    now += time;
                    memory.pools.now.set(now);
                }
                Step::Swap(seats_now) => {
                    max = seats_now;
                    view = of(vec![seats(max, ttl)]);
                }
                Step::Release(holder) => {
                    model.remove(&holder.to_string());
                    prop_assert!(left(&view, &memory, &holder.to_string()).allowed);
                }
                Step::Claim(holder, weight, asked) => {
                    model.retain(|_, (_, end)| end.is_none_or(|end| now < end));
                    let name = holder.to_string();
                    let own = model.get(&name).map_or(0, |(weight, _)| *weight);
                    let others = model.values().map(|(weight, _)| weight).sum::<u64>() - own;
                    let fits = weight <= own || others + weight <= max;
                    let decision = claimed(&view, &memory, &name, weight, asked);
                    prop_assert_eq!(decision.allowed, fits);
                    if fits {
                        let lasts = [ttl, asked].into_iter().flatten().min();
                        let end = lasts.map(|lasts| now + lasts);
                        // Nothing is renewed in the first tenth of its time.
                        let stays = model.get(&name).is_some_and(|(held, ends)| {
                            *held == weight && ends.zip(end).is_some_and(|(ends, end)| {
                                ends <= end && end - ends <= lasts.unwrap_or(0) / 10
                            })
                        });
                        if !stays {
                            model.insert(name, (weight, end));
                        }
                    }
                    let sum = if fits { others + weight } else { others + own };
                    prop_assert_eq!(decision.usage[0].used, sum);
                }
            }
        }
        model.retain(|_, (_, end)| end.is_none_or(|end| now < end));
        let found: BTreeMap<_, _> = holders(&view, "cores", None, None, &memory).unwrap().into_iter()
            .map(|one| (one.name, (one.weight, one.expires))).collect();
        prop_assert_eq!(found, model);
    }
}
