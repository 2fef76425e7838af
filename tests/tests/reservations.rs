//! Reservations through the engine and the real policy: settled below, above and late, released, repeated, by another process, after a
//! crash, and by many threads at a limit.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use placet::{Placet, Reservation, SettleError, Usage};
use placet_tests::rig::{Site, claims};
use serde_json::json;

/// Long enough to be settled within it, on any machine.
const LONG: Duration = Duration::from_secs(3_600);
/// Over at once.
const NONE: Duration = Duration::from_millis(1);

/// 1,000 tokens that are never given back, of two licenses: 400 first.
fn site() -> Site {
    let site = Site::known();
    for (file, id, max, end) in [("a.json", "lic_a", 400, 4_102_444_700_u64), ("b.json", "lic_b", 600, 4_102_444_800)] {
        let mut license = claims(id);
        license["exp"] = json!(end);
        license["limits"] = json!({"tokens": {"kind": "quota", "max": max}, "objects": {"kind": "gauge", "max": 5}});
        site.put(&format!("licenses/{file}"), site.vendor.license(&license));
    }
    site
}

fn open(site: &Site) -> Placet {
    site.builder().licenses(site.path("licenses")).open().expect("opens")
}

fn reserve(placet: &Placet, amount: u64, term: Duration) -> Reservation {
    placet.reserve("tokens", amount).term(term).into_result().expect("there is room")
}

fn usage(placet: &Placet, limit: &str) -> Usage {
    let usage = placet.usage(None).expect("the usage");
    usage.into_iter().find(|usage| usage.limit == limit).expect("the limit")
}

fn used(placet: &Placet) -> u64 {
    usage(placet, "tokens").used
}

#[test]
fn settled_below_the_rest_is_given_back_whatever_the_license_says_of_refunds() {
    let site = site();
    let placet = open(&site);
    assert_eq!(placet.credit("tokens", 1).decide().expect("an answer").reason, "refund-not-granted");
    // Over both licenses; what is given back comes from the one that was drawn last.
    let reservation = reserve(&placet, 700, LONG);
    assert_eq!((used(&placet), reservation.decision().usage[0].used), (700, 700));
    let settled = reservation.settle(450).expect("settled");
    assert_eq!((&*settled.reason, settled.reserved, settled.charged, settled.unbilled), ("settled", 700, 450, 0));
    assert_eq!(used(&placet), 450);
    assert_eq!(reserve(&placet, 550, LONG).settle(0).expect("settled").charged, 0);
    assert_eq!(used(&placet), 450);
    assert_eq!(placet.consume("tokens", 551).decide().expect("an answer").reason, "limit-exceeded");
}

#[test]
fn settled_above_what_fits_is_charged_and_the_rest_is_told_as_unbilled() {
    let site = site();
    let placet = open(&site);
    let fitting = reserve(&placet, 300, LONG).settle(350).expect("settled");
    assert_eq!((fitting.charged, fitting.unbilled, fitting.denied), (350, 0, None));
    let reservation = reserve(&placet, 300, LONG);
    let settled = reservation.settle(801).expect("settled");
    assert_eq!((settled.actual, settled.charged, settled.unbilled), (801, 650, 151));
    assert_eq!(settled.denied.as_deref(), Some("limit-exceeded"));
    let usage = usage(&placet, "tokens");
    assert_eq!(usage.used, 1_000);
    let details: Vec<_> = usage.details.iter().map(|detail| (&*detail.name, &*detail.value)).collect();
    assert_eq!(details, [("warning", "usage-high"), ("unbilled", "151")]);
    assert_eq!(reservation.settle(801).expect("as before"), settled);
    assert_eq!(self::usage(&placet, "tokens"), usage, "nothing more is counted");
    let none = placet.reserve("tokens", 0).into_result().expect("nothing is always there").settle(7).expect("settled");
    assert_eq!((none.charged, none.unbilled), (0, 7));
}

#[test]
fn what_is_settled_again_is_answered_as_the_first_time_and_nothing_else() {
    let site = site();
    let placet = open(&site);
    let reservation = reserve(&placet, 100, LONG);
    let settled = reservation.settle(60).expect("settled");
    assert_eq!(reservation.settle(60).expect("again"), settled);
    for other in [reservation.settle(61), reservation.release()] {
        let error = other.expect_err("it was settled with 60");
        assert!(matches!(error, SettleError::Settled { actual: Some(60) }), "{error}");
    }
    assert_eq!(used(&placet), 60);
    let released = reserve(&placet, 100, LONG);
    assert_eq!(released.release().expect("released").reason, "released");
    assert_eq!(released.release().expect("again").charged, 0);
    assert_eq!(released.settle(0).expect_err("it was released").reason(), "reservation-settled");
    assert_eq!(placet.settle("0123", 1).expect_err("there is none").reason(), "reservation-unknown");
    assert_eq!(used(&placet), 60);
}

