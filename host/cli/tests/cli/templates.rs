//! Each template, issued by the command and read by the rules.

use placet_rules::claims::{self, Origin};
use placet_rules::license::{Enforce, License};
use placet_rules::{jwk, jws};
use serde_json::{Value, json};

use crate::support::Desk;

/// What each template is given beside customer and product: no more than it needs.
const GIVEN: [(&str, &[&str]); 13] = [
    ("evaluation", &["--feature", "sso"]),
    ("pilot", &["--limit", "objects=gauge:100"]),
    ("annual", &["--feature", "sso"]),
    ("timed", &["--feature", "sso", "--expires", "2126-03-31"]),
    ("perpetual", &["--feature", "sso"]),
    ("floating", &["--limit", "users=seats:25"]),
    ("node-locked", &["--feature", "sso", "--scope-fingerprint", "aa11,bb22"]),
    ("feature", &["--feature", "beta"]),
    ("metered", &["--limit", "tokens=quota:unlimited"]),
    ("managed", &["--feature", "sso", "--scope-environment", "production"]),
    ("marketplace", &["--limit", "tokens=quota:1000", "--sku", "ROUTER-MP", "--subject", "aws_4711"]),
    ("top-up", &["--limit", "tokens=quota:500"]),
    ("add-on", &["--feature", "ai", "--requires", "ROUTER-ENT-1Y"]),
];

fn issue<'a>(template: &'a str, given: &[&'a str]) -> Vec<&'a str> {
    let new = ["license", "new", "--template", template, "--customer", "Globex", "--product", "acme/router"];
    [&new, given].concat()
}

/// The license that a desk issued, verified and typed by the rules, which know nothing of templates; and its claims.
fn issued(desk: &Desk, template: &str, given: &[&str]) -> (License, Value) {
    let signing = ["--key", "TEST-desk.key", "--out", "license.json"];
    desk.done(&issue(template, &[given, &signing].concat()));
    let jwk = desk.json(&["key", "show", "TEST-desk.pub"])["jwk"].to_string();
    let verified = jws::verify(desk.read("license.json").as_bytes(), &jwk::PublicKey::parse(&jwk).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&verified.into_payload()).unwrap();
    let origin =
        Origin { document: String::new(), key: String::new(), algorithm: String::new(), payload_hash: [0; 32] };
    (claims::read(claims.clone(), origin).unwrap().license, claims)
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.done(&["key", "new", "--out", "TEST-desk"]);
    desk
}

#[test]
fn each_template_issues_what_the_rules_take() {
    let desk = desk();
    let listed = desk.json(&["license", "templates"]);
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, GIVEN.map(|(name, _)| name));
    for (template, given) in GIVEN {
        let (license, claims) = issued(&desk, template, given);
        assert!(!license.features.is_empty() || !license.limits.is_empty(), "{template}");
        let kind = match template {
            "evaluation" | "pilot" => "trial",
            "top-up" => "topup",
            "add-on" => "addon",
            _ => "standard",
        };
        assert_eq!(license.kind, kind, "{template}");
        assert_eq!(license.expires.is_none(), template == "perpetual", "{template}");
        assert_eq!(license.maintenance.is_some(), template == "perpetual", "{template}");
        assert_eq!(license.check_in.is_some(), template == "managed", "{template}");
        assert_eq!(license.grace_expiry > 0, !["evaluation", "timed", "perpetual", "top-up"].contains(&template));
        let limit = |name: &str| &claims["limits"][name];
        match template {
            "floating" => assert_eq!(limit("users"), &json!({ "kind": "seats", "max": 25, "ttl": "10m" })),
            "metered" => assert_eq!(license.limits["tokens"].enforce, Enforce::Meter),
            "marketplace" => assert_eq!(limit("tokens")["reset"], "month"),
            "top-up" => assert_eq!(limit("tokens"), &json!({ "kind": "quota", "max": 500 })),
            "node-locked" => assert_eq!(claims["scope"], json!({ "fingerprints": ["aa11", "bb22"], "match": "most" })),
            "add-on" => assert_eq!(license.requires, ["ROUTER-ENT-1Y"]),
            _ => {}
        }
    }
}

#[test]
fn a_template_that_lacks_something_names_the_flag() {
    let desk = desk();
    for (template, given) in GIVEN {
        // Without each of the pairs in turn, and without all of them.
        for left_out in (0..given.len()).step_by(2) {
            let fewer = [&given[..left_out], &given[left_out + 2..]].concat();
            let run = desk.run(&issue(template, &fewer));
            assert_eq!((run.code, run.out.as_str()), (2, ""), "{template} without {}", given[left_out]);
            assert!(run.err.contains(given[left_out]), "{template} without {}: {}", given[left_out], run.err);
        }
    }
}

