//! Whatever licenses a customer has, in whatever order they come and go: they grant the same, and open no second budget.

use placet_rules::decide::consume;
use placet_rules::types::{Charge, Context, Time};
use placet_rules::view::View;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::*;

/// Terms of `tokens` that share their labels: whatever the zone, the anchor and the maximum.
fn monthly() -> impl Strategy<Value = Value> {
    let zones =
        prop_oneof![Just("UTC"), Just("Pacific/Kiritimati"), Just("Pacific/Pago_Pago"), Just("America/New_York")];
    (zones, prop_oneof![Just(1_u64), 1..=31_u64], 1..=4_u64).prop_map(|(zone, anchor, hundreds)| {
        json!({ "kind": "quota", "max": hundreds * 100, "reset": "month", "zone": zone, "anchor": anchor })
    })
}

/// Terms of any kind that has budgets.
fn terms() -> impl Strategy<Value = Value> {
    let max = prop_oneof![4 => (0..5_u64).prop_map(|max| json!(max)), 1 => Just(Value::Null)];
    let stretch = prop_oneof![
        Just(json!({})),
        Just(json!({ "reset": "day" })),
        Just(json!({ "reset": "month", "rollover": 3 })),
        Just(json!({ "term": "30d" })),
        Just(json!({ "kind": "gauge" })),
        Just(json!({ "enforce": "overage", "allowance": 2 })),
        Just(json!({ "account": "acme", "warn": 50 })),
    ];
    (max, stretch).prop_map(|(max, stretch)| {
        let mut terms = json!({ "kind": "quota", "max": max });
        terms.as_object_mut().unwrap().extend(stretch.as_object().unwrap().clone());
        terms
    })
}

/// Claims of a license, one of few ids.
fn any_license() -> impl Strategy<Value = Value> {
    let kinds = prop_oneof![Just("standard"), Just("addon"), Just("topup"), Just("trial")];
    let days = (0..3_u64, 0..40_u64);
    (0..5_u8, kinds, days, terms(), terms(), proptest::option::of(0..5_u8)).prop_map(
        |(id, kind, (issued, lasts), tokens, objects, older)| {
            let supersedes: Vec<String> = older.iter().map(|older| format!("lic_{older}")).collect();
            json!({
                "jti": format!("lic_{id}"), "kind": kind, "iat": BEGIN + issued * DAY, "exp": BEGIN + (60 + lasts) * DAY,
                "supersedes": supersedes, "limits": { "tokens": tokens, "objects": objects },
            })
        },
    )
}

fn view_of(documents: &[(String, Vec<u8>)], now: u64) -> View {
    let world = World::new();
    let mut world = documents.iter().fold(world, |world, (name, document)| world.with(name, document.clone()));
    world.load(at(now)).view(at(now))
}

fn named<'a>(documents: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    documents.into_iter().enumerate().map(|(name, document)| (name.to_string(), document.clone())).collect()
}

/// What happens at a customer's.
#[derive(Clone, Debug)]
enum Step {
    /// One of the licenses becomes one of two files, in place of what it was.
    Install(usize),
    /// One of the top-ups comes or goes.
    TopUp(usize),
    /// The time is so many hours after the beginning.
    Clock(u64),
    Use(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..4_usize).prop_map(Step::Install),
        1 => (0..2_usize).prop_map(Step::TopUp),
        3 => (0..2_400_u64).prop_map(Step::Clock),
        4 => (1..120_u64).prop_map(Step::Use),
    ]
}

const TOP_UP: u64 = 50;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn licenses_grant_the_same_in_any_order_and_given_twice(
        licenses in vec(any_license(), 1..6),
        order in any::<prop::sample::Index>(),
        day in 0..110_u64,
    ) {
        let signed: Vec<Vec<u8>> = licenses.iter().map(|changes| license(changes.clone())).collect();
        let now = ms(BEGIN + day * DAY);
        let view = view_of(&named(&signed), now);
        let mut shuffled = signed.clone();
        shuffled.reverse();
        shuffled.rotate_left(order.index(signed.len()));
        prop_assert_eq!(&view_of(&named(&shuffled), now), &view, "another order");
        prop_assert_eq!(&view_of(&named(signed.iter().chain(&shuffled)), now), &view, "given twice");
    }

    #[test]
    fn no_order_of_renewals_and_clocks_opens_a_second_budget_but_a_top_ups(
        licenses in vec(monthly(), 4),
        steps in vec(step(), 1..60),
    ) {
        let most = licenses.iter().filter_map(|terms| terms["max"].as_u64()).max().unwrap();
        let mut world = World::new();
        let mut now = BEGIN;
        let mut total = 0;
        for step in steps {
            match step {
                Step::Install(which) => {
                    let claims = json!({ "jti": format!("lic_{which}"), "limits": { "tokens": licenses[which] } });
                    world.put(&format!("license-{}.json", which % 2), license(claims));
                }
                Step::TopUp(which) => {
                    let name = format!("top-up-{which}.json");
                    if world.offered.remove(&name).is_none() {
                        let tokens = json!({ "kind": "quota", "max": TOP_UP });
                        let claims = json!({ "jti": format!("top_{which}"), "kind": "topup", "limits": { "tokens": tokens } });
                        world.put(&name, license(claims));
                    }
                }
                Step::Clock(hours) => now = BEGIN + hours * 3_600,
                Step::Use(amount) => {
                    let time = Time { now: ms(now), wall: ms(now) };
                    let view = world.load(time).view(time);
                    let charge = Charge { limit: "tokens".into(), amount };
                    if consume(&view, &[charge], &Context::default(), &world.counters).unwrap().allowed {
                        total += amount;
                    }
                }
            }
        }
        let held = world.counters.held.borrow();
        let used = || held.iter().filter(|(name, _)| name.starts_with("use/"));
        prop_assert_eq!(used().map(|(_, sum)| sum).sum::<u64>(), total, "what was allowed is counted");
        let of = |part: &str| used().filter(|(name, _)| name.contains(part)).map(|(_, sum)| sum).sum::<u64>();
        // A hundred days, and what month it is at their beginning in the far east and west.
        let months = ["2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04"].map(of);
        let top_ups = ["/top_0/", "/top_1/"].map(of);
        prop_assert!(months.iter().all(|used| *used <= most) && top_ups.iter().all(|used| *used <= TOP_UP));
        prop_assert_eq!(months.iter().chain(&top_ups).sum::<u64>(), total, "nothing is counted anywhere else");
    }
}