#[test]
fn what_is_denied_reserves_nothing() {
    let site = site();
    let placet = open(&site);
    let denied = placet.reserve("tokens", 1_001).decide().expect("an answer");
    assert_eq!((denied.id(), &*denied.decision().reason), (None, "limit-exceeded"));
    assert_eq!(denied.settle(1).expect_err("there is none").reason(), "reservation-unknown");
    assert_eq!(placet.reserve("tokens", 1_001).into_result().expect_err("denied").reason(), "limit-exceeded");
    assert_eq!(used(&placet), 0);
}

#[test]
fn at_the_end_of_the_term_it_is_freed_and_settling_charges_all_of_it_anew() {
    let site = site();
    let placet = open(&site);
    let reservation = reserve(&placet, 1_000, NONE);
    thread::sleep(Duration::from_millis(10));
    assert_eq!(used(&placet), 0, "freed before anyone reads");
    assert!(placet.consume("tokens", 900).decide().expect("an answer").allowed);
    let settled = reservation.settle(300).expect("settled");
    assert_eq!((&*settled.reason, settled.charged, settled.unbilled), ("settled-late", 100, 200));
    assert_eq!(reservation.settle(300).expect("again"), settled);
    assert_eq!(used(&placet), 1_000);
    let released = reserve(&placet, 0, NONE).release().expect("released");
    assert_eq!((&*released.reason, released.charged), ("released", 0));
    let denied = placet.reserve("tokens", 1).term(Duration::ZERO).into_result().expect_err("is none");
    assert_eq!((denied.reason(), &*denied.decision().details[0].value), ("request-invalid", "term"));
}

#[test]
fn a_reservation_outlives_the_process_and_its_term_ends_while_nothing_runs() {
    let site = site();
    let placet = open(&site);
    // A reservation holds the installation open: what goes on is its id.
    let id = |reservation: Reservation| reservation.id().expect("an id").to_owned();
    let (kept, over) = (id(reserve(&placet, 300, LONG)), id(reserve(&placet, 200, Duration::from_millis(1_500))));
    let begun = Instant::now();
    drop(placet);
    let placet = open(&site);
    if begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(used(&placet), 500, "charged until the end of the term");
    }
    drop(placet);
    thread::sleep(Duration::from_millis(1_500).saturating_sub(begun.elapsed()));
    let placet = open(&site);
    assert_eq!(used(&placet), 300);
    assert_eq!(placet.settle(&over, 10).expect("settled").reason, "settled-late");
    assert_eq!(placet.settle(&kept, 290).expect("settled").reason, "settled");
    assert_eq!(used(&placet), 300);
    drop(placet);
    assert_eq!(open(&site).settle(&kept, 290).expect("again").charged, 290);
}

#[test]
fn the_same_key_answers_the_same_reservation_and_is_another_than_of_consume() {
    let site = site();
    let placet = open(&site);
    let ask = |amount| placet.reserve("tokens", amount).once("k").tenant("t1").decide().expect("an answer");
    let first = ask(100);
    assert_eq!((ask(100).id(), ask(100).decision()), (first.id(), first.decision()));
    assert_eq!(ask(101).decision().reason, "once-mismatch");
    assert_eq!(used(&placet), 100);
    assert!(placet.consume("tokens", 100).once("k").tenant("t1").decide().expect("an answer").allowed);
    assert_eq!(used(&placet), 200, "consume has keys of its own");
    first.settle(40).expect("settled");
    assert_eq!(ask(100).settle(40).expect("as before").charged, 40);
    assert_eq!(used(&placet), 140);
}

