//! Two installations that are asked the same, one of which may repeat answers by itself: they answer the same.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use placet::{Decision, Failure, Placet, Request};
use placet_tests::hostile;
use placet_tests::mutator::Mutator;
use placet_tests::rig::{Site, claims};
use serde_json::{Value, json};

/// One that repeats, and one that does not.
struct Pair([(Site, Placet); 2]);

impl Pair {
    fn new(license: &Value) -> Self {
        Self([true, false].map(|holds| {
            let site = Site::known();
            site.license(license);
            let placet = site.builder().holds(holds).open().unwrap();
            (site, placet)
        }))
    }

    /// The answer of both.
    fn ask(&self, ask: impl Fn(&Placet) -> Request<'_>) -> Decision {
        let [one, other] = self.0.each_ref().map(|(_, placet)| ask(placet).decide());
        assert_eq!(told(&one), told(&other));
        one.unwrap()
    }

    fn license(&self, license: &Value) {
        for (site, placet) in &self.0 {
            site.license(license);
            placet.reload().unwrap();
        }
    }
}

/// But for the moment at which a rate says that it has tokens again.
fn told(answer: &Result<Decision, Failure>) -> String {
    let answer = answer.as_ref().map(|decision| Decision { retry: decision.retry.map(|_| 0), ..decision.clone() });
    format!("{answer:?}")
}

fn license(max: u64, slack: u64) -> Value {
    let mut license = claims("lic_1");
    license["limits"] = json!({
        "tokens": {"kind": "quota", "max": max, "slack": slack, "refund": true},
        "monthly": {"kind": "quota", "max": max, "slack": slack, "reset": "month", "enforce": "soft"},
        "objects": {"kind": "gauge", "max": max, "slack": slack, "per": "tenant"},
        "durable": {"kind": "quota", "max": max},
        "rolling": {"kind": "quota", "max": max, "slack": slack, "term": "30d"},
        "users": {"kind": "seats", "max": 3},
    });
    license
}

#[test]
fn whatever_is_asked_is_answered_the_same() {
    const LIMITS: [&str; 6] = ["tokens", "monthly", "objects", "durable", "rolling", "unknown"];
    const TENANTS: [Option<&str>; 3] = [None, Some("t1"), Some("t2")];
    for seed in 1..=12 {
        let mut random = Mutator::new(seed);
        let pair = Pair::new(&license(60, 8));
        for number in 0..400_u64 {
            let limit = LIMITS[random.below(LIMITS.len())];
            let (tenant, amount) = (TENANTS[random.below(3)], random.below(4) as u64);
            match random.below(30) {
                0 => drop(pair.ask(|placet| of(tenant, placet.credit(limit, amount)))),
                1 => drop(pair.ask(|placet| of(tenant, placet.measure("objects", amount * 9)))),
                2 => drop(pair.ask(|placet| of(tenant, placet.preview(limit, amount)))),
                3 => drop(pair.ask(|placet| of(tenant, placet.consume(limit, amount).and("tokens", 1)))),
                4 => {
                    drop(pair.ask(|placet| of(tenant, placet.consume(limit, amount).once(format!("k{}", number % 5)))))
                }
                5 => drop(pair.ask(|placet| of(tenant, placet.claim("users", format!("u{amount}"))))),
                6 if number % 3 == 0 => pair.license(&license(40 + amount * 20, 8 + amount)),
                7..10 => drop(pair.ask(|placet| of(tenant, placet.check(["sso", "unknown"][number as usize % 2])))),
                10 => drop(pair.ask(|placet| of(tenant, placet.check("unknown").detail("access", "read")))),
                _ => drop(pair.ask(|placet| of(tenant, placet.consume(limit, amount)))),
            }
        }
        let [one, other] = pair.0.each_ref().map(|(_, placet)| format!("{:?}", placet.usage(None).unwrap()));
        assert_eq!(one, other);
    }
}

