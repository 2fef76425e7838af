//! Several licenses together.

use serde_json::{Value, json};

use placet_rules::license::LimitKind;
use placet_rules::types::Attribute;
use placet_rules::view::View;

use crate::world::*;

const NOW: u64 = BEGIN + 9 * DAY;

fn view(documents: &[(&str, Value)]) -> View {
    let world = World::new();
    let mut world = documents.iter().fold(world, |world, (name, changes)| world.with(name, license(changes.clone())));
    world.load(at(ms(NOW))).view(at(ms(NOW)))
}

/// The budgets of a limit: license, account, maximum.
fn budgets<'a>(view: &'a View, limit: &str) -> Vec<(&'a str, &'a str, Option<u64>)> {
    let budgets = view.limits[limit].budgets.iter();
    budgets.map(|budget| (budget.license.as_str(), budget.account.as_str(), budget.max)).collect()
}

#[test]
fn a_feature_rests_on_the_license_that_grants_it_longest() {
    let view = view(&[
        (
            "a",
            json!({ "features": { "sso": true, "audit": { "expires": NOW + DAY }, "gone": { "expires": NOW - 1 }, "off": false } }),
        ),
        (
            "b",
            json!({ "jti": "lic_2", "exp": END + DAY, "features": { "sso": true, "audit": { "expires": NOW + 2 * DAY } } }),
        ),
    ]);
    let features: Vec<_> =
        view.features.iter().map(|(name, view)| (name.as_str(), view.license.as_str(), view.until)).collect();
    assert_eq!(
        features,
        [
            ("audit", "lic_2", Some(ms(NOW + 2 * DAY))),
            ("gone", "lic_1", Some(ms(NOW - 1))),
            ("sso", "lic_2", Some(ms(END + DAY)))
        ]
    );
    assert_eq!(view.until, Some(ms(NOW + DAY)), "asked again when a grant ends");
}

#[test]
fn a_status_lists_only_grants_that_have_not_ended() {
    let features = json!({ "sso": { "expires": NOW + DAY, "tier": 2 }, "gone": { "expires": NOW } });
    let status = World::new().with("a", license(json!({ "features": features }))).status(ms(NOW));
    assert_eq!(status.features.len(), 1);
    assert_eq!((status.features[0].name.as_str(), status.features[0].until), ("sso", Some(ms(NOW + DAY))));
    assert_eq!(status.features[0].details[0].value, "2");
}

#[test]
fn volumes_add_up_and_what_ends_first_is_drawn_first() {
    let quota = |max: u64| json!({ "tokens": { "kind": "quota", "max": max } });
    let view = view(&[
        ("a", json!({ "jti": "c", "exp": null, "limits": quota(1) })),
        ("b", json!({ "jti": "b", "limits": quota(2) })),
        ("c", json!({ "jti": "a", "limits": quota(3) })),
        ("d", json!({ "jti": "d", "exp": END - 1, "limits": quota(4) })),
    ]);
    assert_eq!(
        budgets(&view, "tokens"),
        [("d", "d", Some(4)), ("a", "a", Some(3)), ("b", "b", Some(2)), ("c", "c", Some(1))]
    );
}

#[test]
fn of_levels_the_largest_counts_for_the_customer() {
    let gauge = |max: Value| json!({ "objects": { "kind": "gauge", "max": max } });
    let two =
        view(&[("a", json!({ "limits": gauge(json!(50)) })), ("b", json!({ "jti": "b", "limits": gauge(json!(70)) }))]);
    assert_eq!(budgets(&two, "objects"), [("b", "@customer", Some(70))]);
    let unlimited = view(&[
        ("a", json!({ "limits": gauge(Value::Null) })),
        ("b", json!({ "jti": "b", "limits": gauge(json!(u64::MAX)) })),
    ]);
    assert_eq!(budgets(&unlimited, "objects"), [("lic_1", "@customer", None)]);
}

#[test]
fn a_status_sums_up_what_all_licenses_grant() {
    let top_up =
        license(json!({ "jti": "top", "kind": "topup", "limits": { "tokens": { "kind": "quota", "max": 11 } } }));
    let status = World::new().with("a", license(json!({}))).with("b", top_up).status(ms(NOW));
    let limits: Vec<_> = status.limits.iter().map(|limit| (limit.name.as_str(), limit.max)).collect();
    assert_eq!(limits, [("objects", Some(10)), ("tokens", Some(111))]);
}

#[test]
fn an_account_of_its_own_overrides_whose_budget_it_is() {
    let view = view(&[("a", json!({ "limits": { "tokens": { "kind": "quota", "max": 1, "account": "pool-7" } } }))]);
    assert_eq!(budgets(&view, "tokens"), [("lic_1", "pool-7", Some(1))]);
}

