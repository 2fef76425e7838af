//! Where a license holds, and which claims these rules can decide.

use placet_rules::types::Attribute;
use serde_json::{Value, json};

use crate::world::*;

fn detail<'a>(details: &'a [Attribute], name: &str) -> &'a str {
    &details.iter().find(|detail| detail.name == name).expect(name).value
}

#[test]
fn a_license_holds_only_in_its_scope() {
    let mut world = World::new().with("a", license(json!({ "scope": { "environments": ["production"] } })));
    let status = world.status(ms(BEGIN));
    assert_eq!(told(&status), (false, "invalid", "fact-missing"));
    assert_eq!(detail(&document(&status, "a").details, "fact"), "environment");
    assert_eq!((summary(&status, "lic_1").state.as_str(), status.until), ("invalid", None));
    world.deployment = vec![Attribute::new("environment", "staging")];
    assert_eq!(told(&world.status(ms(BEGIN))), (false, "invalid", "environment-mismatch"));
    world.deployment = vec![Attribute::new("environment", "production")];
    assert!(world.status(ms(BEGIN)).usable);
}

#[test]
fn a_license_may_ask_for_a_later_policy() {
    assert!(World::new().with("a", license(json!({ "min_policy": 5 }))).status(ms(BEGIN)).usable);
    let status = World::new().with("a", license(json!({ "min_policy": 6 }))).status(ms(BEGIN));
    assert_eq!(told(&status), (false, "invalid", "policy-too-old"));
    assert_eq!(detail(&document(&status, "a").details, "min-policy"), "6");
}

#[test]
fn claims_that_narrow_and_cannot_be_decided_keep_a_license_from_holding() {
    for (name, value, told_of) in [
        ("check_in", json!({ "every": "90d", "by": "phone" }), "check_in.by"),
        ("ends", json!("week"), "ends"),
        ("maintenance", json!({ "until": 1, "by": "mood" }), "maintenance.by"),
        ("maintenance", json!({ "until": 1, "by": "release-date", "for": "bugs" }), "maintenance.for"),
        ("scope", json!({ "moons": 1 }), "scope.moons"),
        ("scope", json!({ "match": "few" }), "scope.match"),
    ] {
        let status = World::new().with("a", license(json!({ name: value }))).status(ms(BEGIN));
        assert_eq!(told(&status), (false, "invalid", "claim-undecided"), "{name}");
        assert_eq!(detail(&document(&status, "a").details, "claim"), told_of);
    }
}

