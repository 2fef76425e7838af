//! What the clock makes of a wall clock that is held, set back, set ahead, and of restarts in between.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::store::MemoryStore;

mod scenarios;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;
/// The wall clock at the start of each test.
const T: u64 = 1_800_000_000_000;

/// The two clocks of a machine, as a test sets them, and the number of its boot; 0: it does not say.
#[derive(Clone, Debug)]
struct Double(Arc<(AtomicU64, AtomicU64, AtomicU64)>);

impl Source for Double {
    fn wall(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }

    fn boot(&self) -> Option<u64> {
        Some(self.0.2.load(Ordering::Relaxed)).filter(|boot| *boot > 0)
    }
}

/// A machine with a state: its wall clock, and a clock of ours that may be restarted.
struct Machine {
    double: Double,
    store: MemoryStore,
    clock: Clock,
}

impl Machine {
    fn new() -> Self {
        let double = Double(Arc::new((T.into(), 77.into(), 1.into())));
        let store = MemoryStore::default();
        let clock = Clock::open_with(Box::new(double.clone()), &store).unwrap();
        Self { double, store, clock }
    }

    /// Both clocks go on, as the engine watches.
    fn run(&self, time: u64) {
        for step in (0..time).step_by(MINUTE as usize) {
            let step = MINUTE.min(time - step);
            self.double.0.0.fetch_add(step, Ordering::Relaxed);
            self.hold(step);
        }
    }

    /// The wall clock is held while the time goes on.
    fn hold(&self, time: u64) {
        self.double.0.1.fetch_add(time, Ordering::Relaxed);
        self.clock.commit(&self.store).unwrap();
    }

    /// Both clocks go on while no process runs.
    fn idle(&self, time: u64) {
        self.double.0.0.fetch_add(time, Ordering::Relaxed);
        self.double.0.1.fetch_add(time, Ordering::Relaxed);
    }

    fn set(&self, wall: u64) {
        self.double.0.0.store(wall, Ordering::Relaxed);
    }

    /// The machine is switched off and on: its monotonic clock starts anew.
    fn boot(&mut self, wall: u64) {
        self.double.0.1.store(0, Ordering::Relaxed);
        self.double.0.2.fetch_add(1, Ordering::Relaxed);
        self.set(wall);
        self.restart();
    }

    fn restart(&mut self) {
        self.clock = Clock::open_with(Box::new(self.double.clone()), &self.store).unwrap();
    }

    fn now(&self) -> u64 {
        self.clock.read().now
    }

    fn mark(&self) -> u64 {
        let mark = self.clock.read().mark;
        assert!(self.store.mark().unwrap().unwrap() <= mark, "the mark that is kept is ahead");
        mark
    }
}

#[test]
fn a_new_state_takes_the_wall_clocks_word_and_keeps_it() {
    let machine = Machine::new();
    assert_eq!(machine.clock.read(), Reading { now: T, wall: T, mark: T });
    assert_eq!(machine.store.mark().unwrap(), Some(T));
    machine.run(HOUR);
    assert_eq!((machine.now(), machine.mark()), (T + HOUR, T + HOUR));
    assert_eq!(machine.store.mark().unwrap(), Some(T + HOUR));
}

#[test]
fn a_wall_clock_that_is_held_stops_nothing() {
    let machine = Machine::new();
    machine.hold(HOUR);
    assert_eq!(machine.clock.read(), Reading { now: T + HOUR, wall: T, mark: T + HOUR });
}

#[test]
fn set_back_by_ten_minutes_the_time_runs_on_and_the_wall_shows_it() {
    let mut machine = Machine::new();
    machine.run(HOUR);
    machine.set(T + HOUR - 10 * MINUTE);
    machine.run(MINUTE);
    let expected = Reading { now: T + HOUR + MINUTE, wall: T + HOUR - 9 * MINUTE, mark: T + HOUR + MINUTE };
    assert_eq!(machine.clock.read(), expected);
    machine.restart();
    assert_eq!(machine.clock.read(), expected);
}

#[test]
fn a_jump_ahead_counts_at_once_and_is_taken_back() {
    let machine = Machine::new();
    machine.run(HOUR);
    machine.set(T + YEAR);
    assert_eq!(machine.now(), T + YEAR);
    machine.run(29 * MINUTE);
    assert_eq!((machine.now(), machine.mark()), (T + YEAR + 29 * MINUTE, T + HOUR + 29 * MINUTE));
    machine.set(T + HOUR + 29 * MINUTE);
    assert_eq!(machine.now(), T + HOUR + 29 * MINUTE);
    machine.run(2 * HOUR);
    assert_eq!((machine.now(), machine.mark()), (T + 3 * HOUR + 29 * MINUTE, T + 3 * HOUR + 29 * MINUTE));
}

