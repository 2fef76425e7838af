//! What the store makes of a disk that fails, for a moment or for good.

use super::disk::{Change, Disk, EIO, ENOSPC, EROFS};
use super::*;
use crate::bindings::placet::policy::counters::Excess;

pub(super) fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

/// One unit on two counters, with a `once` key.
fn count(store: &RedbStore, number: u64) -> Result<Vec<u64>, Error> {
    let entry = |counter: &str| Entry { counter: counter.to_owned(), amount: 1, ceiling: 1_000, slack: 0 };
    let once = Once { key: format!("k{number}"), request: "r".to_owned() };
    store.add("n", vec![entry("a"), entry("b")], vec![], Some(once), None, at(1_000 + number))
}

fn read(store: &RedbStore) -> Result<u64, Error> {
    let held = store.read("n", &["a".to_owned(), "b".to_owned()], at(0))?;
    assert_eq!(held[0], held[1], "one call was kept in half");
    Ok(held[0])
}

fn held(store: &RedbStore) -> u64 {
    let held = read(store).unwrap();
    let recorded = (0..20).filter(|number| store.recall("n", &format!("k{number}")).unwrap().is_some()).count();
    assert_eq!(held, recorded as u64, "a once row without its counter, or the other way round");
    assert_eq!(store.counters("n", "", None, 9).unwrap().len(), if held == 0 { 0 } else { 2 });
    held
}

const CALLS: u64 = 8;

/// Calls that go through and calls that do not, while the changes in `failing` fail.
fn survive(failing: std::ops::Range<u64>, error: i32, reason: &str) -> bool {
    survive_where(|disk| disk.fail(failing.clone(), error), &failing, reason)
}

/// The same while the reads in `failing` fail, counted from a first change that fails: the store is then opened and read anew.
fn survive_blind(failing: std::ops::Range<u64>) -> bool {
    let break_it = |disk: &Disk| {
        disk.fail_looks(failing.clone(), EIO);
        disk.fail(0..1, EIO);
    };
    survive_where(break_it, &failing, "io")
}

fn survive_where(break_it: impl Fn(&Disk), failing: &std::ops::Range<u64>, reason: &str) -> bool {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    break_it(&disk);
    let (mut acknowledged, mut unknown) = (0, 0);
    for number in 0..CALLS {
        // Who reads keeps what was read, until it is another.
        let before = read(&store).ok();
        match count(&store, number) {
            Ok(sums) => {
                acknowledged += 1;
                assert!(sums[0] >= acknowledged && sums[0] <= acknowledged + unknown);
                assert!(before.is_none_or(|before| before + 1 == sums[0]), "{before:?} and {sums:?} at {failing:?}");
            }
            Err(Error::Unavailable(told)) if told == "commit-unknown" => unknown += 1,
            Err(Error::Unavailable(told)) => assert_eq!(told, reason, "at {failing:?}"),
            other => panic!("{other:?} at {failing:?}"),
        }
    }
    let failed = acknowledged < CALLS;
    disk.heal();
    // The same store goes on once the disk does.
    let before = held(&store);
    let sums = count(&store, CALLS).unwrap();
    assert_eq!(sums[0], before + 1, "at {failing:?}");
    assert!((acknowledged + 1..=acknowledged + 1 + unknown).contains(&sums[0]), "at {failing:?}");
    drop(store);
    let reopened = RedbStore::open_with(disk).unwrap();
    assert_eq!(held(&reopened), sums[0], "at {failing:?}");
    failed
}

#[test]
fn a_disk_that_is_full_for_a_moment_at_any_change_loses_and_invents_nothing() {
    let failures = (0..120).filter(|number| survive(*number..number + 1, ENOSPC, "disk-full")).count();
    assert!(failures > 20, "only {failures} places were hit");
}

#[test]
fn a_disk_that_fails_for_a_moment_at_any_change_loses_and_invents_nothing() {
    let failures = (0..120).filter(|number| survive(*number..number + 1, EIO, "io")).count();
    assert!(failures > 20, "only {failures} places were hit");
}

#[test]
fn a_change_that_comes_about_though_the_disk_says_it_failed_is_found_and_not_counted_again() {
    let failed =
        |number: u64| survive_where(|disk| disk.fail_late(number..number + 1, EIO), &(number..number + 1), "io");
    let failures = (0..120).filter(|number| failed(*number)).count();
    assert!(failures > 20, "only {failures} places were hit");
}

#[test]
fn a_disk_that_cannot_be_read_for_a_moment_loses_and_invents_nothing() {
    for number in 0..120 {
        assert!(survive_blind(number..number + 1), "the first change fails in any case");
    }
    survive_blind(0..u64::MAX);
}

#[test]
fn an_opening_that_cannot_read_says_so_and_changes_nothing() {
    let disk = Disk::new();
    count(&RedbStore::open_with(disk.clone()).unwrap(), 0).unwrap();
    let before = disk.image();
    let mut failures = 0;
    for number in 0..200 {
        disk.fail_looks(number..number + 1, EIO);
        match RedbStore::open_with(disk.clone()) {
            Ok(store) => assert_eq!(held(&store), 1),
            Err(error) => {
                assert_eq!(error.reason(), "io", "at {number}: {error}");
                failures += 1;
            }
        }
        disk.heal();
        assert_eq!(held(&RedbStore::open_with(Disk::holding(before.clone())).unwrap()), 1);
        assert_eq!(held(&RedbStore::open_with(disk.clone()).unwrap()), 1, "at {number}");
    }
    assert!(failures > 5, "only {failures} places were hit");
}

