//! Rates of a real installation, in real time: the component, the store's buckets and the machine's clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use placet::{Decision, Placet};
use placet_tests::rig::{Site, claims};
use serde_json::{Value, json};

/// An installation with this rate `requests` and a quota `tokens` of 1,000.
fn site(rate: Value) -> Site {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"]["requests"] = rate;
    site.license(&license);
    site
}

fn used(placet: &Placet, limit: &str) -> u64 {
    placet.usage(None).expect("usage").iter().find(|usage| usage.limit == limit).expect("the limit").used
}

/// Asks until it passes, each time after the wait that it was told.
fn insist(ask: impl Fn() -> Decision) -> (Decision, u32) {
    let mut waits = 0;
    loop {
        let answer = ask();
        let Some(retry) = answer.retry else { return (answer, waits) };
        assert!(!answer.allowed && answer.reason == "rate-exceeded", "{answer:?}");
        thread::sleep(Duration::from_millis(retry));
        waits += 1;
    }
}

#[test]
fn what_is_refused_passes_after_the_wait_that_it_was_told() {
    let site = site(json!({"kind": "rate", "max": 20, "every": "1s"}));
    let placet = site.open();
    for _ in 0..5 {
        // The one wait is exact: nobody else draws.
        let (answer, waits) = insist(|| placet.consume("requests", 2).decide().expect("a decision"));
        assert!(answer.allowed && waits <= 1, "{waits} {answer:?}");
    }
    let denied = placet.consume("tokens", 5).and("requests", 20).into_result().expect_err("too fast");
    let retry = denied.decision().retry.expect("a wait");
    assert!(retry <= 1_000, "{retry}");
    assert_eq!((denied.problem().status, denied.problem().retry_after), (429, Some(1)));
    assert_eq!(used(&placet, "tokens"), 0);
    let denied = placet.consume("requests", 21).into_result().expect_err("too large");
    assert_eq!((denied.reason(), denied.problem().status, denied.retry_after()), ("burst-exceeded", 403, None));
    thread::sleep(Duration::from_millis(retry));
    let both = placet.consume("tokens", 5).and("requests", 20).once("a").decide().expect("a decision");
    assert!(both.allowed, "{both:?}");
    assert_eq!(placet.consume("tokens", 5).and("requests", 20).once("a").decide().expect("a decision"), both);
    assert_eq!(used(&placet, "tokens"), 5);
}

#[test]
fn a_process_begins_with_empty_buckets() {
    // Slow, so that no token comes back while the test runs.
    let site = site(json!({"kind": "rate", "max": 1, "every": "1h", "burst": 1}));
    for _ in 0..2 {
        let placet = site.open();
        assert_eq!(used(&placet, "requests"), 1);
        let told = placet.preview("requests", 1).decide().expect("a decision");
        let retry = told.retry.expect("a wait");
        assert!(retry <= 3_600_000 && retry > 3_500_000, "{retry}");
        placet.reload().expect("reloads");
        assert!(!placet.consume("requests", 1).decide().expect("a decision").allowed);
    }
}

#[test]
fn callers_at_once_get_no_more_than_the_time_brings() {
    let site = site(json!({"kind": "rate", "max": 1_000, "every": "1s", "burst": 50}));
    let begun = Instant::now();
    let placet = site.open();
    let until = Instant::now() + Duration::from_secs(2);
    let taken = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while Instant::now() < until {
                    // Some together with a quota, through the disk, and some from the bucket alone.
                    for request in [placet.consume("requests", 3), placet.consume("requests", 2).and("tokens", 0)] {
                        let answer = request.decide().expect("a decision");
                        let amount = if answer.usage.len() == 1 { 3 } else { 2 };
                        taken.fetch_add(if answer.allowed { amount } else { 0 }, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (taken, brought) = (taken.into_inner(), u64::try_from(begun.elapsed().as_millis()).expect("a short test"));
    assert!(taken <= brought, "{taken} of {brought}");
    assert!(taken > 20, "{taken}");
}