#[test]
fn thirty_minutes_of_running_confirm_a_jump() {
    let mut machine = Machine::new();
    machine.set(T + YEAR);
    machine.run(31 * MINUTE);
    assert_eq!(machine.mark(), T + YEAR + 31 * MINUTE);
    machine.set(T);
    machine.restart();
    assert_eq!(machine.now(), T + YEAR + 31 * MINUTE);
}

#[test]
fn a_second_jump_does_not_ride_on_the_first() {
    let machine = Machine::new();
    machine.set(T + YEAR);
    machine.run(20 * MINUTE);
    machine.set(T + 9 * YEAR);
    machine.run(12 * MINUTE);
    assert_eq!(machine.mark(), T + YEAR + 32 * MINUTE);
    machine.run(31 * MINUTE);
    assert_eq!(machine.mark(), T + 9 * YEAR + 43 * MINUTE);
}

#[test]
fn a_jump_that_is_taken_back_in_part_must_hold_anew() {
    let machine = Machine::new();
    machine.set(T + 2 * YEAR);
    machine.run(20 * MINUTE);
    machine.set(T + YEAR);
    machine.run(20 * MINUTE);
    assert_eq!(machine.mark(), T + 40 * MINUTE);
    machine.run(12 * MINUTE);
    assert_eq!(machine.mark(), T + YEAR + 32 * MINUTE);
}

#[test]
fn a_restart_in_the_middle_of_a_jump_starts_the_thirty_minutes_again() {
    let mut machine = Machine::new();
    machine.set(T + YEAR);
    machine.run(20 * MINUTE);
    machine.restart();
    machine.run(20 * MINUTE);
    assert_eq!((machine.now(), machine.mark()), (T + YEAR + 40 * MINUTE, T + 40 * MINUTE));
    machine.run(11 * MINUTE);
    assert_eq!(machine.mark(), T + YEAR + 51 * MINUTE);
}

#[test]
fn three_openings_spread_over_thirty_minutes_confirm_a_jump() {
    let mut machine = Machine::new();
    machine.set(T + YEAR);
    for (idle, mark) in [(0, 0), (16 * MINUTE, 0), (15 * MINUTE, 31 * MINUTE + YEAR)] {
        machine.idle(idle);
        machine.restart();
        assert_eq!(machine.mark(), T + mark);
    }
    assert_eq!(machine.now(), T + YEAR + 31 * MINUTE);
    machine.set(T);
    machine.restart();
    assert_eq!(machine.now(), T + YEAR + 31 * MINUTE);
}

#[test]
fn three_openings_at_once_confirm_nothing_and_a_later_one_does() {
    let mut machine = Machine::new();
    machine.set(T + YEAR);
    for _ in 0..5 {
        machine.restart();
        assert_eq!(machine.mark(), T);
        machine.idle(MINUTE);
    }
    machine.idle(25 * MINUTE);
    machine.restart();
    assert_eq!(machine.mark(), T + YEAR + 30 * MINUTE);
}

#[test]
fn openings_within_seconds_confirm_nothing_however_far_each_of_them_jumps() {
    let mut machine = Machine::new();
    for years in [1, 2, 9, 9, 9] {
        machine.set(T + years * YEAR);
        machine.restart();
        assert_eq!((machine.now(), machine.mark()), (T + years * YEAR, T));
        machine.idle(1_000);
    }
    machine.idle(30 * MINUTE);
    machine.restart();
    let apart = 30 * MINUTE + 5_000;
    assert_eq!(machine.mark(), T + YEAR + apart, "no more than the first of them saw");
    // The rest is a jump of its own.
    for _ in 0..2 {
        machine.idle(15 * MINUTE);
        machine.restart();
    }
    assert_eq!(machine.mark(), T + 9 * YEAR + 60 * MINUTE + 1_000);
}

#[test]
fn openings_of_three_boots_confirm_no_more_than_the_first_of_them_saw() {
    let mut machine = Machine::new();
    for (years, mark) in [(1, 0), (2, 0), (9, YEAR), (9, YEAR)] {
        machine.boot(T + years * YEAR);
        assert_eq!((machine.now(), machine.mark()), (T + years * YEAR, T + mark));
    }
    machine.boot(T + 9 * YEAR + HOUR);
    assert_eq!(machine.mark(), T + 9 * YEAR);
}

