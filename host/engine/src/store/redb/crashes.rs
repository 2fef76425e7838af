//! A disk that loses power at any of its operations: of what was not synced, any sectors survive. Then it is opened, goes on, and may
//! lose power again. One commit may hold the calls of several callers: all of them outlive it, or none.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::disk::{Change, Disk};
use super::*;
use crate::store::{Ends, Settlement};
use crate::waiting::while_waiting;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;
/// Calls of one script.
const CALLS: u64 = 12;
/// So many callers ask at once, at the most.
const CALLERS: u64 = 3;
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

/// What one caller asks for.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// One unit on `a` and on `b`, under a key of its own, with a request of so many bytes.
    Whole(usize),
    /// One unit on `c`, with slack.
    Slack,
    /// Units on `use/d`.
    Reserve,
    /// Settles what the call with this number reserved.
    Settle(u64),
    /// A seat of this weight; 0 gives it back.
    Seat(u64, u64),
}

/// What was acknowledged.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    whole: u64,
    slack: u64,
    /// Reservations by the number of the call that made them, and whether they were settled.
    reserved: BTreeMap<u64, bool>,
    /// Weights in a pool, by holder.
    seats: BTreeMap<u64, u64>,
}

impl Known {
    /// Takes in what a caller was told.
    fn count(&mut self, number: u64, call: Call, told: &[u64]) {
        match call {
            Call::Whole(_) => {
                self.whole += 1;
                assert_eq!(told, [self.whole; 2]);
            }
            Call::Slack => {
                self.slack += 1;
                assert_eq!(told, [self.slack]);
            }
            Call::Reserve => drop(self.reserved.insert(number, false)),
            Call::Settle(made) => drop(self.reserved.insert(made, true)),
            Call::Seat(holder, weight) => {
                self.seats.remove(&holder);
                self.seats.extend((weight > 0).then_some((holder, weight)));
                assert_eq!(told, [self.seats.values().sum::<u64>()]);
            }
        }
    }

    /// The same but for what is counted in memory.
    fn is(&self, other: &Self) -> bool {
        *self == Self { slack: self.slack, ..other.clone() }
    }
}

fn choose(random: &mut Random, known: &Known) -> Call {
    let open = known.reserved.iter().find(|(_, settled)| !**settled).map(|(made, _)| *made);
    match (random.below(4), open) {
        (0, Some(made)) if random.below(2) == 0 => Call::Settle(made),
        (0, _) => Call::Reserve,
        (1, _) => Call::Whole(random.below(600) as usize),
        (2, _) => Call::Seat(random.below(HOLDERS), random.below(SEATS)),
        _ => Call::Slack,
    }
}

/// What the caller is told; none where it is refused.
fn ask(store: &RedbStore, number: u64, call: Call) -> Option<Vec<u64>> {
    let entry = |counter: &str, amount, slack| Entry { counter: counter.to_owned(), amount, ceiling: CEILING, slack };
    let add = |entries, once, part| store.add("n", entries, vec![], once, part, at(number)).ok();
    match call {
        Call::Whole(request) => {
            let once = Once { key: format!("k{number}"), request: "r".repeat(request) };
            add(vec![entry("a", 1, 0), entry("b", 1, 0)], Some(once), None)
        }
        Call::Slack => add(vec![entry("c", 1, SLACK)], None, None),
        Call::Reserve => {
            let reserved = Reserved {
                limit: "d".to_owned(),
                amount: RESERVED,
                tenant: None,
                details: Vec::new(),
                entries: Vec::new(),
                ends: Ends::after(TERM, at(number)),
            };
            let part = Part::Reserve(format!("r{number}"), reserved);
            add(vec![entry("use/d", RESERVED, SLACK)], None, Some(part))
        }
        Call::Settle(made) => {
            let id = format!("r{made}");
            let from = store.reservation("n", &id, at(number)).unwrap().unwrap();
            let settled = store.settle("n", &id, settling(from, &id), at(number));
            matches!(settled, Ok(true)).then(Vec::new)
        }
        Call::Seat(holder, 0) => {
            store.release("n", "pool", &format!("h{holder}"), at(number)).ok().map(|sum| vec![sum])
        }
        Call::Seat(holder, weight) => {
            let member = Member { holder: format!("h{holder}"), weight, expires: (holder == 0).then_some(TERM) };
            store.claim("n", "pool", member, SEATS, at(number)).ok().map(|sum| vec![sum])
        }
    }
}

