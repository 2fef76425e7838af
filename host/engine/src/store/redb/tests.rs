//! What a store promises, call by call; races; the lock.

use std::sync::Arc;
use std::thread;

use super::disk::Disk;
use super::*;
use crate::bindings::placet::policy::counters::{Excess, Recorded, Shortage};
use crate::store::{MAX_ITEMS, MAX_NAME, MAX_ONCE_REQUEST, ONCE_KEPT, ONCE_NEWEST};

const NS: &str = "acme/router";

fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

fn entry(counter: &str, amount: u64, ceiling: u64) -> Entry {
    Entry { counter: counter.to_owned(), amount, ceiling, slack: 0 }
}

fn portion(counter: &str, amount: u64) -> Portion {
    Portion { counter: counter.to_owned(), amount }
}

fn key(key: &str) -> Option<Once> {
    Some(Once { key: key.to_owned(), request: format!("request of {key}") })
}

fn draw(tokens: u64) -> Draw {
    Draw { counter: "bucket".to_owned(), tokens, capacity: 20, refill: 2, every: 3 }
}

fn store() -> (tempfile::TempDir, RedbStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RedbStore::open(dir.path()).unwrap();
    store.start(0);
    (dir, store)
}

fn held(store: &dyn Store, counter: &str) -> u64 {
    store.read(NS, &[counter.to_owned()], at(0)).unwrap()[0]
}

fn exceeded(entry: u32, current: u64) -> Error {
    Error::Exceeded(Excess { entry, current })
}

#[test]
fn sixty_four_threads_at_a_ceiling_get_exactly_the_ceiling() {
    const CEILING: u64 = 10_000;
    let (dir, store) = store();
    let store = Arc::new(store);
    let threads: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            thread::spawn(move || {
                let mut got = 0;
                loop {
                    match store.add(
                        NS,
                        vec![entry("a", 1, CEILING), entry("b", 2, u64::MAX)],
                        vec![],
                        None,
                        None,
                        at(1),
                    ) {
                        Ok(_) => got += 1,
                        Err(error) => {
                            assert_eq!(error, exceeded(0, CEILING));
                            return got;
                        }
                    }
                }
            })
        })
        .collect();
    let got: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(got, CEILING);
    drop(store);
    let reopened = RedbStore::open(dir.path()).unwrap();
    assert_eq!((held(&reopened, "a"), held(&reopened, "b")), (CEILING, 2 * CEILING));
}

#[test]
fn a_key_that_counted_is_repeated_before_anything_else_is_looked_at() {
    let (_dir, store) = store();
    assert_eq!(store.add(NS, vec![entry("a", 5, 5)], vec![], key("k"), None, at(1)), Ok(vec![5]));
    let recorded = Recorded { request: "request of k".to_owned(), entries: vec![portion("a", 5)], sums: vec![5] };
    let repeated = Err(Error::Repeated(recorded.clone()));
    let other = Some(Once { key: "k".to_owned(), request: "another".to_owned() });
    assert_eq!(store.add(NS, vec![entry("a", 1, 5)], vec![draw(99)], other.clone(), None, at(1)), repeated);
    assert_eq!(store.subtract(NS, vec![portion("a", 99)], other, at(1)), repeated);
    assert_eq!(store.recall(NS, "k"), Ok(Some(Recalled { recorded, reservation: None })));
    assert_eq!(store.recall("another", "k"), Ok(None));
    // A refusal leaves its key free.
    assert_eq!(store.add(NS, vec![entry("a", 1, 5)], vec![], key("l"), None, at(1)), Err(exceeded(0, 5)));
    assert_eq!(store.recall(NS, "l"), Ok(None));
}

#[test]
fn a_counter_named_twice_gets_both_or_none() {
    let (_dir, store) = store();
    let twice = |ceiling| vec![entry("a", 3, ceiling), entry("b", 1, 9), entry("a", 4, ceiling)];
    assert_eq!(store.add(NS, twice(6), vec![], None, None, at(1)), Err(exceeded(2, 0)));
    assert_eq!(store.add(NS, twice(7), vec![], None, None, at(1)), Ok(vec![7, 1, 7]));
    let back = vec![portion("a", 4), portion("a", 4)];
    assert_eq!(store.subtract(NS, back, None, at(1)), Err(exceeded(1, 7)));
    assert_eq!(held(&store, "a"), 7);
}

#[test]
fn the_largest_number_is_reached_and_not_passed() {
    let (_dir, store) = store();
    let max = u64::MAX;
    assert_eq!(store.add(NS, vec![entry("a", max, max)], vec![], None, None, at(1)), Ok(vec![max]));
    assert_eq!(store.add(NS, vec![entry("a", 1, max)], vec![], None, None, at(1)), Err(exceeded(0, max)));
    assert_eq!(store.raise(NS, "a", 5, at(1)), Ok(max));
}

#[test]
fn what_is_longer_than_the_store_keeps_is_refused_with_its_reason() {
    let (_dir, store) = store();
    let other = |reason: &str| Err(Error::Other(reason.to_owned()));
    let long = "x".repeat(MAX_NAME + 1);
    assert_eq!(store.set(NS, &long[1..], 1, at(1)), Ok(0));
    assert_eq!(store.set(NS, &long, 1, at(1)), other("counter-name-too-long"));
    let added = store.add(NS, vec![entry(&long, 1, 1)], vec![], None, None, at(1));
    assert_eq!(added, Err(Error::Other("counter-name-too-long".to_owned())));
    let many = vec![entry("a", 0, 1); MAX_ITEMS + 1];
    assert_eq!(store.add(NS, many, vec![], None, None, at(1)), Err(Error::Other("too-many-entries".to_owned())));
    let request = Some(Once { key: "k".to_owned(), request: "x".repeat(MAX_ONCE_REQUEST + 1) });
    assert_eq!(
        store.add(NS, vec![], vec![], request, None, at(1)),
        Err(Error::Other("once-request-too-long".to_owned()))
    );
    assert_eq!(
        store.add(NS, vec![], vec![], key(&long), None, at(1)),
        Err(Error::Other("once-key-too-long".to_owned()))
    );
}

