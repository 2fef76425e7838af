//! Usage reports of a real installation: each number once, each after the one before, whoever makes them and whatever restarts.

use std::thread;

use placet::{ReportPin, SignedReport};
use placet_tests::rig::{Site, claims};
use serde_json::json;

#[test]
fn reports_that_many_threads_make_are_one_chain_that_goes_on_after_a_restart() {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"] = json!({
        "tokens": {"kind": "quota", "max": 1_000, "per": "tenant"},
        "calls": {"kind": "quota", "max": 1_000, "slack": 100},
        "objects": {"kind": "gauge", "max": 5},
        "users": {"kind": "seats", "max": 5},
    });
    site.license(&license);
    let placet = site.open();
    for tenant in 0..1_100 {
        // More counters than are read at a time.
        assert!(
            placet
                .consume("tokens", 1)
                .tenant(format!("t{tenant:04}"))
                .once(tenant.to_string())
                .decide()
                .unwrap()
                .allowed
        );
    }
    assert!(placet.measure("objects", 3).decide().unwrap().allowed);
    assert!(placet.claim("users", "ada").decide().unwrap().allowed);
    let mut reports: Vec<SignedReport> = thread::scope(|scope| {
        let make = || {
            let token = placet.export_report().unwrap();
            assert!(placet.consume("calls", 1).decide().unwrap().allowed);
            SignedReport::read(&token).unwrap()
        };
        let made: Vec<_> = (0..8).map(|_| scope.spawn(move || (0..5).map(|_| make()).collect::<Vec<_>>())).collect();
        made.into_iter().flat_map(|made| made.join().unwrap()).collect()
    });
    let last = placet.last_report().unwrap().unwrap();
    drop(placet);
    let placet = site.open();
    assert_eq!(placet.last_report().unwrap().as_ref(), Some(&last));
    reports.push(SignedReport::read(&placet.export_report().unwrap()).unwrap());
    reports.sort_by_key(|signed| signed.report.number);
    let numbers: Vec<_> = reports.iter().map(|signed| signed.report.number).collect();
    assert_eq!(numbers, (1..=41).collect::<Vec<_>>());
    for pair in reports.windows(2) {
        let [before, after] = pair else { panic!("two") };
        ReportPin::of(before).admits(after).unwrap();
        assert_eq!(after.lowered_since(before), []);
    }

    let report = &reports.last().unwrap().report;
    assert_eq!(report.installation, placet.install_key());
    let held = |counter: &str| report.counters.iter().find(|found| found.counter == counter).map(|found| found.value);
    assert_eq!(report.counters.iter().filter(|found| found.counter.starts_with("use/tokens/")).count(), 1_100);
    assert_eq!(held("use/tokens/t0700/lic_1//"), Some(1));
    // A clean stop gave the rest of the block back.
    assert_eq!(held("use/calls//lic_1//"), Some(40));
    let used = |limit: &str| report.limits.iter().find(|usage| usage.limit == limit).map(|usage| usage.used);
    assert_eq!((used("users"), used("objects")), (Some(1), Some(3)));
}

#[test]
fn what_tenants_hold_and_what_crashes_burned_stands_in_a_report() {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["scope"] = json!({"instances": 3});
    license["limits"] = json!({
        "users": {"kind": "seats", "max": 5, "per": "tenant"},
        "calls": {"kind": "quota", "max": 1_000, "slack": 100},
    });
    site.license(&license);
    let placet = site.open();
    for (tenant, holders) in [("t2", 2), ("t1/é", 1)] {
        for holder in 0..holders {
            assert!(placet.claim("users", holder.to_string()).tenant(tenant).decide().unwrap().allowed);
        }
    }
    for _ in 0..5 {
        assert!(placet.consume("calls", 1).decide().unwrap().allowed);
    }
    // As a crash leaves it: nothing was given back.
    let copy = Site::known();
    for name in ["counters.redb", "install.key"] {
        std::fs::copy(site.path("state").join(name), copy.path("state").join(name)).unwrap();
    }
    let report = |placet: &placet::Placet| SignedReport::read(&placet.export_report().unwrap()).unwrap().report;
    let whole = report(&placet);
    let seats: Vec<_> = whole.seats.iter().map(|pool| (&*pool.counter, pool.value)).collect();
    assert_eq!(seats, [("use/users/t1%2F%C3%A9/%40customer//", 1), ("use/users/t2/%40customer//", 2)]);
    assert_eq!(whole.burned, []);

    // An opening that comes to no policy tells nobody.
    copy.license(&license);
    drop(copy.builder().policy(copy.path("missing.wasm")).open().unwrap_err());
    let placet = copy.open();
    let burned = placet.burned()[0].units;
    assert!(burned > 0);
    let told =
        |report: &placet::Report| report.burned.iter().map(|one| (one.counter.clone(), one.value)).collect::<Vec<_>>();
    let expected = [("use/calls//lic_1//".to_owned(), burned)];
    assert_eq!(told(&report(&placet)), expected);
    drop(placet);
    let placet = copy.open();
    assert_eq!(
        (placet.burned().len(), told(&report(&placet))),
        (0, expected.to_vec()),
        "a later opening tells it, too"
    );
}

#[test]
fn two_copies_of_a_state_directory_are_two_histories() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let first = SignedReport::read(&placet.export_report().unwrap()).unwrap();
    drop(placet);
    let copy = Site::known();
    for name in ["counters.redb", "install.key"] {
        std::fs::copy(site.path("state").join(name), copy.path("state").join(name)).unwrap();
    }
    copy.license(&claims("lic_1"));
    let next = |site: &Site, units| {
        let placet = site.open();
        assert!(placet.consume("tokens", units).decide().unwrap().allowed);
        SignedReport::read(&placet.export_report().unwrap()).unwrap()
    };
    let (one, other) = (next(&site, 1), next(&copy, 2));
    ReportPin::of(&first).admits(&one).unwrap();
    ReportPin::of(&first).admits(&other).unwrap();
    assert_eq!(ReportPin::of(&one).admits(&other).unwrap_err().reason(), "report-fork");
    assert_eq!(ReportPin::of(&one).admits(&next(&copy, 1)).unwrap_err().reason(), "report-fork");
}
