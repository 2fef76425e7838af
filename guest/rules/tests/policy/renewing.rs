//! Whatever licenses a customer has, in whatever order they come and go: they grant the same, and open no second budget.

use placet_rules::decide::{claim, consume};
use placet_rules::types::{Charge, Context, Summary};
use placet_rules::view::View;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::*;

/// Terms of `tokens` that share their labels: whatever the zone, the anchor and the maximum.
fn monthly() -> impl Strategy<Value = Value> {
    let zones =
        prop_oneof![Just("UTC"), Just("Pacific/Kiritimati"), Just("Pacific/Pago_Pago"), Just("America/New_York")];
    let rollover = prop_oneof![Just(0_u64), 0..=ROLLOVER];
    (zones, prop_oneof![Just(1_u64), 1..=31_u64], 1..=4_u64, rollover).prop_map(|(zone, anchor, hundreds, rollover)| {
        let mut terms =
            json!({ "kind": "quota", "max": hundreds * 100, "reset": "month", "zone": zone, "anchor": anchor });
        if rollover > 0 {
            terms["rollover"] = json!(rollover);
        }
        terms
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
        Just(json!({ "kind": "seats" })),
        Just(json!({ "kind": "seats", "ttl": "10m" })),
        Just(json!({ "per": "tenant" })),
        Just(json!({ "moon": 1 })),
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
    let skus = (0..3_u8, proptest::option::of(0..3_u8));
    (0..5_u8, kinds, days, terms(), terms(), proptest::option::of(0..5_u8), skus).prop_map(
        |(id, kind, (issued, lasts), tokens, objects, older, (sku, requires))| {
            let requires = requires.map_or(Value::Null, |sku| json!([format!("SKU-{sku}")]));
            let supersedes: Vec<String> = older.iter().map(|older| format!("lic_{older}")).collect();
            json!({
                "jti": format!("lic_{id}"), "kind": kind, "iat": BEGIN + issued * DAY, "exp": BEGIN + (60 + lasts) * DAY,
                "supersedes": supersedes, "sku": format!("SKU-{sku}"), "requires": requires, "limits": { "tokens": tokens, "objects": objects },
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
const ROLLOVER: u64 = 150;

/// The claims of a license in the status, among those that were made.
fn claims_of<'a>(licenses: &'a [Value], id: &str) -> impl Iterator<Item = &'a Value> {
    let id = json!(id);
    licenses.iter().filter(move |claims| claims["jti"] == id)
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map(|texts| texts.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// Loads, and charges `tokens`; was it allowed?
fn spend(world: &mut World, now: u64, amount: u64) -> bool {
    let time = at(ms(now));
    let view = world.load(time).view(time);
    let charge = Charge { limit: "tokens".into(), amount };
    consume(&view, &[charge], &Context::default(), &world.counters).unwrap().allowed
}

proptest! {
    #![proptest_config(crate::random::cases(96))]

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
                Step::Use(amount) => total += if spend(&mut world, now, amount) { amount } else { 0 },
            }
        }
        let held = world.counters.held.borrow();
        let used = || held.iter().filter(|(name, _)| name.starts_with("use/"));
        prop_assert_eq!(used().map(|(_, sum)| sum).sum::<u64>(), total, "what was allowed is counted");
        let of = |part: &str| used().filter(|(name, _)| name.contains(part)).map(|(_, sum)| sum).sum::<u64>();
        // A hundred days, and what month it is at their beginning in the far east and west.
        let months = ["2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04"].map(of);
        let top_ups = ["/top_0/", "/top_1/"].map(of);
        prop_assert!(months.iter().all(|used| *used <= most + ROLLOVER) && top_ups.iter().all(|used| *used <= TOP_UP));
        let pairs = || months.windows(2).map(|pair| pair[0] + pair[1]);
        prop_assert!(pairs().all(|used| used <= 2 * most + ROLLOVER), "what rolls over was left: {months:?}");
        prop_assert_eq!(months.iter().chain(&top_ups).sum::<u64>(), total, "nothing is counted anywhere else");
    }

    #[test]
    fn what_is_displaced_is_displaced_by_what_holds(licenses in vec(any_license(), 1..7), day in 0..110_u64) {
        let now = ms(BEGIN + day * DAY);
        let signed: Vec<Vec<u8>> = licenses.iter().map(|changes| license(changes.clone())).collect();
        let world = named(&signed).into_iter().fold(World::new(), |world, (name, document)| world.with(&name, document));
        let status = { world }.status(now);
        let usable = |one: &&Summary| ["active", "expiring", "grace"].contains(&&*one.state);
        let holding: Vec<&Summary> = status.licenses.iter().filter(usable).filter(|one| one.reason == one.state).collect();
        for one in &status.licenses {
            if one.reason == "superseded" {
                let names = |other: &&Summary| other.id != one.id && !["requirement-missing", "duplicate-id"].contains(&&*other.reason)
                    && claims_of(&licenses, &other.id).any(|claims| texts(&claims["supersedes"]).contains(&&*one.id));
                prop_assert!(status.licenses.iter().filter(usable).any(|other| names(&other)), "{} in {status:?}", one.id);
            }
        }
        // Each that holds has what it requires, of licenses that hold.
        for one in &holding {
            let met = |claims: &Value| texts(&claims["requires"]).iter().all(|sku| holding.iter().any(|other| {
                other.id != one.id && claims_of(&licenses, &other.id).any(|claims| claims["sku"] == json!(sku))
            }));
            prop_assert!(claims_of(&licenses, &one.id).any(met), "{} in {status:?}", one.id);
        }
        // Whatever lies beside it, a license that needs no other leaves the whole usable.
        let needs_none = |claims: &Value| claims["requires"].is_null() && !["addon", "topup"].map(|kind| json!(kind)).contains(&claims["kind"]);
        let runs = |claims: &&Value| ms(claims["exp"].as_u64().unwrap()) > now && ms(claims["iat"].as_u64().unwrap()) <= now;
        let last = |claims: &&Value| claims_of(&licenses, claims["jti"].as_str().unwrap()).count() == 1;
        let any = licenses.iter().filter(|claims| needs_none(claims)).filter(runs).find(last);
        prop_assert!(any.is_none() || status.usable, "{any:?} in {status:?}");
    }

    #[test]
    fn no_renewal_of_a_term_gives_more_than_the_largest_in_any_stretch_of_it(
        maxima in vec(1..5_u64, 3),
        steps in vec((0..2_400_u64, 0..3_usize, 1..200_u64), 1..40),
    ) {
        let most = maxima.iter().max().unwrap() * 100;
        let mut world = World::new();
        let mut granted: Vec<(u64, u64)> = Vec::new();
        for (hours, which, amount) in steps {
            let terms = json!({ "tokens": { "kind": "quota", "max": maxima[which] * 100, "term": "30d" } });
            world.put(&format!("{}.json", which % 2), license(json!({ "jti": format!("lic_{which}"), "limits": terms })));
            let now = BEGIN + hours * 3_600;
            if spend(&mut world, now, amount) {
                granted.push((now, amount));
            }
        }
        for (begin, _) in &granted {
            let within = granted.iter().filter(|(at, _)| at >= begin && *at < begin + 30 * DAY);
            prop_assert!(within.map(|(_, amount)| amount).sum::<u64>() <= most, "from {begin}: {granted:?}");
        }
    }

    #[test]
    fn no_renewal_of_seats_seats_more_than_the_largest(
        maxima in vec(1..6_u64, 3),
        steps in vec((0..3_usize, 0..8_u8, 1..4_u64), 1..40),
    ) {
        let most = *maxima.iter().max().unwrap();
        let mut world = World::new();
        for (which, holder, weight) in steps {
            let terms = json!({ "cores": { "kind": "seats", "max": maxima[which] } });
            world.put(&format!("{}.json", which % 2), license(json!({ "jti": format!("lic_{which}"), "limits": terms })));
            let time = at(ms(BEGIN));
            let view = world.load(time).view(time);
            let charge = Charge { limit: "cores".into(), amount: weight };
            claim(&view, &charge, &format!("machine-{holder}"), None, &Context::default(), &world.counters).unwrap();
            let pools = world.counters.pools.held.borrow();
            let held: u64 = pools.values().flat_map(|pool| pool.values()).map(|member| member.weight).sum();
            prop_assert!(held <= most, "{held} of {most}");
        }
    }
}
