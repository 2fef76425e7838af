//! What is asked again after a failure counts once, with blocks beside it: a key and a reservation settle what a failed commit left
//! unknown.

use super::disk::{Disk, EIO, ENOSPC};
use super::faults::at;
use super::*;
use crate::store::{Ends, Settlement};

const COUNTER: &str = "use/c";
const CALLS: u64 = 5;
/// Units of one call under a key; of a reservation, and what was used of it.
const KEYED: u64 = 2;
const RESERVED: u64 = 3;
const USED: u64 = 1;
/// A failure of one change is over when it is asked again.
const ATTEMPTS: usize = 3;

fn add(store: &RedbStore, amount: u64, key: Option<String>, part: Option<Part>) -> Result<Vec<u64>, Error> {
    let entry = Entry { counter: COUNTER.to_owned(), amount, ceiling: 1_000, slack: 50 };
    let once = key.map(|key| Once { key, request: String::new() });
    store.add("n", vec![entry], vec![], once, part, at(1))
}

/// Asks until it is known that it counted. Whether it had to be asked again.
fn until_counted(ask: impl Fn() -> Result<Vec<u64>, Error>) -> bool {
    for attempt in 0..ATTEMPTS {
        match ask() {
            Ok(_) | Err(Error::Repeated(_)) => return attempt > 0,
            Err(Error::Unavailable(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("one change failed, and {ATTEMPTS} calls");
}

fn reserve(store: &RedbStore, id: &str) -> bool {
    let reserved = Reserved {
        limit: "c".to_owned(),
        amount: RESERVED,
        tenant: None,
        details: Vec::new(),
        entries: Vec::new(),
        ends: Ends::after(1_000, at(1)),
    };
    let part = || Some(Part::Reserve(id.to_owned(), reserved.clone()));
    until_counted(|| add(store, RESERVED, Some(id.to_owned()), part()))
}

fn settle(store: &RedbStore, id: &str) -> bool {
    let settlement = Settlement {
        id: id.to_owned(),
        reason: "settled".to_owned(),
        limit: "c".to_owned(),
        tenant: None,
        reserved: RESERVED,
        actual: USED,
        charged: USED,
        unbilled: 0,
        denied: None,
    };
    let back = vec![Portion { counter: COUNTER.to_owned(), amount: RESERVED - USED }];
    for attempt in 0..ATTEMPTS {
        let standing = store.reservation("n", id, at(1)).unwrap().unwrap();
        if matches!(standing, Standing::Settled(_)) {
            return attempt > 0;
        }
        let settling = Settling { from: standing, back: back.clone(), excess: None, settlement: settlement.clone() };
        if let Ok(settled) = store.settle("n", id, settling, at(1)) {
            assert!(settled, "nobody else settles it");
            return attempt > 0;
        }
    }
    panic!("one change failed, and {ATTEMPTS} calls");
}

/// Whether something had to be asked again because of the change that failed.
fn survives(failing: u64, error: i32) -> bool {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    disk.fail(failing..failing + 1, error);
    let (mut acknowledged, mut unknown, mut again) = (0, 0, false);
    for number in 0..CALLS {
        // Counted in memory, or with the next block.
        for _ in 0..3 {
            match add(&store, 1, None, None) {
                Ok(_) => acknowledged += 1,
                Err(Error::Unavailable(reason)) if reason == "commit-unknown" => unknown += 1,
                Err(Error::Unavailable(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        again |= until_counted(|| add(&store, KEYED, Some(format!("k{number}")), None));
        again |= reserve(&store, &format!("r{number}"));
        again |= settle(&store, &format!("r{number}"));
    }
    let once = CALLS * (KEYED + USED);
    let held = |store: &RedbStore| store.read("n", &[COUNTER.to_owned()], at(1)).unwrap()[0];
    let counted = held(&store);
    let least = once + acknowledged;
    assert!((least..=least + unknown).contains(&counted), "{counted} of {least} at {failing}");
    drop(store);
    assert_eq!(held(&RedbStore::open_with(disk).unwrap()), counted, "at {failing}");
    again
}

#[test]
fn what_is_asked_again_after_any_change_that_failed_counts_once() {
    for error in [ENOSPC, EIO] {
        let again = (0..200).filter(|failing| survives(*failing, error)).count();
        assert!(again > 40, "only {again} places made someone ask again");
    }
}
