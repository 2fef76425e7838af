//! A disk that fails on demand and can be cut at any moment, and what the store makes of it.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Builder, StorageBackend};

use super::file::{Opened, Opener, initialize, open_database};
use super::sealed::Seals;
use super::*;
use crate::bindings::placet::policy::counters::Excess;
use crate::install_key::InstallKey;

pub(super) const ENOSPC: i32 = 28;
pub(super) const EIO: i32 = 5;
const EROFS: i32 = 30;

/// What a disk was told to change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// A disk with a cache: what was written is read back at once, and is kept only by a sync.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cache: Vec<u8>,
    durable: Vec<u8>,
    log: Vec<Change>,
    /// Fails the changes with these numbers, counted from the last [`Disk::fail`], with this error.
    failing: Option<(std::ops::Range<u64>, i32)>,
    /// They come about all the same.
    comes_about: bool,
    changes: u64,
    /// The same of what only looks, counted from the last [`Disk::fail_looks`].
    blind: Option<(std::ops::Range<u64>, i32)>,
    looks: u64,
}

impl Disk {
    /// A disk with a new store on it.
    pub(super) fn new() -> Self {
        let disk = Self::default();
        let database = Builder::new().create_with_backend(disk.clone()).unwrap();
        let opened = Opened { database, seals: seals(), last: Mutex::default(), file: None };
        initialize(&opened).unwrap();
        opened.database.close().unwrap();
        disk.state().log.clear();
        disk
    }

    pub(super) fn holding(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { cache: image.clone(), durable: image, ..State::default() })))
    }

    pub(super) fn image(&self) -> Vec<u8> {
        self.state().cache.clone()
    }

    pub(super) fn fail(&self, changes: std::ops::Range<u64>, error: i32) {
        let mut state = self.state();
        state.failing = Some((changes, error));
        state.changes = 0;
    }

    /// The same of changes that come about, and are told as failed.
    fn fail_late(&self, changes: std::ops::Range<u64>, error: i32) {
        self.fail(changes, error);
        self.state().comes_about = true;
    }

    /// Fails reads, and questions for the length.
    fn fail_looks(&self, looks: std::ops::Range<u64>, error: i32) {
        let mut state = self.state();
        state.blind = Some((looks, error));
        state.looks = 0;
    }

    fn heal(&self) {
        let mut state = self.state();
        (state.failing, state.blind, state.comes_about) = (None, None, false);
    }

    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let number = state.looks;
        state.looks += 1;
        match &state.blind {
            Some((looks, error)) if looks.contains(&number) => Err(io::Error::from_raw_os_error(*error)),
            _ => Ok(state),
        }
    }

    pub(super) fn log(&self) -> Vec<Change> {
        self.state().log.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.state();
        let number = state.changes;
        state.changes += 1;
        let failing = state.failing.as_ref().filter(|(failing, _)| failing.contains(&number));
        let failed = failing.map_or(Ok(()), |(_, error)| Err(io::Error::from_raw_os_error(*error)));
        if failed.is_err() && !state.comes_about {
            return failed;
        }
        change.apply(&mut state.cache);
        if matches!(change, Change::Sync) {
            state.durable = state.cache.clone();
        }
        state.log.push(change);
        failed
    }
}

impl Change {
    pub(super) fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let offset = *offset as usize;
                image[offset..offset + data.len()].copy_from_slice(data);
            }
            Self::Length(length) => image.resize(*length as usize, 0),
            Self::Sync => {}
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.look()?.cache.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.look()?;
        let end = offset.checked_add(out.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        let read = state.cache.get(offset as usize..end as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(read);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(Change::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(Change::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset, data.to_vec()))
    }
}

impl Opener for Disk {
    fn path(&self) -> &Path {
        Path::new("state/counters.redb")
    }

    fn open(&self, again: bool) -> Result<Opened, StoreError> {
        let length = {
            let mut state = self.state();
            if again {
                state.cache = state.durable.clone();
            }
            state.cache.len() as u64
        };
        open_database(self.clone(), length, self.path(), seals())
    }

    fn check_there(&self, _: &Opened) -> Result<(), StoreError> {
        Ok(())
    }
}

fn seals() -> Seals {
    Seals::new(&InstallKey::test(7))
}

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
