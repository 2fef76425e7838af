//! A disk that loses power at any of its operations: of what was not synced, any sectors survive. Then it is opened, goes on, and may
//! lose power again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::faults::{Change, Disk};
use super::*;
use crate::store::{Ends, Settlement};

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;
/// Calls of one script.
const CALLS: u64 = 12;
/// So many units a crash may burn.
const SLACK: u64 = 3;
const CEILING: u64 = 6;
/// Units of one reservation, and how many of them are used in the end.
const RESERVED: u64 = 2;
const USED: u64 = 1;
/// Who may sit in the pool, and how many seats it has.
const HOLDERS: u64 = 3;
const SEATS: u64 = 4;
/// So long a reservation holds: longer than any script.
const TERM: u64 = 10_000;
/// The numbers of all calls are below this.
const NUMBERS: u64 = 100;
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
#[derive(Clone, Debug, Default)]
struct Known {
    /// On `a` and on `b`, under a key each.
    whole: u64,
    whole_in_flight: u64,
    /// On `c`, with slack.
    slack: u64,
    slack_in_flight: u64,
    /// Reservations on `use/d` by the number of the call that made them, and whether they were settled.
    reserved: BTreeMap<u64, bool>,
    /// Weights in a pool, by holder.
    seats: BTreeMap<u64, u64>,
}

/// One call of the script, told in `known` when it is acknowledged.
fn call(store: &RedbStore, number: u64, random: &mut Random, known: &mut Known) {
    let entry = |counter: &str, slack| Entry { counter: counter.to_owned(), amount: 1, ceiling: CEILING, slack };
    let open = known.reserved.iter().find(|(_, settled)| !**settled).map(|(made, _)| *made);
    let (kind, settles) = (random.below(4), random.below(2) == 0);
    if let (0, Some(made), true) = (kind, open, settles) {
        let id = format!("r{made}");
        let from = store.reservation("n", &id, at(number)).unwrap().unwrap();
        if matches!(store.settle("n", &id, settling(from, &id), at(number)), Ok(true)) {
            known.reserved.insert(made, true);
        }
    } else if kind == 0 {
        let reserved = Reserved {
            limit: "d".to_owned(),
            amount: RESERVED,
            tenant: None,
            details: Vec::new(),
            entries: Vec::new(),
            ends: Ends::after(TERM, at(number)),
        };
        let part = Some(Part::Reserve(format!("r{number}"), reserved));
        let entry = Entry { amount: RESERVED, ..entry("use/d", SLACK) };
        if store.add("n", vec![entry], vec![], None, part, at(number)).is_ok() {
            known.reserved.insert(number, false);
        }
    } else if kind == 1 {
        let once = Once { key: format!("k{number}"), request: "r".repeat(random.below(600) as usize) };
        if store.add("n", vec![entry("a", 0), entry("b", 0)], vec![], Some(once), None, at(number)).is_ok() {
            known.whole += 1;
        }
    } else if kind == 2 {
        seat(store, number, random, known);
    } else if store.add("n", vec![entry("c", SLACK)], vec![], None, None, at(number)).is_ok() {
        known.slack += 1;
    }
}

/// Claims a seat, or gives it back.
fn seat(store: &RedbStore, number: u64, random: &mut Random, known: &mut Known) {
    let (holder, weight) = (random.below(HOLDERS), random.below(SEATS));
    let name = format!("h{holder}");
    if weight == 0 {
        if store.release("n", "pool", &name, at(number)).is_ok() {
            known.seats.remove(&holder);
        }
        return;
    }
    let member = Member { holder: name, weight, expires: (holder == 0).then_some(TERM) };
    if store.claim("n", "pool", member, SEATS, at(number)).is_ok() {
        known.seats.insert(holder, weight);
    }
}

fn settling(from: Standing, id: &str) -> Settling {
    let settlement = Settlement {
        id: id.to_owned(),
        reason: "settled".to_owned(),
        limit: "d".to_owned(),
        tenant: None,
        reserved: RESERVED,
        actual: USED,
        charged: USED,
        unbilled: 0,
        denied: None,
    };
    let back = vec![Portion { counter: "use/d".to_owned(), amount: RESERVED - USED }];
    Settling { from, back, excess: None, settlement }
}