/// Asks for all of them so that one commit holds them, in this order: the thread that writes is busy until each caller waits for it.
fn ask_together(store: &RedbStore, calls: &[(u64, Call)]) -> Vec<Option<Vec<u64>>> {
    thread_local! {
        // Dropped when the caller waits, or was answered without.
        static COMING: Cell<Option<Sender<()>>> = const { Cell::new(None) };
    }
    let (busy, is_busy) = channel();
    let (all_wait, until_all_wait) = channel::<()>();
    let stay_busy = move || {
        busy.send(()).unwrap();
        until_all_wait.recv().unwrap_err();
        Some(())
    };
    thread::scope(|scope| {
        let job = scope.spawn(|| store.writer.write_unless(0, stay_busy, |_| Ok(rows::Outcome::Same(()))));
        is_busy.recv().unwrap();
        let ask = |&(number, call): &(u64, Call)| {
            let (coming, until_it_waits) = channel();
            let caller = scope.spawn(move || {
                COMING.set(Some(coming));
                let waits = |wait: &mut dyn FnMut()| {
                    COMING.take();
                    wait();
                };
                while_waiting(waits, || ask(store, number, call))
            });
            until_it_waits.recv().unwrap_err();
            caller
        };
        let callers: Vec<_> = calls.iter().map(ask).collect();
        drop(all_wait);
        job.join().unwrap().unwrap();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

/// Some callers ask, and `known` takes in what they are told.
fn act(store: &RedbStore, calls: &[(u64, Call)], known: &mut Known) {
    let before = store.head().unwrap().number;
    let told = match calls {
        [(number, call)] => vec![ask(store, *number, *call)],
        _ => ask_together(store, calls),
    };
    assert!(store.head().unwrap().number <= before + 1, "one commit holds all of {calls:?}");
    for ((number, call), told) in calls.iter().zip(told) {
        if let Some(told) = told {
            known.count(*number, *call, &told);
        }
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

/// The counters, the keys and the chain agree with each other, and with what was acknowledged, or would have been next: all of it.
fn check(store: &RedbStore, [acknowledged, next]: &[Known; 2], place: &str) -> Known {
    let held = store.read("n", &["a", "b", "c", "use/d"].map(str::to_owned), at(0)).unwrap();
    let [a, b, c, d] = held[..] else { panic!("four counters") };
    let keys = (0..NUMBERS).filter(|key| store.recall("n", &format!("k{key}")).unwrap().is_some()).count() as u64;
    assert_eq!((a, a), (b, keys), "{place}: a call was kept in part");
    let found = Known { whole: a, slack: c, reserved: reserved(store, d, place), seats: seats(store, place) };
    assert!(found.is(acknowledged) || found.is(next), "{place}: {found:?}, not {acknowledged:?} or {next:?}");
    let most = (next.slack + SLACK).min(CEILING);
    assert!((acknowledged.slack..=most).contains(&c), "{place}: {c} counted, {acknowledged:?}");
    let burned: u64 = store.burned().iter().map(|burned| burned.units).sum();
    assert!(burned <= SLACK && a <= CEILING, "{place}: {burned} burned, {a} counted");
    found
}

/// The members of the pool; its sum is theirs. That its rows agree was checked at opening.
fn seats(store: &RedbStore, place: &str) -> BTreeMap<u64, u64> {
    let held = |holder| store.place("n", "pool", &format!("h{holder}"), at(0)).unwrap();
    let found: BTreeMap<u64, u64> =
        (0..HOLDERS).filter_map(|holder| Some((holder, held(holder).member?.weight))).collect();
    let sum = found.values().sum::<u64>();
    assert!(sum <= SEATS && held(0).sum == sum, "{place}: {found:?} of {}", held(0).sum);
    found
}

/// The reservations; the counter holds what their rows say.
fn reserved(store: &RedbStore, held: u64, place: &str) -> BTreeMap<u64, bool> {
    let standing = |number| store.reservation("n", &format!("r{number}"), at(0)).unwrap();
    let is_settled = |standing| match standing {
        Standing::Open(_) => false,
        Standing::Settled(_) => true,
        Standing::Ended(_) => panic!("{place}: no term has ended"),
    };
    let found: BTreeMap<u64, bool> =
        (0..NUMBERS).filter_map(|number| Some((number, is_settled(standing(number)?)))).collect();
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

/// Runs a script from an image, which holds the first of `before` or the second, and cuts it: at every operation, or where it goes on after
/// a cut, at one.
fn explore(base: &[u8], before: &[Known; 2], first: u64, random: &mut Random, depth: u32, images: &AtomicU64) {
    let disk = Disk::holding(base.to_vec());
    // How long the log was, and what was acknowledged by then.
    let mut told;
    {
        let store = RedbStore::open_with(disk.clone()).unwrap();
        let mut known = check(&store, before, "before the script");
        told = vec![(disk.log().len(), known.clone())];
        let mut numbers = first..first + if depth == 0 { CALLS } else { 1 + random.below(3) };
        while !numbers.is_empty() {
            let callers = 1 + random.below(CALLERS);
            let numbers = numbers.by_ref().take(callers as usize);
            let calls: Vec<_> = numbers.map(|number| (number, choose(random, &known))).collect();
            act(&store, &calls, &mut known);
            told.push((disk.log().len(), known.clone()));
        }
    }
    let log = disk.log();
    let places: Vec<usize> =
        if depth == 0 { (0..log.len()).collect() } else { vec![random.below(log.len() as u64 + 1) as usize] };
    for place in places {
        let image = cut(base, &log, place, random);
        let known = match told.iter().rposition(|(length, _)| *length <= place) {
            Some(last) => [last, last + 1].map(|at| told[at.min(told.len() - 1)].1.clone()),
            None => before.clone(),
        };
        let store = RedbStore::open_with(Disk::holding(image.clone())).unwrap();
        let place = format!("cut {place} of {}, depth {depth}", log.len());
        check_freed(&store, &check(&store, &known, &place), &place);
        drop(store);
        images.fetch_add(1, Ordering::Relaxed);
        if depth < NESTED && random.below(4) == 0 {
            explore(&image, &known, first + CALLS + u64::from(depth) * 4, random, depth + 1, images);
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
                    explore(&base, &Default::default(), 0, &mut Random(seed), 0, &images);
                }
            });
        }
    });
    println!("{} images of {} scripts", images.into_inner(), seeds.into_inner());
}
