//! The figures that exporters are made from: every count against what was asked of the real thing.

use placet::{Counts, DecisionKind, Figures, MAX_REQUESTERS, Outcomes, Placet, RequestFigures};
use placet_tests::hostile;
use placet_tests::rig::{Site, claims};

fn outcomes(allowed: u64, denied: u64, failed: u64) -> Outcomes {
    Outcomes { allowed, denied, failed }
}

fn of(figures: &Figures, kind: DecisionKind) -> Outcomes {
    figures.decisions.iter().find(|one| one.kind == kind).unwrap().outcomes
}

fn counts(named: &[(&str, u64)]) -> Counts {
    Counts { named: named.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(), other: 0 }
}

fn open() -> (Site, Placet) {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["grace"] = serde_json::json!({"validation": "72h"});
    license["limits"]["users"] = serde_json::json!({"kind": "seats", "max": 1});
    license["limits"]["tenants"] = serde_json::json!({"kind": "seats", "max": 2});
    site.license(&license);
    let placet = site.open();
    (site, placet)
}

#[test]
fn each_answer_is_counted_once_by_kind_reason_and_subject() {
    let (_site, placet) = open();
    let ask = |request: placet::Request<'_>, allowed| assert_eq!(request.decide().unwrap().allowed, allowed);
    (0..3).for_each(|_| ask(placet.check("sso"), true));
    (0..2).for_each(|_| ask(placet.check("audit"), false));
    ask(placet.preview("tokens", 1_001), false);
    ask(placet.consume("tokens", 600), true);
    ask(placet.consume("tokens", 600), false);
    ask(placet.consume("gold", 1), false);
    ask(placet.credit("tokens", 100), true);
    ask(placet.measure("objects", 6), false);
    ask(placet.claim("users", "ada"), true);
    ask(placet.claim("users", "bob"), false);
    ask(placet.release("users", "ada"), true);
    ask(placet.consume("tenants", 1).tenant("t1"), true);
    let reserved = placet.reserve("tokens", 10).into_result().unwrap();
    reserved.settle(12).unwrap();
    assert!(placet.reserve("tokens", 5_000).into_result().is_err());
    assert!(placet.consume("tokens", 1).record().answer.unwrap().allowed);

    let figures = placet.figures();
    assert_eq!(of(&figures, DecisionKind::Check), outcomes(3, 2, 0));
    assert_eq!(of(&figures, DecisionKind::Preview), outcomes(0, 1, 0));
    assert_eq!(of(&figures, DecisionKind::Consume), outcomes(3, 2, 0));
    assert_eq!(of(&figures, DecisionKind::Reserve), outcomes(1, 1, 0));
    assert_eq!(of(&figures, DecisionKind::Credit), outcomes(1, 0, 0));
    assert_eq!(of(&figures, DecisionKind::Measure), outcomes(0, 1, 0));
    assert_eq!(of(&figures, DecisionKind::Claim), outcomes(1, 1, 0));
    assert_eq!(of(&figures, DecisionKind::Release), outcomes(1, 0, 0));
    assert_eq!(figures.denials, counts(&[("limit-exceeded", 5), ("not-licensed", 3)]));
    assert_eq!(figures.failures, counts(&[]));
    assert_eq!(figures.features_blocked, counts(&[("audit", 2)]));
    // Not the preview, nor what no license names.
    assert_eq!(figures.limits_exceeded, counts(&[("objects", 1), ("tokens", 2), ("users", 1)]));
    assert_eq!(figures.tenants_active(), Some(1));
}

