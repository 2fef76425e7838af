use alloc::format;
use alloc::string::ToString;

use serde_json::json;

use super::*;
use crate::calendar::{Calendar, Every};
use crate::license::{LimitKind, Stretch};
use crate::reason;
use crate::types::Attribute;

fn read_of(claims: Value) -> Result<License, Refusal> {
    let origin = Origin {
        document: "a".to_string(),
        key: "TEST-1".to_string(),
        algorithm: "EdDSA".to_string(),
        payload_hash: [0xab; 32],
    };
    read(claims, origin).map(|claims| claims.license)
}

/// Where the claim that refuses a license stands.
fn refused(claims: Value) -> String {
    let refusal = read_of(claims.clone()).expect_err(&claims.to_string());
    assert_eq!(refusal.reason, reason::CLAIM_INVALID);
    refusal.details[0].value.clone()
}

fn limit(terms: Value) -> crate::license::LimitTerms {
    read_of(json!({ "limits": { "x": terms } })).unwrap().limits.remove("x").unwrap()
}

#[test]
fn an_empty_license_grants_nothing_and_takes_the_defaults() {
    let license = read_of(json!({})).unwrap();
    assert_eq!(license.id, format!("sha256:{}", "ab".repeat(32)));
    assert_eq!((license.kind.as_str(), license.grace_expiry, license.grace_validation), ("standard", 0, 0));
    assert_eq!((license.grace_clock, license.warn_expiring, license.warn_usage), (86_400_000, 30 * 86_400_000, 80));
    assert!(license.features.is_empty() && license.limits.is_empty() && license.undecided.is_empty());
}

#[test]
fn a_claim_of_the_wrong_type_is_named() {
    for name in ["jti", "iss", "sub", "customer", "plan", "sku", "kind"] {
        assert_eq!(refused(json!({ name: 7 })), name);
        assert_eq!(refused(json!({ name: null })), name);
    }
    for name in ["iat", "nbf", "exp"] {
        for value in [json!(1.5), json!(-1), json!("1767225600"), json!(null), json!(1_767_225_600_000_u64), json!(1e9)]
        {
            assert_eq!(refused(json!({ name: value })), name);
        }
    }
    assert_eq!(refused(json!({ "jti": "" })), "jti");
    assert_eq!(refused(json!({ "jti": "x".repeat(129) })), "jti");
    assert_eq!(refused(json!({ "aud": [1] })), "aud");
    assert_eq!(refused(json!({ "supersedes": "lic_1" })), "supersedes");
    assert_eq!(refused(json!({ "min_policy": -1 })), "min_policy");
    for name in ["features", "limits", "scope", "grace", "warn", "metadata"] {
        assert_eq!(refused(json!({ name: [] })), name);
    }
    for name in ["expiry", "validation", "clock"] {
        assert_eq!(refused(json!({ "grace": { name: 14 } })), format!("grace.{name}"));
        assert_eq!(refused(json!({ "grace": { name: "14" } })), format!("grace.{name}"));
    }
    assert_eq!(refused(json!({ "warn": { "expiring": "1.5d" } })), "warn.expiring");
    assert_eq!(refused(json!({ "warn": { "usage": 0 } })), "warn.usage");
    assert_eq!(refused(json!({ "warn": { "usage": 101 } })), "warn.usage");
    for name in ["fingerprints", "environments", "products", "hosts"] {
        assert_eq!(refused(json!({ "scope": { name: "x" } })), format!("scope.{name}"));
        assert_eq!(refused(json!({ "scope": { name: [] } })), format!("scope.{name}"));
    }
}

#[test]
fn a_license_must_end_after_it_begins() {
    assert_eq!(refused(json!({ "nbf": 10, "exp": 10 })), "exp");
    assert!(read_of(json!({ "nbf": 10, "exp": 11 })).is_ok());
}

