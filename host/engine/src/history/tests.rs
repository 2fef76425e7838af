//! The samples against a model, in both stores, and forecasts by example.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::days::DAYS;
use super::*;
use crate::Usage;
use crate::clock::{Reading, TOLERANCE};
use crate::store::{MemoryStore, RedbStore, Store};

const NS: &str = "acme/router";
/// The beginning of a day.
const T: u64 = 20_000 * DAY;

fn at(now: u64) -> Reading {
    Reading { now, wall: now, mark: now }
}

fn usage(limit: &str, used: u64) -> Usage {
    Usage {
        limit: limit.to_owned(),
        kind: "quota".to_owned(),
        tenant: None,
        max: Some(1_000),
        used,
        period: None,
        resets: None,
        details: Vec::new(),
    }
}

fn in_period(used: u64, period: &str, resets: u64) -> Usage {
    Usage { period: Some(period.to_owned()), resets: Some(resets), ..usage("tokens", used) }
}

fn used(store: &dyn Store) -> Vec<(u64, u64)> {
    read(store, NS, 0).unwrap().into_iter().map(|sample| (sample.hour, sample.used)).collect()
}

#[test]
fn an_hour_is_written_once() {
    let store = MemoryStore::default();
    for (minute, held) in [(0, 1), (1, 2), (59, 3), (60, 4), (30, 5), (119, 6), (125, 7)] {
        record(&store, NS, &[usage("tokens", held)], at(T + minute * 60_000)).unwrap();
    }
    assert_eq!(used(&store), [(T, 1), (T + HOUR, 4), (T + 2 * HOUR, 7)]);
    assert!(!is_due(&store, NS, at(T + 3 * HOUR - 1)).unwrap() && is_due(&store, NS, at(T + 3 * HOUR)).unwrap());
    assert_eq!(read(&store, NS, T + HOUR).unwrap().len(), 2);
    assert_eq!(read(&store, "acme/other", 0).unwrap(), []);
}

#[test]
fn a_clock_that_jumps_ahead_neither_fills_the_history_nor_empties_it() {
    let store = MemoryStore::default();
    record(&store, NS, &[usage("tokens", 1)], at(T)).unwrap();
    let jumped = Reading { now: T + 500 * DAY, wall: T + 500 * DAY, mark: T };
    assert!(!is_due(&store, NS, jumped).unwrap());
    record(&store, NS, &[usage("tokens", 2)], jumped).unwrap();
    assert_eq!(used(&store), [(T, 1)]);
}

#[test]
fn what_is_kept_is_bounded() {
    let store = MemoryStore::default();
    let many: Vec<_> = (0..2_000).map(|limit| usage(&format!("limit{limit:04}"), 1)).collect();
    record(&store, NS, &many, at(T)).unwrap();
    assert_eq!(used(&store).len(), super::days::ROWS);
    for day in 1..=450 {
        record(&store, NS, &[usage("tokens", day)], at(T + day * DAY)).unwrap();
    }
    let kept = used(&store);
    assert_eq!((kept.len() as u64, kept.first()), (DAYS, Some(&(T + 51 * DAY, 51))));
    // An anchor takes the time back: days that lie ahead make room, the farthest first.
    for day in 0..50 {
        record(&store, NS, &[usage("tokens", day)], at(T + day * DAY)).unwrap();
    }
    let kept = used(&store);
    assert_eq!((kept.len() as u64, kept.first()), (DAYS, Some(&(T, 0))));
    assert!(store.value(&format!("history/{NS}/{}", T / DAY + 450)).unwrap().is_none());
}

#[test]
fn rates_are_left_out() {
    let store = MemoryStore::default();
    let rate = Usage { kind: "rate".to_owned(), ..usage("requests", 9) };
    record(&store, NS, &[rate, usage("tokens", 1)], at(T)).unwrap();
    let samples = read(&store, NS, 0).unwrap();
    assert_eq!(samples.iter().map(|sample| &*sample.limit).collect::<Vec<_>>(), ["tokens"]);
}