#[test]
fn requests_are_told_by_tenant_and_plan_and_add_up() {
    let (_site, placet) = open();
    for tenant in [None, Some("t1"), Some("t1"), Some("other")] {
        let request = placet.check("sso");
        let request = if let Some(tenant) = tenant { request.tenant(tenant) } else { request };
        assert!(request.decide().unwrap().allowed);
    }
    assert!(!placet.check("audit").tenant("t1").decide().unwrap().allowed);
    let figures = placet.figures();
    let told = |one: &RequestFigures| (one.requester.tenant.clone(), one.requester.plan.clone(), one.outcomes);
    let row = |tenant: Option<&str>, plan: &str, outcomes| (tenant.map(str::to_owned), plan.to_owned(), outcomes);
    assert_eq!(
        figures.requests.iter().map(told).collect::<Vec<_>>(),
        [
            row(None, "enterprise", outcomes(1, 0, 0)),
            row(Some("other"), "enterprise", outcomes(1, 0, 0)),
            row(Some("t1"), "", outcomes(0, 1, 0)),
            row(Some("t1"), "enterprise", outcomes(2, 0, 0)),
        ]
    );
    assert_eq!(figures.other_requests, Outcomes::default());
}

#[test]
fn ten_thousand_tenants_are_no_more_than_the_set_number_of_rows() {
    let (_site, placet) = open();
    std::thread::scope(|scope| {
        for first in 0..4 {
            let placet = &placet;
            scope.spawn(move || {
                for tenant in (first..10_000).step_by(4) {
                    assert!(placet.check("sso").tenant(format!("tenant-{tenant}")).decide().unwrap().allowed);
                }
            });
        }
    });
    (0..1_000).for_each(|n| assert!(!placet.check(&format!("feature-{n}")).decide().unwrap().allowed));
    assert!(placet.check("sso").tenant("x".repeat(300)).decide().is_ok());
    let figures = placet.figures();
    assert_eq!(figures.requests.len(), MAX_REQUESTERS);
    assert!(figures.requests.iter().all(|one| one.requester.tenant.as_ref().is_none_or(|name| name.len() < 300)));
    let all = figures.requests.iter().map(|one| one.outcomes).chain([figures.other_requests]);
    let sum = |of: fn(Outcomes) -> u64| all.clone().map(of).sum::<u64>();
    let kinds = of(&figures, DecisionKind::Check);
    assert_eq!((sum(|one| one.allowed), sum(|one| one.denied)), (kinds.allowed, kinds.denied));
    assert_eq!(kinds.allowed + kinds.denied, 11_001);
    assert_eq!(figures.features_blocked.named.len(), 128);
    assert_eq!(figures.features_blocked.named.values().sum::<u64>() + figures.features_blocked.other, kinds.denied);
}

#[test]
fn a_failure_is_told_and_is_no_denial() {
    let (_site, placet) = hostile::site();
    assert_eq!(placet.check("panic").decide().unwrap().reason, "policy-trapped");
    assert!(placet.check("panic").into_result().is_err());
    let figures = placet.figures();
    assert_eq!(of(&figures, DecisionKind::Check), outcomes(0, 0, 2));
    assert_eq!(figures.failures, counts(&[("policy-trapped", 2)]));
    assert_eq!((figures.denials, figures.features_blocked), (counts(&[]), counts(&[])));
}

#[test]
fn state_reloads_and_commits_are_told() {
    let (site, placet) = open();
    let before = placet.figures();
    assert_eq!((&*before.status.state, before.status.usable, before.is_in_grace()), ("active", true, false));
    assert_eq!((before.status.policy.sequence, &*before.status.policy.version), (10, "1.10.0"));
    assert!(before.status.days_until_expiry.unwrap() > 365);
    (0..5).for_each(|_| assert!(placet.consume("tokens", 2).decide().unwrap().allowed));
    site.put("license.json", "rubbish");
    assert_eq!(placet.reload().unwrap().state, "grace", "the copy stands in");
    let after = placet.figures();
    assert!(after.is_in_grace());
    assert_eq!((after.reloads.loaded, after.reloads.failed), (before.reloads.loaded + 1, 0));
    let commits = |figures: &Figures| figures.store.commits.iter().sum::<u64>();
    assert!(commits(&after) >= commits(&before) + 5, "{:?}", after.store);
    assert!(after.store.commit_micros > before.store.commit_micros && after.store.failed == 0);
    let tokens = after.status.usage.iter().find(|usage| usage.limit == "tokens").unwrap();
    assert_eq!((tokens.used, tokens.max), (10, Some(1_000)));
}
