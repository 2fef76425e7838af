//! Entries with slack: exact at the ceiling, logical to readers, whole after a clean stop, burned at most by their slack in a crash.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::disk::Disk;
use super::*;
use crate::bindings::placet::policy::counters::{Excess, Portion};
use crate::store::block::{Block, Take, size};
use crate::waiting::while_waiting;

fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

fn add(store: &RedbStore, amount: u64, ceiling: u64, slack: u64, mark: u64) -> Result<u64, Error> {
    let entry = Entry { counter: "a".to_owned(), amount, ceiling, slack };
    store.add("n", vec![entry], vec![], None, None, at(mark)).map(|sums| sums[0])
}

fn held(store: &RedbStore) -> u64 {
    let held = store.read("n", &["a".to_owned()], at(0)).unwrap()[0];
    assert_eq!(store.counters("n", "", None, 9).unwrap().first().map_or(0, |(_, held)| *held), held);
    held
}

/// What the disk holds, without the blocks.
fn reserved(store: &RedbStore) -> u64 {
    store.writer.view(|view| rows::read(view, "n", &["a".to_owned()])).unwrap()[0]
}

#[test]
fn a_block_gives_to_its_last_unit_and_never_past_a_ceiling() {
    let block = Block::new(20, 10, 0);
    assert_eq!(block.value(), 10);
    assert_eq!(block.take(4, 20, 9), Take::Missing, "more is left than this caller would burn");
    assert_eq!(block.take(4, 13, 10), Take::Exceeded(10));
    assert_eq!(block.take(4, 14, 10), Take::Taken(14));
    assert_eq!(block.take(7, 100, 10), Take::Missing);
    assert_eq!(block.take(6, 20, 10), Take::Taken(20));
    assert_eq!(block.take(1, 20, 10), Take::Exceeded(20));
    assert_eq!(block.take(1, 21, 10), Take::Missing);
    assert_eq!(block.take(0, 20, 10), Take::Taken(20));
    assert_eq!(block.take(u64::MAX, u64::MAX, 10), Take::Exceeded(20));
}

#[test]
fn a_block_follows_the_rate_within_slack_and_half_of_what_is_free() {
    assert_eq!(size(0, 3, 100, 1_000), 3);
    assert_eq!(size(50, 3, 100, 1_000), 50);
    assert_eq!(size(5_000, 3, 100, 1_000), 100);
    assert_eq!(size(5_000, 3, 100, 20), 10);
    assert_eq!((size(9, 1, 9, 3), size(9, 1, 9, 2), size(9, 1, 9, 1), size(9, 1, 9, 0)), (1, 1, 0, 0));
    assert_eq!(size(u64::MAX, 1, u64::MAX, u64::MAX), 1 << 40);
    let block = Block::new(1_000, 500, 10_000);
    assert!(matches!(block.take(300, 1_000, 500), Take::Taken(_)));
    assert_eq!(block.pace(10_000), 30_000);
    assert_eq!(block.pace(11_000), 30, "300 in a second are 30 in a tenth of one");
}

#[test]
fn a_block_follows_the_rate_and_readers_see_what_was_used() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    let mut commits = Vec::new();
    for number in 1..=1_000 {
        // A thousand a second: a hundred in the span of a block.
        assert_eq!(add(&store, 1, 1_000_000, 5_000, 10_000 + number), Ok(number));
        assert_eq!(held(&store), number);
        assert!(reserved(&store) <= number + 110, "{} reserved at {number}", reserved(&store) - number);
        commits.push(store.head().unwrap().number);
    }
    assert!(commits[999] - commits[200] < 20, "{} commits of 800 calls", commits[999] - commits[200]);
    assert_eq!(add(&store, 0, 1_000_000, 5_000, 11_001), Ok(1_000));
}

#[test]
fn a_clean_stop_gives_back_the_rest_and_a_crash_burns_at_most_the_slack() {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    for number in 0..100 {
        add(&store, 1, 1_000, 40, number).unwrap();
    }
    let crashed = disk.image();
    drop(store);
    let stopped = RedbStore::open_with(disk).unwrap();
    assert_eq!((held(&stopped), stopped.burned()), (100, &[][..]));
    let disk = Disk::holding(crashed);
    let store = RedbStore::open_with(disk.clone()).unwrap();
    let burned = store.burned().to_vec();
    assert!(
        matches!(&*burned, [Burned { policy, counter, units: 1..=40 }] if policy == "n" && counter == "a"),
        "{burned:?}"
    );
    assert!(held(&store) > 100 && held(&store) <= 100 + burned[0].units, "{}", held(&store));
    drop(store);
    let store = RedbStore::open_with(disk.clone()).unwrap();
    assert_eq!(store.burned(), burned, "nobody told it");
    store.told_burned().unwrap();
    drop(store);
    let store = RedbStore::open_with(disk).unwrap();
    assert_eq!(store.burned(), [], "it is told once");
    assert_eq!(store.burned_ever("n").unwrap(), [("a".to_owned(), burned[0].units)]);
    assert_eq!(store.burned_ever("another").unwrap(), []);
}

#[test]
fn a_block_that_was_used_up_before_a_refusal_is_not_burned_by_a_clean_stop() {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    let mut used = 0;
    while used == 0 || reserved(&store) > used {
        used = add(&store, 1, 1_000, 3, used).unwrap();
    }
    let entry = |ceiling| Entry { counter: "a".to_owned(), amount: 1, ceiling, slack: 0 };
    let refused = store.add("n", vec![entry(1_000), entry(used)], vec![], None, None, at(used));
    assert_eq!(refused, Err(Error::Exceeded(Excess { entry: 1, current: used })));
    drop(store);
    let store = RedbStore::open_with(disk).unwrap();
    assert_eq!((held(&store), store.burned()), (used, &[][..]));
}