#[test]
fn where_the_system_tells_no_boots_openings_confirm_the_first_of_them() {
    let mut machine = Machine::new();
    machine.double.0.2.store(0, Ordering::Relaxed);
    machine.set(T + YEAR);
    for mark in [0, 0, YEAR] {
        machine.restart();
        assert_eq!(machine.mark(), T + mark);
        machine.idle(20 * MINUTE);
    }
}

#[test]
fn openings_before_the_clock_was_put_right_do_not_count() {
    let mut machine = Machine::new();
    for wall in [YEAR, YEAR + HOUR, 0, YEAR + 2 * HOUR, YEAR + 3 * HOUR] {
        machine.set(T + wall);
        machine.restart();
        assert_eq!((machine.now(), machine.mark()), (T + wall, T));
    }
}

#[test]
fn a_restart_within_the_tolerance_is_explained() {
    let mut machine = Machine::new();
    machine.set(T + TOLERANCE);
    machine.restart();
    assert_eq!(machine.mark(), T + TOLERANCE);
    machine.clock.commit(&machine.store).unwrap();
    machine.set(T + 2 * TOLERANCE + 1);
    machine.restart();
    assert_eq!(machine.mark(), T + TOLERANCE);
}

#[test]
fn the_time_of_issue_runs_on_and_does_not_outlive_its_policy() {
    let mut machine = Machine::new();
    machine.clock.not_before(T + YEAR);
    machine.clock.not_before(T + HOUR);
    machine.run(MINUTE);
    assert_eq!((machine.now(), machine.mark()), (T + YEAR + MINUTE, T + MINUTE));
    machine.restart();
    assert_eq!(machine.now(), T + MINUTE);
}

#[test]
fn an_opening_that_finds_nothing_new_writes_nothing() {
    let machine = Machine::new();
    machine.run(MINUTE);
    machine.set(T + 3 * MINUTE);
    Clock::open_with(Box::new(machine.double.clone()), &machine.store).unwrap();
    assert_eq!(machine.store.mark().unwrap(), Some(T + MINUTE));
}

#[test]
fn the_machines_own_clock_goes_on() {
    let clock = Clock::without_state();
    let before = clock.read();
    assert!(before.wall > T - 2 * YEAR, "{before:?}");
    #[cfg(target_os = "linux")]
    assert!(clock.source.boot().is_some_and(|boot| boot > 0), "the kernel tells its boot");
    std::thread::sleep(std::time::Duration::from_millis(20));
    let after = clock.read();
    assert!((15..5_000).contains(&(after.mark - before.mark)), "{before:?} {after:?}");
}

proptest! {
    /// Whatever is done to the wall clock: the confirmed time never goes back nor runs slower than the monotonic clock, and
    /// `now` is never earlier than either.
    #[test]
    fn the_mark_never_goes_back(steps in prop::collection::vec((0_u64..40, 0_u64..100 * HOUR, 0..4_u8), 1..60)) {
        let mut machine = Machine::new();
        let mut mark = machine.mark();
        for (minutes, wall, act) in steps {
            match act {
                0 => machine.set(T + wall),
                1 => machine.restart(),
                2 => { machine.run(minutes * MINUTE); mark += minutes * MINUTE; }
                _ => { machine.hold(minutes * MINUTE); mark += minutes * MINUTE; }
            }
            let reading = machine.clock.read();
            if act != 1 { prop_assert!(reading.mark >= mark); }
            prop_assert!(reading.now >= reading.mark && reading.now >= reading.wall);
            mark = machine.mark();
            machine.clock.commit(&machine.store).unwrap();
        }
    }
}

#[test]
fn an_anchor_heals_a_mark_that_ran_ahead_once_and_for_good() {
    let mut machine = Machine::new();
    machine.set(T + 4 * YEAR);
    machine.run(CONFIRMATION + MINUTE);
    assert!(machine.clock.read().mark > T + 4 * YEAR);
    machine.set(T + HOUR);
    assert!(machine.clock.read().now > T + 4 * YEAR, "a poisoned mark stays");
    assert!(machine.clock.anchor(&machine.store, "acme/router", "a1", T).unwrap());
    let healed = machine.clock.read();
    assert_eq!((healed.now, healed.mark), (T + HOUR, T));
    machine.restart();
    assert_eq!(machine.clock.read().now, T + HOUR);
    machine.run(CONFIRMATION + MINUTE);
    let later = machine.clock.read();
    assert!(!machine.clock.anchor(&machine.store, "acme/router", "a1", T).unwrap());
    assert_eq!(machine.clock.read(), later, "the same anchor does nothing more");
    assert!(later.mark >= T + HOUR, "{later:?}");
}