/// The counters, the keys and the chain agree with each other, and with what was acknowledged.
fn check(store: &RedbStore, known: &Known, place: &str) -> Known {
    let held = store.read("n", &["a", "b", "c", "use/d"].map(str::to_owned), at(0)).unwrap();
    let [a, b, c, d] = held[..] else { panic!("four counters") };
    let keys = (0..NUMBERS).filter(|key| store.recall("n", &format!("k{key}")).unwrap().is_some()).count() as u64;
    assert_eq!((a, a), (b, keys), "{place}: a call was kept in part");
    let most = (known.whole + known.whole_in_flight).min(CEILING);
    assert!((known.whole..=most).contains(&a), "{place}: {a} counted, {known:?}");
    let most = (known.slack + known.slack_in_flight).min(CEILING);
    assert!((known.slack..=most).contains(&c), "{place}: {c} counted, {known:?}");
    let burned: u64 = store.burned().iter().map(|burned| burned.units).sum();
    assert!(burned <= SLACK, "{place}: {burned} burned");
    let reserved = check_reserved(store, known, d, place);
    let seats = check_seats(store, known, place);
    Known { whole: a, slack: c, reserved, seats, ..Known::default() }
}

/// The pool has the members that were acknowledged, or one call more, and its sum is theirs. That its rows agree was checked at opening.
fn check_seats(store: &RedbStore, known: &Known, place: &str) -> BTreeMap<u64, u64> {
    let held = |holder| store.place("n", "pool", &format!("h{holder}"), at(0)).unwrap();
    let found: BTreeMap<u64, u64> =
        (0..HOLDERS).filter_map(|holder| Some((holder, held(holder).member?.weight))).collect();
    let differ = (0..HOLDERS).filter(|holder| found.get(holder) != known.seats.get(holder)).count();
    assert!(differ <= 1, "{place}: {found:?}, {known:?}");
    let sum = found.values().sum::<u64>();
    assert!(sum <= SEATS && held(0).sum == sum, "{place}: {found:?} of {}", held(0).sum);
    found
}

/// The counter holds what the rows of reservations say, and each of them is where it was acknowledged to be, or one call further.
fn check_reserved(store: &RedbStore, known: &Known, held: u64, place: &str) -> BTreeMap<u64, bool> {
    let standing = |number| store.reservation("n", &format!("r{number}"), at(0)).unwrap();
    let mut found = BTreeMap::new();
    for number in 0..NUMBERS {
        let settled = match standing(number) {
            Some(Standing::Open(_)) => false,
            Some(Standing::Settled(_)) => true,
            Some(Standing::Ended(_)) => panic!("{place}: no term has ended"),
            None => {
                assert!(!known.reserved.contains_key(&number), "{place}: reservation {number} is lost");
                continue;
            }
        };
        assert!(settled || known.reserved.get(&number) != Some(&true), "{place}: {number} is not settled any more");
        found.insert(number, settled);
    }
    let sum = found.values().map(|settled| if *settled { USED } else { RESERVED }).sum::<u64>();
    assert_eq!(held, sum, "{place}: {found:?}");
    assert!(held <= CEILING, "{place}: {held} reserved");
    found
}

/// Once every term is over, only what was settled is counted.
fn check_freed(store: &RedbStore, known: &Known, place: &str) {
    let settled = known.reserved.values().filter(|settled| **settled).count() as u64;
    assert_eq!(store.read("n", &["use/d".to_owned()], at(2 * TERM)), Ok(vec![settled * USED]), "{place}");
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
    let mut told = vec![(0, before.clone())];
    let mut known;
    {
        let store = RedbStore::open_with(disk.clone()).unwrap();
        known = check(&store, &before, "before the script");
        told.push((disk.log().len(), known.clone()));
        let calls = if depth == 0 { CALLS } else { 1 + random.below(3) };
        for number in first..first + calls {
            call(&store, number, random, &mut known);
            told.push((disk.log().len(), known.clone()));
        }
    }
    let log = disk.log();
    let places: Vec<usize> =
        if depth == 0 { (0..log.len()).collect() } else { vec![random.below(log.len() as u64 + 1) as usize] };
    for place in places {
        let image = cut(base, &log, place, random);
        let acknowledged = told.iter().rev().find(|(length, _)| *length <= place).map_or(&before, |(_, known)| known);
        let known = Known { whole_in_flight: 1, slack_in_flight: SLACK + 1, ..acknowledged.clone() };
        let store = RedbStore::open_with(Disk::holding(image.clone())).unwrap();
        let place = format!("cut {place} of {}, depth {depth}", log.len());
        check_freed(&store, &check(&store, &known, &place), &place);
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