/// What is expected after these days, each with what was used; the last is now.
fn expected(days: &[(u64, Usage)]) -> (Option<i64>, Outlook) {
    let store = MemoryStore::default();
    for (day, usage) in days {
        record(&store, NS, std::slice::from_ref(usage), at(T + day * DAY)).unwrap();
    }
    let (day, last) = days.last().unwrap();
    let samples = read(&store, NS, 0).unwrap();
    let found = forecast(std::slice::from_ref(last), &samples, T + day * DAY);
    assert_eq!(found.len(), 1);
    (found[0].per_day, found[0].outlook)
}

#[test]
fn a_forecast_goes_on_as_the_last_seven_days_did() {
    let tokens = |used| usage("tokens", used);
    let reached = |day| Outlook::Reached { at: T + day * DAY };
    assert_eq!(expected(&[(0, tokens(0)), (1, tokens(100))]), (Some(100), reached(10)));
    // What was before counts no more, but for the sample that the window begins with.
    assert_eq!(expected(&[(0, tokens(0)), (13, tokens(600)), (20, tokens(670))]), (Some(10), reached(20 + 33)));
    assert_eq!(expected(&[(0, tokens(0)), (1, tokens(1_000))]), (Some(1_000), reached(1)));
    assert_eq!(expected(&[(0, tokens(5)), (1, tokens(5))]), (Some(0), Outlook::NotReached));
    assert_eq!(expected(&[(0, tokens(500)), (2, tokens(300))]), (Some(-100), Outlook::NotReached));
    assert_eq!(expected(&[(1, tokens(100))]), (None, Outlook::NotEnoughSamples));
    let unlimited = |used| Usage { max: None, ..tokens(used) };
    assert_eq!(expected(&[(0, unlimited(1)), (1, unlimited(2))]), (Some(1), Outlook::Unlimited));
    let huge = |used| Usage { max: Some(u64::MAX), ..tokens(used) };
    assert_eq!(expected(&[(0, huge(0)), (1, huge(1))]), (Some(1), Outlook::NotReached));
    assert_eq!(expected(&[(0, huge(0)), (1, huge(u64::MAX - 1))]).0, Some(i64::MAX));
}

#[test]
fn a_period_begins_at_nothing_and_ends_what_is_expected() {
    let (end, next) = (T + 5 * DAY, T + 35 * DAY);
    let days = [(3, in_period(900, "2024-09", end)), (4, in_period(950, "2024-09", end))];
    assert_eq!(expected(&days), (Some(50), Outlook::ResetsBefore { resets: end }));
    let days = [days[0].clone(), days[1].clone(), (5, in_period(100, "2024-10", next))];
    // 50 and then 100 in two days: 900 are left.
    assert_eq!(expected(&days), (Some(75), Outlook::Reached { at: T + 17 * DAY }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn both_stores_keep_what_the_model_keeps(
        steps in prop::collection::vec(
            (prop_oneof![6 => 0..2 * HOUR, 2 => 0..3 * DAY, 1 => 100 * DAY..300 * DAY], 0_u64..9, 0_u64..4, prop::bool::weighted(0.2)),
            1..40,
        )
    ) {
        let folder = tempfile::tempdir().unwrap();
        let stores: [&dyn Store; 2] = [&MemoryStore::default(), &RedbStore::open(folder.path()).unwrap()];
        let mut model: BTreeMap<u64, u64> = BTreeMap::new();
        let mut mark = T;
        for (step, held, period, ahead) in steps {
            mark += step;
            let time = Reading { now: mark + if ahead { TOLERANCE + 1 } else { 0 }, wall: mark, mark };
            let period = format!("p{period}");
            for store in stores {
                record(store, NS, &[in_period(held, &period, 0)], time).unwrap();
            }
            if !ahead {
                let hour = time.now / HOUR * HOUR;
                if let std::collections::btree_map::Entry::Vacant(free) = model.entry(hour) {
                    free.insert(held);
                    model.retain(|kept, _| kept / DAY + DAYS > hour / DAY);
                }
            }
            let expected: Vec<_> = model.iter().map(|(hour, used)| (*hour, *used)).collect();
            for store in stores {
                prop_assert_eq!(&used(store), &expected);
            }
        }
    }
}
