//! A disk that loses power at any of its operations: of what was not synced, any sectors survive. Then it is opened, goes on, and may
//! lose power again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::faults::{Change, Disk};
use super::*;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;
/// Calls of one script.
const CALLS: u64 = 12;
/// So many units a crash may burn.
const SLACK: u64 = 3;
const CEILING: u64 = 6;
/// How often a disk may lose power on its way.
const NESTED: u32 = 2;

fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

/// Numbers that a seed fixes (Steele and others, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// What was acknowledged, and what may have been counted besides: calls in flight when the power went.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// On `a` and on `b`, under a key each.
    whole: u64,
    whole_in_flight: u64,
    /// On `c`, with slack.
    slack: u64,
    slack_in_flight: u64,
}

/// One call of the script, told in `known` when it is acknowledged.
fn call(store: &RedbStore, number: u64, random: &mut Random, known: &mut Known) {
    let entry = |counter: &str, slack| Entry { counter: counter.to_owned(), amount: 1, ceiling: CEILING, slack };
    if random.below(2) == 0 {
        let once = Once { key: format!("k{number}"), request: "r".repeat(random.below(600) as usize) };
        if store.add("n", vec![entry("a", 0), entry("b", 0)], vec![], Some(once), None, at(number)).is_ok() {
            known.whole += 1;
        }
    } else if store.add("n", vec![entry("c", SLACK)], vec![], None, None, at(number)).is_ok() {
        known.slack += 1;
    }
}

/// The counters, the keys and the chain agree with each other, and with what was acknowledged.
fn check(store: &RedbStore, known: &Known, place: &str) -> Known {
    let held = store.read("n", &["a", "b", "c"].map(str::to_owned), at(0)).unwrap();
    let [a, b, c] = held[..] else { panic!("three counters") };
    let keys = (0..100).filter(|key| store.recall("n", &format!("k{key}")).unwrap().is_some()).count() as u64;
    assert_eq!((a, a), (b, keys), "{place}: a call was kept in part");
    let most = (known.whole + known.whole_in_flight).min(CEILING);
    assert!((known.whole..=most).contains(&a), "{place}: {a} counted, {known:?}");
    let most = (known.slack + known.slack_in_flight).min(CEILING);
    assert!((known.slack..=most).contains(&c), "{place}: {c} counted, {known:?}");
    let burned: u64 = store.burned().iter().map(|burned| burned.units).sum();
    assert!(burned <= SLACK, "{place}: {burned} burned");
    Known { whole: a, slack: c, ..Known::default() }
}

/// What is on the disk if the power goes before the change with this number.
fn cut(base: &[u8], log: &[Change], cut: usize, random: &mut Random) -> Vec<u8> {
    let synced = log[..cut].iter().rposition(|change| matches!(change, Change::Sync)).map_or(0, |sync| sync + 1);
    let mut image = base.to_vec();
    log[..synced].iter().for_each(|change| change.apply(&mut image));
    // Nothing of it, all of it, or any sectors.
    let share = [0, 100, random.below(100)][random.below(3) as usize];
    // The last one may be cut in the middle as well.
    for change in &log[synced..log.len().min(cut + 1)] {
        match change {
            // The length is not torn from what is written behind it: that would not fit.
            Change::Length(_) => change.apply(&mut image),
            Change::Write(offset, data) => {
                for (number, sector) in data.chunks(SECTOR).enumerate() {
                    if random.below(100) < share {
                        Change::Write(offset + (number * SECTOR) as u64, sector.to_vec()).apply(&mut image);
                    }
                }
            }
            Change::Sync => {}
        }
    }
    image
}

/// Runs a script from an image, and cuts it: at every operation, or where it goes on after a cut, at one.
fn explore(base: &[u8], before: Known, first: u64, random: &mut Random, depth: u32, images: &AtomicU64) {
    let disk = Disk::holding(base.to_vec());
    // How long the log was, and what was acknowledged by then.
    let mut told = vec![(0, before)];
    let mut known = before;
    {
        let store = RedbStore::open_with(disk.clone()).unwrap();
        known = check(&store, &known, "before the script");
        told.push((disk.log().len(), known));
        let calls = if depth == 0 { CALLS } else { 1 + random.below(3) };
        for number in first..first + calls {
            call(&store, number, random, &mut known);
            told.push((disk.log().len(), known));
        }
    }
    let log = disk.log();
    let places: Vec<usize> =
        if depth == 0 { (0..log.len()).collect() } else { vec![random.below(log.len() as u64 + 1) as usize] };
    for place in places {
        let image = cut(base, &log, place, random);
        let acknowledged = told.iter().rev().find(|(length, _)| *length <= place).map_or(before, |(_, known)| *known);
        let known = Known { whole_in_flight: 1, slack_in_flight: SLACK + 1, ..acknowledged };
        let store = RedbStore::open_with(Disk::holding(image.clone())).unwrap();
        check(&store, &known, &format!("cut {place} of {}, depth {depth}", log.len()));
        drop(store);
        images.fetch_add(1, Ordering::Relaxed);
        if depth < NESTED && random.below(4) == 0 {
            explore(&image, known, first + CALLS + u64::from(depth) * 4, random, depth + 1, images);
        }
    }
}

#[test]
fn wherever_the_power_goes_nothing_acknowledged_is_lost_and_nothing_is_over() {
    let wanted = if std::env::var_os("PLACET_LONG").is_some() { 1_000_000 } else { 20_000 };
    let images = AtomicU64::new(0);
    let seeds = AtomicU64::new(0);
    let base = Disk::new().image();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while images.load(Ordering::Relaxed) < wanted {
                    let seed = seeds.fetch_add(1, Ordering::Relaxed);
                    explore(&base, Known::default(), 0, &mut Random(seed), 0, &images);
                }
            });
        }
    });
    println!("{} images of {} scripts", images.into_inner(), seeds.into_inner());
}
