use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;
use crate::claims::{self, Origin};

fn license(claims: Value) -> License {
    let origin =
        Origin { document: String::new(), key: String::new(), algorithm: String::new(), payload_hash: [0; 32] };
    claims::read(claims, origin).expect("claims").license
}

/// The reason of the refusal; empty: it holds.
fn checked(claims: Value, facts: &[(&str, &str)]) -> String {
    let facts: Vec<Attribute> = facts.iter().map(|(name, value)| Attribute::new(*name, *value)).collect();
    check(&license(claims), &facts).err().map(|refusal| refusal.reason).unwrap_or_default()
}

#[test]
fn what_is_not_narrowed_holds_anywhere() {
    assert_eq!(checked(json!({}), &[]), "");
}

#[test]
fn each_part_must_fit_and_says_so_by_itself() {
    let scope = json!({ "scope": { "environments": ["staging", "production"], "hosts": ["edge-1.EXAMPLE"], "products": ["acme/router"] } });
    let (environment, host, product) =
        (("environment", "production"), ("host", "Edge-1.example"), ("product", "acme/router"));
    assert_eq!(checked(scope.clone(), &[environment, host, product]), "");
    assert_eq!(checked(scope.clone(), &[("environment", "Production"), host, product]), "environment-mismatch");
    assert_eq!(checked(scope.clone(), &[environment, ("host", "edge-2"), product]), "host-mismatch");
    assert_eq!(checked(scope.clone(), &[environment, host, ("product", "acme/switch")]), "product-mismatch");
    assert_eq!(checked(scope, &[environment, host]), "fact-missing");
}

#[test]
fn as_many_fingerprints_as_asked_for_must_fit() {
    let facts = [("fingerprint/machine-id", "AA01"), ("fingerprint/disk", "bb02"), ("environment", "cc")];
    let fits = |matching: &str, fingerprints: &[&str]| {
        let scope = json!({ "scope": { "fingerprints": fingerprints, "match": matching } });
        let reason = checked(scope, &facts);
        assert!(["", "fingerprint-mismatch"].contains(&&*reason), "{reason}");
        reason.is_empty()
    };
    assert!(fits("any", &["cc", "aa01"]) && !fits("any", &["cc"]));
    assert!(fits("two", &["aa01"]) && fits("two", &["aa01", "bb02", "cc"]));
    assert!(!fits("two", &["aa01", "cc"]));
    assert!(fits("most", &["aa01", "bb02", "cc"]) && !fits("most", &["aa01", "cc"]));
    assert!(fits("all", &["aa01", "bb02"]) && !fits("all", &["aa01", "bb02", "cc"]));
    assert_eq!(checked(json!({ "scope": { "fingerprints": ["cc"] } }), &[("environment", "cc")]), "fact-missing");
}

#[test]
fn versions_are_compared_by_their_parts() {
    let scope = json!({ "scope": { "versions": ">=2, <4" } });
    for (version, reason) in [
        ("2.0.0", ""),
        ("3.99.0", ""),
        ("3.10.2+build.7", ""),
        ("1.99.9", "version-mismatch"),
        ("4.0.0", "version-mismatch"),
        ("4.0.0-rc.1", "version-mismatch"),
        ("10.0.0", "version-mismatch"),
        ("3", "fact-invalid"),
        ("v3.0.0", "fact-invalid"),
    ] {
        assert_eq!(checked(scope.clone(), &[("version", version)]), reason, "{version}");
    }
    assert_eq!(checked(scope, &[]), "fact-missing");
}

#[test]
fn a_version_after_the_maintenance_is_told_from_one_that_was_never_licensed() {
    let by_version = json!({ "scope": { "versions": ">=2, <4" }, "maintenance": { "until": 1, "by": "version" } });
    assert_eq!(checked(by_version.clone(), &[("version", "3.1.0")]), "");
    assert_eq!(checked(by_version.clone(), &[("version", "4.0.0")]), "maintenance-ended");
    assert_eq!(checked(by_version, &[("version", "1.0.0")]), "version-mismatch");
}

#[test]
fn what_was_released_by_the_end_of_the_maintenance_may_be_used() {
    // 2026-07-01T00:00:00Z.
    let until = |by: &str| json!({ "maintenance": { "until": 1_782_864_000_u64, "by": by } });
    for (released, reason) in [
        ("2026-06-30", ""),
        ("2026-07-01", ""),
        ("2026-07-02", "maintenance-ended"),
        ("2026-07-01T00:00:00Z", ""),
        ("2026-07-01T00:00:01Z", "maintenance-ended"),
        ("2026-07-01T01:00:00+02:00", ""),
        ("last week", "fact-invalid"),
        ("1782864000", "fact-invalid"),
        ("", "fact-invalid"),
    ] {
        assert_eq!(checked(until("release-date"), &[("released", released)]), reason, "{released}");
    }
    assert_eq!(checked(until("release-date"), &[]), "fact-missing");
}
