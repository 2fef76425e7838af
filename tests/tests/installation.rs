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
