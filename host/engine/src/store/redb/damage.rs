//! Files that others altered: refused, or read as they were; never a panic, never another number.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::disk::Disk;
use super::*;

fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

fn names() -> Vec<String> {
    (0..200).map(|number| format!("use/tokens/tenant-{number}/@customer/2026-11/0")).collect()
}

/// A store with something in each table; closed, or as a crash leaves it. With what may be read of it.
fn image(closed: bool) -> (Vec<u8>, Vec<String>) {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    for (number, name) in (1..).zip(names()) {
        let entry = Entry { counter: name, amount: number * 1_001, ceiling: u64::MAX, slack: 0 };
        let once = Once { key: format!("key-{number}"), request: "r".repeat(number as usize) };
        store.add("n", vec![entry], vec![], (number % 4 == 0).then_some(once), None, at(number)).unwrap();
    }
    store.keep("n", "license.json", &[7; 9_000], 1).unwrap();
    store.raise_floor("n", Floor { sequence: 7, hash: [9; 32] }, 1).unwrap();
    store.put_value("active", Some(b"n"), 1).unwrap();
    let before = told(&store).unwrap();
    store.claim("n", "pool", Member { holder: "ada".to_owned(), weight: 2, expires: None }, 5, at(1)).unwrap();
    let after = told(&store).unwrap();
    let crashed = disk.image();
    drop(store);
    if closed { (disk.image(), vec![after]) } else { (crashed, vec![before, after]) }
}

/// Everything that is in the store, or the first reason why it cannot be read.
fn told(store: &RedbStore) -> Result<String, String> {
    let once: Result<Vec<_>, Error> = (0..50).map(|number| store.recall("n", &format!("key-{}", number * 4))).collect();
    let told = (
        store.read("n", &names(), at(0)).map_err(|error| error.to_string())?,
        once.map_err(|error| error.to_string())?,
        store.members("n", "pool", None, 9, at(1)).map_err(|error| error.to_string())?,
        store.recover("n", "license.json").map_err(|error| error.to_string())?,
        store.floor("n").map_err(|error| error.to_string())?,
        store.place("n", "pool", "ada", at(1)).map_err(|error| error.to_string())?,
        store.value("active").map_err(|error| error.to_string())?,
        store.mark().map_err(|error| error.to_string())?,
    );
    Ok(format!("{told:?}"))
}

/// Opens the image and uses it in every way. Whether it was noticed.
fn refused_or_right(image: Vec<u8>, expected: &[String]) -> bool {
    let store = match RedbStore::open_with(Disk::holding(image)) {
        Ok(store) => store,
        Err(StoreError::Damaged { .. } | StoreError::Newer { .. }) => return true,
        Err(other) => panic!("{other:?}"),
    };
    let told = told(&store);
    if let Ok(told) = &told {
        assert!(expected.contains(told), "a wrong value was served: {told}");
    }
    let set = store.set("n", "another", 1, at(1_000));
    assert!(matches!(set, Ok(0) | Err(Error::Unavailable(_))), "{set:?}");
    told.is_err() || set.is_err()
}

/// Panics inside redb are part of what is tested.
fn try_images(closed: bool, alter: impl Fn(&mut Vec<u8>, Place)) -> u32 {
    let (image, expected) = image(closed);
    let used: Vec<usize> = (0..image.len()).filter(|index| image[*index] != 0).collect();
    // Anywhere, among the bytes that are not zero, in the header.
    let index = prop_oneof![0..image.len(), (0..used.len()).prop_map(move |index| used[index]), 0..512_usize];
    let noticed = Cell::new(0);
    let outcome = runner(images()).run(&(index, 0..8_u8), |(index, bit)| {
        let mut image = image.clone();
        alter(&mut image, Place { index, bit });
        noticed.set(noticed.get() + u32::from(refused_or_right(image, &expected)));
        Ok(())
    });
    outcome.unwrap();
    noticed.get()
}

/// Of each kind of damage; there are four.
fn images() -> u32 {
    if std::env::var_os("PLACET_LONG").is_some() { 50_000 } else { 1_300 }
}

struct Place {
    index: usize,
    bit: u8,
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

#[test]
fn a_flipped_bit_of_a_closed_file_is_refused_or_harmless() {
    let noticed = try_images(true, |image, place| image[place.index] ^= 1 << place.bit);
    assert!(noticed > 20, "{noticed}");
}

#[test]
fn a_page_of_zeros_in_a_closed_file_is_refused_or_harmless() {
    let noticed = try_images(true, |image, place| {
        let page = place.index / 4_096 * 4_096;
        image[page..page + 4_096].fill(0);
    });
    assert!(noticed > 20, "{noticed}");
}

/// What redb cannot tell from a commit that a crash cut short: damage to the very last commit before a crash. Then the state
/// before that commit is served; never anything older, and never a mixture.
/// The key of a row that is altered keeps every tag, so a counter would begin anew.
#[test]
fn a_flipped_bit_in_a_name_of_a_large_file_is_refused_or_harmless() {
    let disk = large_disk();
    let image = disk.image();
    assert!(image.len() > 4 << 20, "{}", image.len());
    let places: Vec<usize> = (0..image.len()).filter(|at| image[*at..].starts_with(b"use/tokens")).collect();
    assert!(!places.is_empty());
    let mut noticed = 0;
    for place in places {
        for bit in 0..8 {
            let mut image = image.clone();
            image[place + 1] ^= 1 << bit;
            match RedbStore::open_with(Disk::holding(image)) {
                Ok(store) => assert_eq!(store.read("n", &["use/tokens".to_owned()], at(1)), Ok(vec![700])),
                Err(StoreError::Damaged { .. } | StoreError::Edited { .. }) => noticed += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert!(noticed > 0);
}

/// A closed store with 700 units on a counter, and beside it a copy of some megabytes.
pub(super) fn large_disk() -> Disk {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    store.keep("n", "license.json", &vec![7; 5 << 20], 1).unwrap();
    let entry = Entry { counter: "use/tokens".to_owned(), amount: 700, ceiling: 1_000, slack: 0 };
    store.add("n", vec![entry], vec![], None, None, at(1)).unwrap();
    disk
}

#[test]
fn a_flipped_bit_of_a_file_after_a_crash_is_refused_or_costs_the_last_commit_at_most() {
    let noticed = try_images(false, |image, place| image[place.index] ^= 1 << place.bit);
    assert!(noticed > 20, "{noticed}");
}

#[test]
fn a_file_that_was_cut_or_is_something_else_is_refused() {
    let noticed = try_images(true, |image, place| image.truncate(place.index));
    assert!(noticed > images() - 50, "{noticed}");
    for other in [&b""[..], b"redb", b"{}", &[0; 4_096], b"SQLite format 3\0"] {
        let refused = RedbStore::open_with(Disk::holding(other.to_vec())).map(drop);
        assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
    }
}