#[test]
fn claims_that_are_not_known_are_shown_and_harmless() {
    let status =
        World::new().with("a", license(json!({ "colour": { "red": 1 }, "grace": { "moon": "1d" } }))).status(ms(BEGIN));
    assert!(status.usable);
    let details = &summary(&status, "lic_1").details;
    assert_eq!((detail(details, "colour"), detail(details, "grace.moon")), (r#"{"red":1}"#, "1d"));
}

/// The license that the design shows, with every claim it knows.
fn example() -> Value {
    json!({ "iss": "https://licensing.acme.example", "jti": "lic_2026_0042", "sub": "org_globex", "aud": "acme/router",
      "iat": 1767225600, "nbf": 1767225600, "exp": 1798761600,
      "customer": "Globex GmbH", "plan": "enterprise", "sku": "ROUTER-ENT-1Y", "kind": "standard",
      "serial": 7, "supersedes": ["lic_2025_0017"],
      "features": { "sso": true, "audit_trails": { "expires": 1780000000 } },
      "limits": {
        "tokens":   { "kind": "quota", "max": 1000000000, "reset": "month", "zone": "America/New_York", "rollover": 100000000 },
        "objects":  { "kind": "gauge", "max": 50000, "per": "tenant" },
        "requests": { "kind": "rate",  "max": 5000, "every": "1s", "burst": 10000 },
        "cores":    { "kind": "seats", "max": 64, "ttl": "10m" } },
      "scope": { "fingerprints": ["ab01"], "match": "any", "environments": ["production"], "versions": ">=2, <4", "instances": 3 },
      "grace": { "expiry": "14d", "validation": "72h", "clock": "24h" },
      "warn": { "expiring": "30d", "usage": 80 },
      "check_in": { "every": "90d", "tolerance": "14d" },
      "min_policy": 5, "metadata": { "contract": "C-1881" } })
}

#[test]
fn every_claim_of_the_design_is_read() {
    let status = World::new().with("a", vendor().sign(&example())).status(ms(BEGIN));
    assert_eq!(told(&status), (false, "invalid", "fact-missing"));
    let summary = summary(&status, "lic_2026_0042");
    assert_eq!(summary.features, ["audit_trails", "sso"]);
    let limits: Vec<_> =
        summary.limits.iter().map(|limit| (limit.name.as_str(), limit.kind.as_str(), limit.max)).collect();
    assert_eq!(
        limits,
        [
            ("cores", "seats", Some(64)),
            ("objects", "gauge", Some(50_000)),
            ("requests", "rate", Some(5_000)),
            ("tokens", "quota", Some(1_000_000_000))
        ]
    );
    assert_eq!(detail(&summary.limits[3].details, "rollover"), "100000000");
    assert_eq!(detail(&summary.limits[1].details, "per"), "tenant");
    assert_eq!(detail(&summary.details, "instances"), "3");
    assert_eq!((detail(&summary.details, "metadata/contract"), detail(&summary.details, "serial")), ("C-1881", "7"));
}

#[test]
fn the_example_holds_and_all_of_it_is_decided() {
    let mut world = World::new().with("a", vendor().sign(&example()));
    let facts =
        [("environment", "production"), ("fingerprint/machine-id", "ab01"), ("version", "3.1.0"), ("instance", "i1")];
    world.deployment = facts.map(|(name, value)| Attribute::new(name, value)).into();
    let policy = world.load(at(ms(BEGIN)));
    let view = policy.view(at(ms(BEGIN)));
    assert!(view.usable);
    assert!(view.limits.len() == 4 && view.limits.values().all(|limit| limit.undecided.is_empty()));
    assert_eq!(view.features["audit_trails"].until, Some(ms(1_780_000_000)));
    assert_eq!(view.limits["tokens"].budgets[0].account, "@customer");
}

#[test]
fn so_many_instances_as_a_license_allows_find_a_place_and_keep_it() {
    let mut world = World::new().with("a", license(json!({ "scope": { "instances": 2 } })));
    assert_eq!(told(&world.status(ms(BEGIN))), (false, "invalid", "fact-missing"));
    let minute = |minute: u64| ms(BEGIN) + minute * 60_000;
    let mut tell = |instance: &str, at: u64| {
        world.deployment = vec![Attribute::new("instance", instance)];
        world.counters.pools.now.set(minute(at));
        let status = world.status(minute(at));
        (status.usable, status.state, status.reason, world.counters.pools.claims.get())
    };
    let (active, full) = (
        |claims| (true, "active".to_string(), "active".to_string(), claims),
        |claims| (false, "pending".to_string(), "instances-exceeded".to_string(), claims),
    );
    assert_eq!(tell("i1", 0), active(1));
    assert_eq!(tell("i2", 1), active(2));
    assert_eq!(tell("i3", 1), full(3));
    // A place is renewed once half of its time is over, and not before.
    assert_eq!(tell("i1", 4), active(3));
    assert_eq!(tell("i1", 6), active(4));
    assert_eq!(tell("i3", 10), full(5));
    // The second one is gone, and its place with it.
    assert_eq!(tell("i3", 11), active(6));
    assert_eq!(tell("i2", 11), full(7));
}

#[test]
fn an_instance_without_an_answer_of_the_counters_has_no_place() {
    let mut world = World::new().with("a", license(json!({ "scope": { "instances": 2 } })));
    world.deployment = vec![Attribute::new("instance", "i1")];
    world.counters.broken.set(true);
    assert_eq!(told(&world.status(ms(BEGIN))), (false, "pending", "memory-unavailable"));
}
