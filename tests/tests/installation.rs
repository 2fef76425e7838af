//! The whole path: a signed policy, a real license, the real component, a real disk.

use std::thread;
use std::time::Duration;

use placet_tests::rig::{Site, claims};

#[test]
fn what_was_closed_opens_again_at_once_whatever_it_was_at() {
    let site = Site::default();
    site.license(&claims("lic_1"));
    // Its first status is written 100 milliseconds after the opening.
    for millis in (90..=110).cycle().take(42) {
        let placet = site.open();
        thread::sleep(Duration::from_millis(millis));
        drop(placet);
    }
}

#[test]
fn a_license_allows_what_it_grants_and_counts_to_its_limit_across_restarts() {
    let site = Site::default();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let status = placet.status();
    assert!(status.usable, "{status:#?}");
    assert_eq!((&*status.state, &*status.reason), ("active", "active"));
    assert!(placet.check("sso").decide().unwrap().allowed);
    let denied = placet.check("audit").into_result().unwrap_err();
    assert_eq!(denied.reason(), "not-licensed");
    let decision = placet.consume("tokens", 900).decide().unwrap();
    assert!(decision.allowed, "{decision:#?}");
    assert_eq!(placet.consume("tokens", 200).into_result().unwrap_err().reason(), "limit-exceeded");
    drop(placet);

    let placet = site.open();
    let usage = placet.usage(None).unwrap();
    assert_eq!(usage.iter().find(|usage| usage.limit == "tokens").unwrap().used, 900);
    assert!(placet.consume("tokens", 100).decide().unwrap().allowed);
    assert_eq!(placet.consume("tokens", 1).into_result().unwrap_err().reason(), "limit-exceeded");
}

#[test]
fn a_simulation_begins_with_the_seats_that_are_held() {
    let site = Site::default();
    let mut license = claims("lic_1");
    license["limits"] = serde_json::json!({
        "users": {"kind": "seats", "max": 1_500},
        "sessions": {"kind": "seats", "max": 5, "ttl": "1h"},
        "tenants": {"kind": "seats", "max": 2},
    });
    site.license(&license);
    let placet = site.open();
    let claim = |limit: &str, holder: &str| assert!(placet.claim(limit, holder).decide().unwrap().allowed);
    std::thread::scope(|scope| {
        for first in 0..16 {
            // More than are read at a time.
            scope.spawn(move || (first..1_100).step_by(16).for_each(|user| claim("users", &format!("u{user:04}"))));
        }
    });
    claim("sessions", "s1");
    claim("tenants", "t1");
    let mut simulation = placet.simulation(None).unwrap();
    let used = |simulation: &placet::simulation::Simulation, limit: &str| {
        simulation.usage(None).unwrap().into_iter().find(|usage| usage.limit == limit).unwrap().used
    };
    let all = |simulation: &_| (used(simulation, "users"), used(simulation, "sessions"), used(simulation, "tenants"));
    assert_eq!(all(&simulation), (1_100, 1, 1));
    assert!(simulation.consume("tenants", 1, Some("t2")).unwrap().allowed);
    assert_eq!(simulation.consume("tenants", 1, Some("t3")).unwrap().reason, "limit-exceeded");
    assert!(simulation.consume("tenants", 1, Some("t1")).unwrap().allowed, "it has its seat");
    simulation.advance_to(simulation.now() + 3_600_000);
    assert_eq!(all(&simulation), (1_100, 0, 2));
    assert_eq!(placet.holders("tenants", None).unwrap().len(), 1, "nobody else hears of it");
}