fn of<'a>(tenant: Option<&str>, request: Request<'a>) -> Request<'a> {
    tenant.into_iter().fold(request, Request::tenant)
}

#[test]
fn what_the_policy_says_for_ever_is_repeated_where_it_has_asked_for_the_time_alone() {
    let (site, placet) = hostile::site();
    let reasons = |placet: &Placet, feature: &str| {
        let ask = |_| placet.check(feature).decide().unwrap().reason;
        (0..8).map(ask).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(reasons(&placet, "held"), 1);
    for other in ["held-with-counters", "held-without-the-time"] {
        assert!(reasons(&placet, other) > 1, "{other}");
    }
    assert_eq!(placet.check("held").decide().unwrap().hold, None, "it is for the host alone");
    drop(placet);
    assert!(reasons(&site.builder().holds(false).open().unwrap(), "held") > 1);
}

#[test]
fn a_license_that_goes_takes_its_answers_along_and_one_that_ends_ends_them() {
    let mut ending = license(1_000, 100);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    ending["exp"] = json!(now + 3);
    ending["grace"] = json!({"expiry": "0s", "validation": "0s"});
    let pair = Pair::new(&ending);
    for _ in 0..10 {
        assert!(pair.ask(|placet| placet.check("sso")).allowed);
        assert!(pair.ask(|placet| placet.consume("tokens", 1)).allowed);
    }
    thread::sleep(Duration::from_secs(4));
    for _ in 0..2 {
        assert_eq!(pair.ask(|placet| placet.check("sso")).reason, "expired");
        assert_eq!(pair.ask(|placet| placet.consume("tokens", 1)).reason, "expired");
    }
    let pair = Pair::new(&license(1_000, 100));
    assert!(pair.ask(|placet| placet.check("sso")).allowed && pair.ask(|placet| placet.check("sso")).allowed);
    for (site, placet) in &pair.0 {
        fs::write(site.path("license.json"), "{}").unwrap();
        placet.reload().unwrap();
    }
    pair.ask(|placet| placet.check("sso"));
    pair.ask(|placet| placet.consume("tokens", 1));
}

#[test]
fn nothing_is_given_of_counters_that_are_known_to_be_gone() {
    let pair = Pair::new(&license(1_000, 100));
    for _ in 0..4 {
        assert!(pair.ask(|placet| placet.consume("tokens", 20)).allowed);
        assert!(pair.ask(|placet| placet.consume("tokens", 1)).allowed);
    }
    for (site, _) in &pair.0 {
        fs::rename(site.path("state/counters.redb"), site.path("aside")).unwrap();
    }
    assert_eq!(pair.ask(|placet| placet.consume("durable", 1)).reason, "counters-unavailable");
    assert_eq!(pair.ask(|placet| placet.consume("tokens", 1)).reason, "counters-unavailable");
    assert!(pair.ask(|placet| placet.check("sso")).allowed);
    for (site, _) in &pair.0 {
        fs::rename(site.path("aside"), site.path("state/counters.redb")).unwrap();
    }
    assert_eq!(pair.ask(|placet| placet.consume("tokens", 1)).usage[0].used, 85);
}

#[test]
fn what_is_held_ends_soon_after_the_counters_are_taken_away() {
    let site = Site::known();
    site.license(&license(1_000_000, 100_000));
    let placet = site.open();
    for amount in [50_000, 1, 1] {
        assert!(placet.consume("tokens", amount).decide().unwrap().allowed);
    }
    fs::rename(site.path("state/counters.redb"), site.path("aside")).unwrap();
    let began = Instant::now();
    while placet.consume("tokens", 1).decide().unwrap().allowed {
        assert!(began.elapsed() < Duration::from_secs(20), "it is given on");
        thread::sleep(Duration::from_millis(50));
    }
    fs::rename(site.path("aside"), site.path("state/counters.redb")).unwrap();
    assert!(placet.consume("tokens", 1).decide().unwrap().allowed);
}