#[test]
fn of_licenses_that_count_a_limit_differently_the_one_issued_first_counts() {
    let limit = |kind: &str, per: Option<&str>| match per {
        Some(per) => json!({ "things": { "kind": kind, "max": 1, "per": per } }),
        None => json!({ "things": { "kind": kind, "max": 1 } }),
    };
    for (names, why, other) in [
        (["a", "b"], "kind-conflict", limit("quota", None)),
        (["b", "a"], "kind-conflict", limit("quota", None)),
        (["a", "b"], "per-conflict", limit("gauge", Some("tenant"))),
        (["b", "a"], "per-conflict", limit("gauge", Some("tenant"))),
    ] {
        let later = json!({ "jti": "b", "iat": BEGIN + 1, "limits": other });
        let view = view(&[(names[0], json!({ "limits": limit("gauge", None) })), (names[1], later)]);
        let things = &view.limits["things"];
        assert_eq!(budgets(&view, "things"), [("lic_1", "@customer", Some(1))]);
        assert_eq!((&things.kind, &things.undecided[..]), (&LimitKind::Gauge, &[][..]));
        assert_eq!(things.left_out, [Attribute::new("b", why)]);
    }
}

#[test]
fn an_add_on_that_counts_a_limit_differently_changes_nothing_even_if_it_is_older() {
    let add_on = json!({ "jti": "a", "kind": "addon", "iat": BEGIN - DAY, "limits": { "tokens": { "kind": "gauge", "max": 1 } } });
    let view = view(&[("a", add_on), ("b", json!({}))]);
    assert_eq!(budgets(&view, "tokens"), [("lic_1", "lic_1", Some(100))]);
}

#[test]
fn an_option_that_one_license_cannot_decide_denies_no_more_than_its_part() {
    let rolling = json!({ "tokens": { "kind": "quota", "max": 1, "rollover": 5 } });
    let both = [("a", json!({})), ("b", json!({ "jti": "b", "limits": rolling }))];
    assert_eq!(budgets(&view(&both), "tokens"), [("lic_1", "lic_1", Some(100))]);
    assert_eq!(view(&both).limits["tokens"].left_out, [Attribute::new("b", "rollover")]);
    let mut world = World::new().with("a", license(both[0].1.clone())).with("b", license(both[1].1.clone()));
    assert_eq!(warnings(&world.status(ms(NOW))), ["limit-undecided"]);
    let alone = view(&both[1..]);
    assert_eq!(
        (&alone.limits["tokens"].undecided[..], &alone.limits["tokens"].kind),
        (&["rollover".to_string()][..], &LimitKind::Quota)
    );
}

#[test]
fn what_lacks_a_requirement_displaces_nothing_in_whatever_order_it_is_found() {
    // b lacks PRO, which d had until e replaced it; c needs the base that b would replace.
    let one = |id: &str, sku: &str, requires: &[&str], supersedes: &[&str]| {
        let mut claims = json!({ "jti": id, "sku": sku, "supersedes": supersedes });
        if !requires.is_empty() {
            claims["requires"] = json!(requires);
        }
        claims
    };
    let all = [
        one("a", "BASE", &[], &[]),
        one("b", "BASE-2", &["PRO"], &["a"]),
        one("c", "AUDIT", &["BASE"], &[]),
        one("d", "PRO", &[], &[]),
        one("e", "LITE", &[], &["d"]),
    ];
    for first in 0..all.len() {
        let names = (0..all.len()).map(|at| ((first + at) % all.len()).to_string());
        let mut world =
            names.zip(&all).fold(World::new(), |world, (name, claims)| world.with(&name, license(claims.clone())));
        let status = world.status(ms(NOW));
        let reasons: Vec<_> = status.licenses.iter().map(|one| (one.id.as_str(), one.reason.as_str())).collect();
        let active = |id| (id, "active");
        assert_eq!(reasons, [active("a"), ("b", "requirement-missing"), active("c"), ("d", "superseded"), active("e")]);
    }
}

#[test]
fn a_license_that_would_hold_only_if_it_did_not_does_not_whatever_else_is_beside_it() {
    // Of two files with one id the later one needs what b replaces, and the earlier one replaces b, which it needs.
    let later = json!({ "sku": "TWICE", "iat": BEGIN + 1, "requires": ["BASE"] });
    let earlier = json!({ "sku": "TWICE", "iat": BEGIN, "requires": ["OTHER"], "supersedes": ["b"] });
    let base = json!({ "jti": "a", "sku": "BASE" });
    let other = json!({ "jti": "b", "sku": "OTHER", "supersedes": ["a"] });
    let mut world = World::new();
    for (name, claims) in ["0", "1", "2", "3"].iter().zip([later, earlier, base, other]) {
        world.put(name, license(claims));
    }
    let status = world.status(ms(NOW));
    let reasons: Vec<_> = status.licenses.iter().map(|one| (one.id.as_str(), one.reason.as_str())).collect();
    let twice = [("lic_1", "duplicate-id"), ("lic_1", "requirement-missing")];
    assert_eq!(reasons[..2], [("a", "superseded"), ("b", "active")]);
    assert!(twice.iter().all(|one| reasons[2..].contains(one)), "{reasons:?}");
}

#[test]
fn a_license_that_requires_what_it_replaces_does_not_hold() {
    let upgrade = json!({ "jti": "b", "sku": "UP", "requires": ["BASE"], "supersedes": ["lic_1"] });
    // Which is of no concern to another that requires it too.
    let addon = json!({ "jti": "c", "kind": "addon", "sku": "MORE", "requires": ["BASE"] });
    let view = view(&[("a", json!({ "sku": "BASE" })), ("b", upgrade), ("c", addon)]);
    assert_eq!(budgets(&view, "tokens"), [("c", "c", Some(100)), ("lic_1", "lic_1", Some(100))]);
}