#[test]
fn features_are_granted_by_true_or_by_terms() {
    let claims =
        json!({ "features": { "a": true, "b": false, "c": { "expires": 5, "tier": "gold" }, "d": "yes", "e": 3 } });
    let license = read_of(claims).unwrap();
    assert_eq!(license.features.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(license.features["c"].expires, Some(5000));
    assert_eq!(license.features["c"].details, [Attribute::new("tier", "gold")]);
    assert_eq!(
        license.details.iter().map(|detail| detail.name.as_str()).collect::<Vec<_>>(),
        ["features.d", "features.e"]
    );
    assert_eq!(refused(json!({ "features": { "a": { "expires": "soon" } } })), "features.a.expires");
    assert_eq!(refused(json!({ "features": { "": true } })), "features.");
}

#[test]
fn amounts_are_whole_numbers_of_a_u64() {
    assert_eq!(limit(json!({ "kind": "quota", "max": u64::MAX })).max, Some(u64::MAX));
    assert_eq!(limit(json!({ "kind": "quota", "max": null })).max, None);
    assert_eq!(limit(json!({ "kind": "quota", "max": 0 })).max, Some(0));
    for max in [json!(1.0), json!(-1), json!("1"), json!(true), json!(1e30), json!([])] {
        assert_eq!(refused(json!({ "limits": { "x": { "kind": "quota", "max": max } } })), "limits.x.max");
    }
    assert_eq!(refused(json!({ "limits": { "x": { "kind": "gauge" } } })), "limits.x.max");
    assert_eq!(refused(json!({ "limits": { "x": { "max": 1 } } })), "limits.x.kind");
    assert_eq!(refused(json!({ "limits": { "x": 1 } })), "limits.x");
    for (name, value) in
        [("refund", json!("yes")), ("slack", json!(-1)), ("warn", json!(0)), ("account", json!("")), ("per", json!(1))]
    {
        assert_eq!(
            refused(json!({ "limits": { "x": { "kind": "quota", "max": 1, name: value } } })),
            format!("limits.x.{name}")
        );
    }
}

#[test]
fn what_is_not_decided_yet_is_told_and_denied() {
    for (name, value, undecided) in [
        ("reset", json!("fortnight"), "reset"),
        ("anchor", json!(1), "anchor"),
        ("zone", json!("UTC"), "zone"),
        ("rollover", json!(1), "rollover"),
        ("enforce", json!("gently"), "enforce"),
        ("allowance", json!("10%"), "allowance"),
        ("per", json!("planet"), "per"),
        ("moon", json!(null), "moon"),
    ] {
        assert_eq!(limit(json!({ "kind": "quota", "max": 1, name: value })).undecided, [undecided]);
    }
    assert_eq!(limit(json!({ "kind": "seats", "max": 1, "moon": 1 })).undecided, ["moon"]);
    assert_eq!(limit(json!({ "kind": "quota", "max": 1, "ttl": "1h" })).undecided, ["ttl"]);
    assert_eq!(limit(json!({ "kind": "rate", "max": null, "every": "1s", "burst": 1 })).undecided, ["burst"]);
    assert_eq!(
        limit(json!({ "kind": "quota", "max": 1, "enforce": "hard", "per": "tenant", "refund": true })).undecided,
        [""; 0]
    );
}

#[test]
fn periods_are_read_with_anchor_and_zone() {
    let quota = |claims: Value| {
        let mut terms = json!({ "kind": "quota", "max": 1 });
        terms.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        terms
    };
    for (claims, every, zone) in [
        (json!({ "reset": "day", "rollover": 0 }), Every::Day, "UTC"),
        (json!({ "reset": "week", "anchor": 7, "zone": "america/new_york" }), Every::Week(7), "America/New_York"),
        (json!({ "reset": "month" }), Every::Month(1), "UTC"),
        (json!({ "reset": "month", "anchor": 31 }), Every::Month(31), "UTC"),
        (json!({ "reset": "quarter", "anchor": 15 }), Every::Quarter(1, 15), "UTC"),
        (json!({ "reset": "year", "anchor": "07-31", "zone": "UTC" }), Every::Year(7, 31), "UTC"),
    ] {
        let terms = limit(quota(claims));
        let calendar = Calendar::new(every, zone).unwrap();
        assert_eq!((terms.stretch, terms.undecided), (Some(Stretch::Calendar { calendar, rollover: 0 }), Vec::new()));
    }
    for (reset, anchor) in [
        ("week", json!(0)),
        ("week", json!(8)),
        ("week", json!("01-01")),
        ("month", json!(32)),
        ("month", json!("1")),
        ("quarter", json!(0)),
        ("quarter", json!("13-01")),
        ("year", json!("00-01")),
        ("year", json!("7-1")),
        ("year", json!("+7-01")),
        ("year", json!("07-32")),
        ("year", json!(null)),
    ] {
        let limits = json!({ "limits": { "x": quota(json!({ "reset": reset, "anchor": anchor })) } });
        assert_eq!(refused(limits), "limits.x.anchor", "{reset} {anchor}");
    }
    for (term, length) in
        [("1h", Some(3_600_000)), ("36525d", Some(3_155_760_000_000)), ("59m", None), ("36526d", None), ("1", None)]
    {
        match length {
            Some(length) => assert_eq!(limit(quota(json!({ "term": term }))).stretch, Some(Stretch::Term(length))),
            None => assert_eq!(refused(json!({ "limits": { "x": quota(json!({ "term": term })) } })), "limits.x.term"),
        }
    }
    assert_eq!(limit(quota(json!({ "reset": "day", "anchor": 1 }))).undecided, ["anchor"]);
    assert_eq!(limit(quota(json!({ "reset": "day", "zone": "Mars/Olympus" }))).undecided, ["zone"]);
    assert_eq!(limit(json!({ "kind": "gauge", "max": 1, "reset": "day" })).undecided, ["reset"]);
}

#[test]
fn the_terms_of_a_limit_are_shown_as_the_license_spells_them() {
    let shown = |terms: Value| {
        let told = limit(terms).details.into_iter().map(|Attribute { name, value }| format!("{name} {value}"));
        told.collect::<Vec<_>>().join(", ")
    };
    for (terms, told) in [
        (json!({ "kind": "quota", "max": 5 }), ""),
        (
            json!({ "kind": "quota", "max": 5, "reset": "week", "anchor": 7, "zone": "america/new_york", "rollover": 2,
                "enforce": "overage", "allowance": "10%", "refund": true, "warn": 90, "account": "x" }),
            "account x, allowance 10%, anchor 7, enforce overage, refund true, reset week, rollover 2, warn 90, zone america/new_york",
        ),
        (json!({ "kind": "quota", "max": null, "term": "30d", "slack": 9 }), "slack 9, term 30d"),
        (json!({ "kind": "rate", "max": 5, "every": "1m", "burst": 9 }), "burst 9, every 1m"),
        (json!({ "kind": "seats", "max": 5, "ttl": "10m", "per": "tenant" }), "per tenant, ttl 10m"),
        (
            json!({ "kind": "quota", "max": 5, "reset": "fortnight", "moon": { "phases": 4 } }),
            "moon {\"phases\":4}, reset fortnight",
        ),
    ] {
        assert_eq!(shown(terms.clone()), told, "{terms}");
    }
}

#[test]
fn a_kind_of_a_newer_vendor_does_not_break_the_license() {
    let terms = limit(json!({ "kind": "moons", "max": { "phases": 4 }, "every": "1s" }));
    assert_eq!((&terms.kind, terms.max), (&LimitKind::Other("moons".to_string()), Some(0)));
    assert_eq!(terms.undecided, ["kind=moons", "every"]);
}

#[test]
fn what_is_shown_is_bounded() {
    let mut claims = json!({ "note": "ä".repeat(300) });
    for number in 0..100 {
        claims[format!("claim-{number:03}")] = json!(number);
    }
    let license = read_of(claims).unwrap();
    assert_eq!(license.details.len(), DETAILS);
    assert!(license.details.iter().all(|detail| detail.value.len() <= 260));
}