#[test]
fn an_opening_that_cannot_write_loses_neither_what_was_counted_nor_what_a_crash_burned() {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    let entry = Entry { counter: "c".to_owned(), amount: 1, ceiling: 1_000, slack: 40 };
    (0..100).for_each(|time| drop(store.add("n", vec![entry.clone()], vec![], None, None, at(time)).unwrap()));
    let crashed = disk.image();
    drop(store);
    let whole = RedbStore::open_with(Disk::holding(crashed.clone())).unwrap().burned().to_vec();
    assert!(whole[0].units > 0, "nothing was burned: the test tests nothing");
    for error in [ENOSPC, EIO] {
        let mut failures = 0;
        for number in 0..60 {
            let disk = Disk::holding(crashed.clone());
            disk.fail(number..number + 1, error);
            failures += u32::from(RedbStore::open_with(disk.clone()).is_err());
            disk.heal();
            let store = RedbStore::open_with(disk).unwrap();
            assert_eq!(store.burned(), whole, "at {number}");
            let held = store.read("n", &["c".to_owned()], at(0)).unwrap()[0];
            assert!((100..=100 + whole[0].units).contains(&held), "{held} at {number}");
        }
        assert!(failures > 5, "only {failures} places were hit");
    }
}

#[test]
fn a_disk_that_stays_full_refuses_with_its_reason_until_there_is_room() {
    for first in 0..40 {
        survive(first..u64::MAX, ENOSPC, "disk-full");
    }
}

/// No system lets a mount become read-only while a file in it is written; a disk does.
#[test]
fn a_disk_that_becomes_read_only_under_an_open_store_refuses_with_its_reason_until_it_is_writable() {
    for first in 0..40 {
        survive(first..u64::MAX, EROFS, "read-only");
    }
}

#[test]
fn tokens_of_a_call_that_failed_are_given_back() {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    store.start(0);
    let draw = Draw { counter: "d".to_owned(), tokens: 3, capacity: 5, refill: 1, every: 1 };
    let entry = Entry { counter: "a".to_owned(), amount: 1, ceiling: 9, slack: 0 };
    disk.fail(0..1, ENOSPC);
    let refused = store.add("n", vec![entry.clone()], vec![draw.clone()], None, None, at(5));
    assert_eq!(refused, Err(Error::Unavailable("disk-full".to_owned())));
    assert_eq!(store.level("n", &draw, at(5)).tokens, 5);
    disk.heal();
    assert_eq!(store.add("n", vec![entry.clone()], vec![draw.clone()], None, None, at(5)), Ok(vec![1]));
    let over = Entry { ceiling: 1, ..entry };
    let exceeded = Err(Error::Exceeded(Excess { entry: 0, current: 1 }));
    assert_eq!(store.add("n", vec![over], vec![draw.clone()], None, None, at(5)), exceeded);
    assert_eq!(store.level("n", &draw, at(5)).tokens, 2);
}

#[test]
fn a_cut_at_any_operation_keeps_what_was_acknowledged_and_nothing_in_half() {
    let disk = Disk::new();
    let mut image = disk.image();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    // How long the log was when so many calls were acknowledged.
    let mut acknowledged = vec![0];
    for number in 0..CALLS {
        count(&store, number).unwrap();
        acknowledged.push(disk.log().len());
    }
    drop(store);
    let log = disk.log();
    let mut unsynced: Vec<Change> = Vec::new();
    let mut images = 0;
    for (cut, change) in log.iter().enumerate() {
        let least = acknowledged.iter().filter(|length| **length <= cut).count() as u64 - 1;
        // Nothing since the last sync was kept; all of it; all but the first, the last, every other one; half of the last.
        let kept = |keep: &dyn Fn(usize) -> bool| {
            let mut image = image.clone();
            for (index, change) in unsynced.iter().enumerate() {
                // The length is not torn from what is written behind it: that would not fit.
                if keep(index) || matches!(change, Change::Length(_)) {
                    change.apply(&mut image);
                }
            }
            image
        };
        let last = unsynced.len().wrapping_sub(1);
        let mut cuts = vec![kept(&|_| false), kept(&|_| true), kept(&|index| index != 0)];
        cuts.extend([kept(&|index| index != last), kept(&|index| index % 2 == 0), kept(&|index| index == last)]);
        if let Change::Write(offset, data) = change {
            let mut torn = kept(&|_| true);
            Change::Write(*offset, data[..data.len() / 2].to_vec()).apply(&mut torn);
            cuts.push(torn);
        }
        cuts.dedup();
        for cut_image in cuts {
            let store = RedbStore::open_with(Disk::holding(cut_image)).unwrap();
            let held = held(&store);
            assert!((least..=least + 1).contains(&held), "{held} of {least} at {cut}");
            images += 1;
        }
        unsynced.push(change.clone());
        if matches!(change, Change::Sync) {
            unsynced.drain(..).for_each(|change| change.apply(&mut image));
        }
    }
    assert!(images > 150, "only {images} images");
}
