//! Each state, and the boundaries between them to the millisecond.

use serde_json::json;

use crate::world::*;

#[test]
fn without_documents_a_license_is_missing() {
    let status = World::new().status(ms(BEGIN));
    assert_eq!(told(&status), (false, "missing", "missing"));
    assert_eq!((status.until, status.evaluated), (None, ms(BEGIN)));
}

#[test]
fn a_license_goes_through_its_states_to_the_millisecond() {
    let mut world = World::new().with("a", license(json!({ "grace": { "expiry": "14d" } })));
    let (begin, warn, end, grace) = (ms(BEGIN), ms(END - 30 * DAY), ms(END), ms(END + 14 * DAY));
    let cases = [
        (begin - 1, (false, "pending", "not-started"), Some(begin)),
        (begin, (true, "active", "active"), Some(warn)),
        (warn - 1, (true, "active", "active"), Some(warn)),
        (warn, (true, "expiring", "expiring"), Some(ms(END - 29 * DAY))),
        (end - 1, (true, "expiring", "expiring"), Some(end)),
        (end, (true, "grace", "expiry-grace"), Some(grace)),
        (grace - 1, (true, "grace", "expiry-grace"), Some(grace)),
        (grace, (false, "expired", "expired"), None),
    ];
    let loaded_early = world.load(at(begin - 1));
    for (now, expected, until) in cases {
        let status = world.status(now);
        assert_eq!(told(&status), expected, "{now}");
        assert_eq!(status.until, until, "{now}");
        assert_eq!(loaded_early.status(at(now)), status, "what was loaded earlier says the same at {now}");
        let view = loaded_early.view(at(now));
        assert_eq!((view.usable, view.state.as_str(), view.reason.as_str()), expected, "{now}");
    }
}

#[test]
fn without_grace_a_license_expires_at_its_end() {
    let mut world = World::new().with("a", license(json!({})));
    assert_eq!(told(&world.status(ms(END) - 1)), (true, "expiring", "expiring"));
    assert_eq!(told(&world.status(ms(END))), (false, "expired", "expired"));
}

#[test]
fn a_license_without_an_end_stays_active() {
    let mut world = World::new().with("a", license(json!({ "exp": null })));
    let status = world.status(ms(253_402_300_799));
    assert_eq!((told(&status), status.until), ((true, "active", "active"), None));
}

#[test]
fn a_license_issued_ahead_waits_until_five_minutes_before() {
    let mut world = World::new().with("a", license(json!({ "nbf": null })));
    let believable = ms(BEGIN - 300);
    let early = world.status(believable - 1);
    assert_eq!((told(&early), early.until), ((false, "pending", "issued-in-future"), Some(believable)));
    assert_eq!(told(&world.status(believable)), (true, "active", "active"));
}

#[test]
fn what_expired_may_be_read_and_given_back() {
    let policy = World::new().with("a", license(json!({}))).load(at(ms(END)));
    let view = policy.view(at(ms(END)));
    assert!(view.features.is_empty());
    assert_eq!(view.readable.iter().collect::<Vec<_>>(), ["sso"]);
    assert_eq!(view.limits.keys().collect::<Vec<_>>(), ["objects", "tokens"]);
    let status = policy.status(at(ms(END)));
    assert!(status.features.is_empty() && status.limits.is_empty());
}

#[test]
fn the_warning_counts_the_days_that_are_left() {
    let mut world = World::new().with("a", license(json!({ "warn": { "expiring": "10d" } })));
    assert_eq!(warnings(&world.status(ms(END - 10 * DAY) - 1)), [""; 0]);
    for (left, days) in
        [(10 * DAY, "within 10 days"), (9 * DAY + 1, "within 10 days"), (9 * DAY, "within 9 days"), (1, "within a day")]
    {
        let status = world.status(ms(END - left));
        assert_eq!(warnings(&status), ["expiring"]);
        let text = &status.warnings[0].text;
        assert!(text.contains(days) && text.contains("2027-01-01T00:00:00Z"), "{text}");
    }
}

#[test]
fn a_renewal_that_follows_without_a_gap_keeps_the_present_license_from_warning() {
    let renewal = |from: u64| license(json!({ "jti": "lic_2", "nbf": from, "exp": END + 365 * DAY }));
    let present = || World::new().with("a", license(json!({})));
    let now = ms(END - DAY);
    let status = present().with("b", renewal(END)).status(now);
    assert_eq!((told(&status), warnings(&status)), ((true, "active", "active"), vec![]));
    assert_eq!(summary(&status, "lic_1").state, "expiring");
    assert_eq!(summary(&status, "lic_2").state, "pending");
    let gap = present().with("b", renewal(END + 1)).status(now);
    assert_eq!((told(&gap), warnings(&gap)), ((true, "expiring", "expiring"), vec!["expiring"]));
    let soon = present().with("b", license(json!({ "jti": "lic_2", "nbf": END, "exp": END + DAY }))).status(now);
    assert_eq!(told(&soon), (true, "expiring", "expiring"), "the renewal ends soon as well");
    assert!(soon.warnings[0].text.contains("within 2 days"));
}

#[test]
fn a_top_up_does_not_hide_that_the_license_ends() {
    let top_up = license(json!({ "jti": "top_1", "kind": "topup", "exp": null }));
    let mut world = World::new().with("a", license(json!({}))).with("b", top_up);
    assert_eq!(told(&world.status(ms(END - DAY))), (true, "expiring", "expiring"));
}

#[test]
fn the_best_state_of_several_licenses_is_that_of_the_whole() {
    let expired = || World::new().with("a", license(json!({ "exp": BEGIN + DAY })));
    let now = ms(BEGIN + 2 * DAY);
    let later = expired().with("b", license(json!({ "jti": "lic_2", "nbf": BEGIN + 9 * DAY }))).status(now);
    assert_eq!((told(&later), later.until), ((false, "pending", "not-started"), Some(ms(BEGIN + 9 * DAY))));
    let rubbish = expired().with("b", b"rubbish".to_vec()).status(now);
    assert_eq!(told(&rubbish), (false, "expired", "expired"));
    let active = expired().with("b", license(json!({ "jti": "lic_2" }))).status(now);
    assert_eq!(told(&active), (true, "active", "active"));
}

#[test]
fn a_status_says_what_leads_it() {
    let status = World::new().with("a", license(json!({ "sku": "ROUTER-1Y", "serial": 7 }))).status(ms(BEGIN));
    let details: Vec<_> = status.details.iter().map(|detail| (detail.name.as_str(), detail.value.as_str())).collect();
    assert_eq!(
        details,
        [
            ("policy", "acme/router"),
            ("sequence", "5"),
            ("license", "lic_1"),
            ("customer", "Globex GmbH"),
            ("plan", "team"),
            ("sku", "ROUTER-1Y"),
            ("key", "TEST-1")
        ]
    );
    let summary = summary(&status, "lic_1");
    assert_eq!((summary.issuer.as_str(), summary.product.as_str()), ("https://licensing.acme.example", "acme/router"));
    assert_eq!((summary.issued, summary.starts, summary.expires), (Some(ms(BEGIN)), Some(ms(BEGIN)), Some(ms(END))));
    assert_eq!(summary.features, ["sso"]);
    assert!(summary.details.iter().any(|detail| detail.name == "serial" && detail.value == "7"));
}