#[test]
fn whatever_else_changes_a_counter_sees_what_was_used() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    let begin = || {
        store.set("n", "a", 0, at(1)).unwrap();
        (0..10).for_each(|number| assert!(add(&store, 1, 1_000, 100, number).is_ok()));
        assert!(reserved(&store) > 10, "nothing was reserved: the test tests nothing");
    };
    begin();
    let back = vec![Portion { counter: "a".to_owned(), amount: 11 }];
    let exceeded = Err(Error::Exceeded(Excess { entry: 0, current: 10 }));
    assert_eq!(store.subtract("n", back.clone(), None, at(9)), exceeded);
    assert_eq!(held(&store), 10);
    assert_eq!(store.subtract("n", vec![Portion { amount: 4, ..back[0].clone() }], None, at(9)), Ok(vec![6]));
    begin();
    assert_eq!(store.set("n", "a", 3, at(9)), Ok(10));
    assert_eq!(held(&store), 3);
    begin();
    assert_eq!(store.raise("n", "a", 5, at(9)), Ok(10));
    assert_eq!(store.raise("n", "a", 50, at(9)), Ok(50));
    begin();
    assert_eq!(add(&store, 5, 15, 0, 9), Ok(15));
    assert_eq!(reserved(&store), 15, "an entry without slack leaves nothing reserved");
    begin();
    let entry = |slack| Entry { counter: "a".to_owned(), amount: 2, ceiling: 14, slack };
    assert_eq!(store.add("n", vec![entry(9), entry(9)], vec![], None, None, at(9)), Ok(vec![14, 14]));
    begin();
    let once = || Some(Once { key: "k".to_owned(), request: String::new() });
    assert_eq!(store.add("n", vec![entry(9)], vec![], once(), None, at(9)), Ok(vec![12]));
    assert!(matches!(store.add("n", vec![entry(9)], vec![], once(), None, at(9)), Err(Error::Repeated(_))));
    assert_eq!(held(&store), 12);
}

#[test]
fn a_caller_waits_for_the_disk_and_not_for_a_block() {
    thread_local! {
        static WAITS: Cell<u32> = const { Cell::new(0) };
    }
    let store = RedbStore::open_with(Disk::new()).unwrap();
    let waits = |slack| {
        let counted = |wait: &mut dyn FnMut()| {
            WAITS.set(WAITS.get() + 1);
            wait();
        };
        while_waiting(counted, || add(&store, 1, 1_000, slack, 0)).unwrap();
        WAITS.take()
    };
    assert_eq!([0, 0, 100, 100].map(waits), [1, 1, 1, 0]);
}

#[test]
fn callers_that_wait_while_a_block_is_filled_are_served_from_it() {
    // A real one: while it syncs, the others arrive.
    let directory = tempfile::tempdir().unwrap();
    let store = RedbStore::open(directory.path()).unwrap();
    // A block follows the rate: as large as the slack from the second on.
    (0..100).for_each(|_| assert!(add(&store, 1, 1_000_000, 100, 0).is_ok()));
    let before = store.head().unwrap().number;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..10_000).for_each(|_| assert!(add(&store, 1, 1_000_000, 100, 0).is_ok())));
        }
    });
    assert_eq!(held(&store), 20_100);
    let commits = store.head().unwrap().number - before;
    assert!(commits <= 250, "{commits} commits for 200 blocks");
}

#[test]
fn sixty_four_threads_at_a_ceiling_get_exactly_its_units() {
    race_at_a_ceiling(&[0]);
}

#[test]
fn sixty_four_threads_at_a_ceiling_get_exactly_its_units_with_blocks() {
    race_at_a_ceiling(&[1, 7, 100, 10_000]);
}

fn race_at_a_ceiling(slacks: &[u64]) {
    let rounds = if std::env::var_os("PLACET_LONG").is_some() { 1_000 } else { 100 };
    for round in 0..rounds {
        let slack = slacks[round % slacks.len()];
        let disk = Disk::new();
        let store = RedbStore::open_with(disk.clone()).unwrap();
        let ceiling = 500 + round as u64;
        let got = AtomicU64::new(0);
        thread::scope(|scope| {
            for thread in 0..64 {
                let (store, got) = (&store, &got);
                scope.spawn(move || {
                    for amount in [1 + thread % 5, 1].into_iter().cycle() {
                        match add(store, amount, ceiling, slack, thread) {
                            Ok(sum) => assert!(sum <= ceiling && got.fetch_add(amount, Ordering::Relaxed) < ceiling),
                            Err(Error::Exceeded(Excess { current, .. })) if amount > 1 => {
                                assert!(current + amount > ceiling)
                            }
                            Err(error) => {
                                assert_eq!(
                                    error,
                                    Error::Exceeded(Excess { entry: 0, current: ceiling }),
                                    "round {round}"
                                );
                                return;
                            }
                        }
                    }
                });
            }
        });
        assert_eq!((got.into_inner(), held(&store), reserved(&store)), (ceiling, ceiling, ceiling), "round {round}");
        drop(store);
        let store = RedbStore::open_with(disk).unwrap();
        assert_eq!((held(&store), store.burned()), (ceiling, &[][..]), "round {round}");
    }
}