#[test]
fn a_flag_goes_before_the_template() {
    let desk = desk();
    let given =
        ["--feature", "sso", "--expires", "never", "--grace-expiry", "0d", "--plan", "gold", "--kind", "standard"];
    let (license, _) = issued(&desk, "annual", &given);
    assert_eq!((license.expires, license.grace_expiry, license.plan.as_str()), (None, 0, "gold"));
    let (_, claims) = issued(&desk, "annual", &["--feature", "sso", "--ends", "instant"]);
    assert_eq!(claims["ends"], Value::Null);
    let (license, _) = issued(&desk, "perpetual", &["--feature", "sso", "--maintenance", "2126-01-01"]);
    assert_eq!(license.maintenance.map(|maintenance| maintenance.until), Some(4_922_899_200_000));
}

#[test]
fn a_date_of_expires_is_that_day_in_the_zone_where_the_license_ends_with_it() {
    let desk = desk();
    let expires = |end, more: &[&str]| {
        let given = ["--feature", "sso", "--zone", "America/New_York", "--expires", end];
        issued(&desk, "timed", &[&given, more].concat()).0.expires
    };
    // Midnight in New York is 4 o'clock in UTC.
    let (begins, hour) = (4_930_588_800_000, 3_600_000);
    assert_eq!(expires("2126-03-31", &[]), Some(begins + 28 * hour));
    assert_eq!(expires("2126-03-31T03:59:59Z", &[]), Some(begins + 4 * hour));
    assert_eq!(expires("2126-03-31", &["--ends", "day"]), Some(begins + 28 * hour));
    assert_eq!(expires("2126-03-31", &["--ends", "instant"]), Some(begins));
}

#[test]
fn each_claim_has_a_flag() {
    let desk = desk();
    let (license, claims) = issued(
        &desk,
        "annual",
        &[
            "--id",
            "lic_1",
            "--issuer",
            "https://acme.example",
            "--subject",
            "org_1",
            "--sku",
            "R-1",
            "--serial",
            "7",
            "--starts",
            "2026-01-01",
            "--expires",
            "2126-01-01",
            "--zone",
            "Europe/Berlin",
            "--requires",
            "A,B",
            "--supersedes",
            "lic_0",
            "--min-policy",
            "3",
            "--metadata",
            "contract=C-1",
            "--feature",
            "sso",
            "--grace-clock",
            "1h",
            "--warn-expiring",
            "5d",
            "--warn-usage",
            "70",
            "--maintenance",
            "2126-01-01",
            "--maintenance-by",
            "version",
            "--check-in",
            "90d",
            "--check-in-tolerance",
            "14d",
            "--scope-fingerprint",
            "aa",
            "--scope-match",
            "two",
            "--scope-environment",
            "production,staging",
            "--scope-host",
            "a.example",
            "--scope-product",
            "acme/router",
            "--scope-versions",
            ">=2, <4",
            "--scope-instances",
            "3",
            "--limit",
            "t=quota:9,reset=month,anchor=31,zone=Asia/Tokyo,rollover=1,enforce=overage,allowance=10%,refund,warn=90,slack=4,account=x,per=tenant",
            "--limit",
            "v=quota:9,term=30d",
            "--limit",
            "r=rate:5,every=1s,burst=9",
            "--limit",
            "s=seats:4,ttl=10m",
        ],
    );
    assert_eq!((license.id.as_str(), license.grace_clock, license.warn_usage), ("lic_1", 3_600_000, 70));
    assert_eq!((license.requires.len(), license.supersedes.len(), license.min_policy), (2, 1, Some(3)));
    assert_eq!((claims["serial"].as_u64(), &claims["metadata"]), (Some(7), &json!({ "contract": "C-1" })));
    assert_eq!(claims["check_in"], json!({ "every": "90d", "tolerance": "14d" }));
    assert_eq!(
        claims["scope"],
        json!({ "fingerprints": ["aa"], "match": "two", "environments": ["production", "staging"], "hosts": ["a.example"],
            "products": ["acme/router"], "versions": ">=2, <4", "instances": 3 })
    );
    assert_eq!(
        claims["limits"]["t"],
        json!({ "kind": "quota", "max": 9, "reset": "month", "anchor": 31, "zone": "Asia/Tokyo", "rollover": 1,
            "enforce": "overage", "allowance": "10%", "refund": true, "warn": 90, "slack": 4, "account": "x", "per": "tenant" })
    );
    assert_eq!(claims["limits"]["r"], json!({ "kind": "rate", "max": 5, "every": "1s", "burst": 9 }));
}

#[test]
fn the_documentation_has_each_template() {
    let document = include_str!("../../../../docs/license-format.md");
    let table = document.split("## Templates").nth(1).unwrap().split("## ").next().unwrap();
    let rows: Vec<_> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(rows, GIVEN.map(|(name, _)| name));
}