#[test]
fn what_was_credited_or_measured_meanwhile_is_not_taken_back_again() {
    let site = site();
    let mut license = claims("lic_c");
    license["limits"] =
        json!({"refundable": {"kind": "quota", "max": 100, "refund": true}, "cores": {"kind": "gauge", "max": 9}});
    site.put("licenses/c.json", site.vendor.license(&license));
    let placet = open(&site);
    let hold = |limit: &str, amount| placet.reserve(limit, amount).into_result().expect("there is room");
    let allowed = |decision: placet::Request<'_>| assert!(decision.decide().expect("an answer").allowed);

    let reservation = hold("refundable", 100);
    allowed(placet.credit("refundable", 100));
    allowed(placet.consume("refundable", 50));
    reservation.release().expect("released");
    assert_eq!(usage(&placet, "refundable").used, 50, "the credit had given it back");

    let reservation = hold("cores", 3);
    allowed(placet.measure("cores", 4));
    reservation.release().expect("released");
    assert_eq!(usage(&placet, "cores").used, 4, "what was measured is what there is");

    let (first, second) = (hold("refundable", 20), hold("refundable", 20));
    allowed(placet.credit("refundable", 60));
    first.settle(20).expect("settled");
    second.release().expect("released");
    assert_eq!(usage(&placet, "refundable").used, 20, "a credit takes what is used before what is reserved");
}

#[test]
fn what_is_charged_beside_it_stays_when_it_is_settled_and_goes_when_it_is_released() {
    let site = site();
    let placet = open(&site);
    let both = || placet.reserve("tokens", 100).and("objects", 2).into_result().expect("there is room");
    let objects = || usage(&placet, "objects").used;
    both().settle(30).expect("settled");
    assert_eq!((used(&placet), objects()), (30, 2));
    let released = both();
    assert_eq!((used(&placet), objects()), (130, 4));
    released.release().expect("released");
    assert_eq!((used(&placet), objects()), (30, 2));
}

#[test]
fn units_are_reserved_durably_where_the_limit_has_slack() {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"] = json!({"tokens": {"kind": "quota", "max": 1000, "slack": 500}});
    site.license(&license);
    let placet = site.open();
    for _ in 0..10 {
        assert!(placet.consume("tokens", 10).decide().expect("an answer").allowed);
    }
    let reservation = reserve(&placet, 900, LONG);
    assert_eq!(used(&placet), 1_000);
    assert!(!placet.consume("tokens", 1).decide().expect("an answer").allowed);
    reservation.settle(450).expect("settled");
    assert!(placet.consume("tokens", 450).decide().expect("an answer").allowed);
    assert!(!placet.consume("tokens", 1).decide().expect("an answer").allowed);
    assert_eq!(used(&placet), 1_000);
}

#[test]
fn sixty_four_threads_that_reserve_and_settle_at_a_limit_count_what_they_used() {
    const THREADS: u64 = 64;
    const LIMIT: u64 = 2_000;
    let rounds = if std::env::var_os("PLACET_LONG").is_some() { 1_000 } else { 20 };
    for round in 0..rounds {
        let site = Site::known();
        let mut license = claims("lic_1");
        license["limits"] = json!({"tokens": {"kind": "quota", "max": LIMIT, "slack": round % 2 * 50}});
        site.license(&license);
        let placet = site.open();
        let (charged, unbilled) = (AtomicU64::new(0), AtomicU64::new(0));
        let start = Barrier::new(THREADS as usize);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (placet, start, charged, unbilled) = (placet.clone(), &start, &charged, &unbilled);
                scope.spawn(move || {
                    start.wait();
                    for turn in 0..4 {
                        let asked = placet.reserve("tokens", 20).decide().expect("an answer");
                        if asked.id().is_none() {
                            assert_eq!(asked.decision().reason, "limit-exceeded");
                            continue;
                        }
                        let actual = [3, 20, 35, 0][((thread + turn) % 4) as usize];
                        let settled = settle(&asked, actual);
                        assert_eq!(settled.charged + settled.unbilled, actual);
                        charged.fetch_add(settled.charged, Ordering::Relaxed);
                        unbilled.fetch_add(settled.unbilled, Ordering::Relaxed);
                    }
                });
            }
        });
        let usage = usage(&placet, "tokens");
        assert_eq!(usage.used, charged.into_inner(), "round {round}");
        assert!(usage.used <= LIMIT, "round {round}: {}", usage.used);
        let told = usage.details.iter().find(|detail| detail.name == "unbilled");
        let told = told.map_or(0, |detail| detail.value.parse().expect("a number"));
        assert_eq!(told, unbilled.into_inner(), "round {round}");
        drop(placet);
        assert_eq!(self::usage(&site.open(), "tokens"), usage, "round {round}");
    }
}

/// Asks again where others were quicker, as a product does.
fn settle(reservation: &Reservation, actual: u64) -> placet::Settlement {
    loop {
        match reservation.settle(actual) {
            Ok(settled) => return settled,
            Err(error) => assert_eq!(error.reason(), "contended"),
        }
    }
}