#[test]
fn the_earliest_threshold_of_several_licenses_warns() {
    let warn = |percent: u64| json!({ "tokens": { "kind": "quota", "max": 1, "warn": percent } });
    let view = view(&[
        ("a", json!({ "limits": warn(90) })),
        ("b", json!({ "jti": "b", "limits": warn(70), "warn": { "usage": 10 } })),
    ]);
    assert_eq!(view.limits["tokens"].warn, Some(70));
}

#[test]
fn a_superseded_license_counts_again_when_its_successor_ends() {
    let newer = license(json!({ "jti": "lic_2", "supersedes": ["lic_1"], "exp": NOW + DAY, "features": {} }));
    let mut world = World::new().with("a", license(json!({}))).with("b", newer);
    let policy = world.load(at(ms(NOW)));
    let during = policy.view(at(ms(NOW)));
    assert!(during.features.is_empty());
    assert_eq!(budgets(&during, "tokens"), [("lic_2", "lic_2", Some(100))]);
    assert_eq!(summary(&policy.status(at(ms(NOW))), "lic_1").reason, "superseded");
    assert_eq!(during.until, Some(ms(NOW + DAY)));
    let after = policy.view(at(ms(NOW + DAY)));
    assert_eq!(budgets(&after, "tokens"), [("lic_1", "lic_1", Some(100))]);
}

#[test]
fn a_license_that_does_not_hold_supersedes_nothing() {
    for changes in [json!({ "nbf": NOW + DAY }), json!({ "exp": NOW - 1 }), json!({ "aud": "acme/switch" })] {
        let mut changes = changes;
        changes["jti"] = json!("lic_2");
        changes["supersedes"] = json!(["lic_1"]);
        assert!(view(&[("a", json!({})), ("b", changes.clone())]).features.contains_key("sso"), "{changes}");
    }
}

#[test]
fn licenses_that_supersede_each_other_leave_the_later_one() {
    let one = |id: &str, other: &str, issued: u64| json!({ "jti": id, "supersedes": [other, id], "iat": issued });
    let view = view(&[("a", one("lic_1", "lic_2", BEGIN + 1)), ("b", one("lic_2", "lic_1", BEGIN))]);
    assert_eq!(budgets(&view, "tokens"), [("lic_1", "lic_1", Some(100))]);
}

#[test]
fn of_licenses_that_supersede_each_other_in_a_circle_the_last_one_counts() {
    let one = |id: &str, older: &str, issued: u64| json!({ "jti": id, "supersedes": [older], "iat": issued });
    let circle = [("lic_1", "lic_2", 1), ("lic_2", "lic_3", 0), ("lic_3", "lic_1", 2)];
    for first in 0..circle.len() {
        let named = ["a", "b", "c"].into_iter().zip((0..).map(|at| circle[(first + at) % circle.len()]));
        let licenses: Vec<_> = named.map(|(name, (id, older, at))| (name, one(id, older, BEGIN + at))).collect();
        assert_eq!(budgets(&view(&licenses), "tokens"), [("lic_3", "lic_3", Some(100))]);
    }
}

#[test]
fn the_same_license_under_two_names_counts_once() {
    for names in [["a", "b"], ["b", "a"]] {
        let mut world = World::new().with(names[0], license(json!({}))).with(names[1], license(json!({})));
        let status = world.status(ms(NOW));
        assert_eq!(status.licenses.len(), 1);
        assert_eq!(
            (document(&status, "a").reason.as_str(), document(&status, "b").reason.as_str()),
            ("adopted", "duplicate")
        );
        assert_eq!(status.limits[1].max, Some(100));
    }
}

#[test]
fn of_two_licenses_with_one_id_the_one_issued_last_counts_wherever_it_lies() {
    let early = || license(json!({ "limits": { "tokens": { "kind": "quota", "max": 1 } } }));
    let late = || license(json!({ "iat": BEGIN + 1, "limits": { "tokens": { "kind": "quota", "max": 2 } } }));
    for (first, second) in [(early(), late()), (late(), early())] {
        let status = World::new().with("a", first).with("b", second).status(ms(NOW));
        assert_eq!(status.limits[0].max, Some(2));
        let reasons: Vec<_> = status.documents.iter().map(|document| document.reason.as_str()).collect();
        assert!(reasons.contains(&"adopted") && reasons.contains(&"duplicate-id"), "{reasons:?}");
    }
}

#[test]
fn a_moved_license_is_not_told_to_be_missing() {
    let mut world = World::new().with("a", license(json!({ "grace": { "validation": "72h" } })));
    world.status(ms(NOW));
    let content = world.offered.remove("a").unwrap();
    world.offered.insert("z".to_string(), content);
    let status = world.status(ms(NOW + 60));
    assert_eq!((told(&status), warnings(&status)), ((true, "active", "active"), vec![]));
}