#[test]
fn draws_alone_touch_no_disk_and_tell_how_long_to_wait() {
    let (_dir, store) = store();
    assert_eq!(store.add(NS, vec![], vec![draw(2)], None, None, at(3)), Ok(vec![]));
    let empty = Error::Empty(Shortage { draw: 0, wait: 3 });
    assert_eq!(store.add(NS, vec![entry("a", 1, 1)], vec![draw(2)], key("k"), None, at(3)), Err(empty));
    assert_eq!((held(&store, "a"), store.recall(NS, "k"), store.mark().unwrap()), (0, Ok(None), None));
}

#[test]
fn keys_are_purged_when_they_are_old_and_many_and_never_before() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    let record = |number: u64, time: u64| {
        store.add(NS, vec![], vec![], key(&number.to_string()), None, at(time)).unwrap();
    };
    // So many rows of the time 0, without so many commits.
    let fill = |txn: &sealed::Txn<'_>| {
        let recorded = Recorded { request: String::new(), entries: vec![], sums: vec![] };
        let recalled = Recalled { recorded, reservation: None };
        for number in 0..ONCE_NEWEST {
            once::record(txn, NS, &format!("fill-{number}"), &recalled, 0)?;
        }
        Ok(rows::Outcome::Changed(()))
    };
    store.writer.write(0, fill).unwrap();
    let kept = |number: u64| store.recall(NS, &format!("fill-{number}")).unwrap().is_some();
    record(1, ONCE_KEPT - 1);
    assert!(kept(0), "too young");
    record(2, ONCE_KEPT);
    assert!(!kept(0) && !kept(1) && kept(2), "the newest are kept");
    record(3, ONCE_KEPT);
    assert!(!kept(2) && kept(3));
}

#[test]
fn a_second_opening_is_refused_and_names_the_directory() {
    let (dir, store) = store();
    for _ in 0..2 {
        let error = RedbStore::open(dir.path()).unwrap_err();
        assert_eq!(error.reason(), "locked");
        assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
        assert!(error.to_string().contains("sidecar"), "{error}");
    }
    assert_eq!(store.set(NS, "a", 1, at(1)), Ok(0));
    drop(store);
    assert_eq!(held(&RedbStore::open(dir.path()).unwrap(), "a"), 1);
}

#[test]
fn racing_to_make_the_file_leaves_one() {
    let dir = tempfile::tempdir().unwrap();
    let opened: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| RedbStore::open(dir.path()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (stores, refused): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
    assert_eq!(stores.len(), 1);
    assert!(
        refused.iter().all(|refused| refused.as_ref().is_err_and(|error| error.reason() == "locked")),
        "{refused:?}"
    );
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut names = names;
    names.sort();
    assert_eq!(names, ["counters.redb", "install.key"]);
}

#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, _store) = store();
    let mode = std::fs::metadata(dir.path().join("counters.redb")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_of_a_newer_format_is_refused_as_such() {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    store.writer.write(0, |txn| rows::write_format(txn, rows::FORMAT + 1)).unwrap();
    drop(store);
    let error = RedbStore::open_with(disk).unwrap_err();
    assert!(matches!(error, StoreError::Newer { format, .. } if format == rows::FORMAT + 1), "{error:?}");
    assert_eq!(error.reason(), "newer-format");
}

#[test]
fn a_directory_that_is_not_there_or_holds_something_else_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(RedbStore::open(&dir.path().join("gone")).unwrap_err().reason(), "io");
    std::fs::create_dir(dir.path().join("counters.redb")).unwrap();
    assert_eq!(RedbStore::open(dir.path()).unwrap_err().reason(), "io");
    std::fs::remove_dir(dir.path().join("counters.redb")).unwrap();
    drop(RedbStore::open(dir.path()).unwrap());
    std::fs::write(dir.path().join("counters.redb"), "").unwrap();
    assert_eq!(RedbStore::open(dir.path()).unwrap_err().reason(), "damaged");
}

#[test]
fn an_anchor_sets_the_mark_once_and_it_stays_set() {
    let (dir, store) = store();
    store.commit_mark(1_000).unwrap();
    assert!(store.anchor(NS, "a1", 400, 1_000).unwrap());
    assert_eq!(store.mark().unwrap(), Some(400));
    store.commit_mark(500).unwrap();
    assert!(!store.anchor(NS, "a1", 400, 1_000).unwrap());
    assert!(store.anchor("other/policy", "a1", 450, 500).unwrap(), "each policy has its own");
    drop(store);
    let store = RedbStore::open(dir.path()).unwrap();
    assert_eq!(store.mark().unwrap(), Some(450));
    assert!(!store.anchor(NS, "a1", 400, 1_000).unwrap());
    assert!(store.anchor(NS, "a2", 2_000, 450).unwrap());
    assert_eq!(store.mark().unwrap(), Some(2_000));
}
