//! What machines and their owners do to a clock over days.

use super::*;

#[test]
fn a_wall_clock_that_is_held_for_four_hundred_days_stops_nothing() {
    let mut machine = Machine::new();
    for day in 1..=400 {
        machine.hold(DAY);
        machine.restart();
        assert_eq!(machine.clock.read(), Reading { now: T + day * DAY, wall: T, mark: T + day * DAY });
    }
}

#[test]
fn a_clock_that_each_boot_sets_back_to_the_same_day_adds_up() {
    let mut machine = Machine::new();
    for day in 0..30 {
        machine.boot(T);
        assert_eq!(machine.now(), T + day * DAY);
        machine.run(DAY);
    }
    assert_eq!(machine.mark(), T + 30 * DAY);
}

#[test]
fn a_thousand_runs_of_one_second_add_up_while_the_wall_clock_is_held() {
    let mut machine = Machine::new();
    for _ in 0..1_000 {
        machine.restart();
        machine.hold(1_000);
    }
    assert_eq!((machine.now(), machine.mark()), (T + 1_000_000, T + 1_000_000));
}

#[test]
fn a_thousand_runs_of_one_second_confirm_no_jump_however_far_the_wall_clock_goes_between_them() {
    let mut machine = Machine::new();
    for run in 0..1_000 {
        machine.set(T + YEAR + run * HOUR);
        machine.restart();
        machine.hold(1_000);
        assert_eq!(machine.mark(), T + (run + 1) * 1_000);
    }
    machine.set(T + 1_000_000);
    assert_eq!(machine.now(), T + 1_000_000);
}

#[test]
fn runs_of_one_second_confirm_a_jump_that_they_all_saw_for_thirty_minutes() {
    let mut machine = Machine::new();
    machine.set(T + YEAR);
    for second in 0..30 * 60 {
        machine.restart();
        assert_eq!(machine.mark(), T + second * 1_000);
        machine.run(1_000);
    }
    machine.restart();
    assert_eq!(machine.mark(), T + YEAR + 30 * MINUTE);
}

#[test]
fn a_crash_loses_no_more_than_what_was_not_committed() {
    let mut machine = Machine::new();
    machine.hold(HOUR);
    machine.double.0.1.fetch_add(MINUTE - 1, Ordering::Relaxed);
    assert_eq!(machine.now(), T + HOUR + MINUTE - 1);
    machine.restart();
    assert_eq!(machine.now(), T + HOUR);
}

#[test]
fn a_machine_that_slept_is_believed() {
    let machine = Machine::new();
    machine.set(T + 7 * DAY);
    machine.hold(7 * DAY);
    assert_eq!(machine.clock.read(), Reading { now: T + 7 * DAY, wall: T + 7 * DAY, mark: T + 7 * DAY });
}

#[test]
fn a_machine_that_was_off_is_obeyed_at_once_and_confirmed_later() {
    let mut machine = Machine::new();
    machine.run(HOUR);
    machine.boot(T + 3 * DAY);
    assert_eq!((machine.now(), machine.mark()), (T + 3 * DAY, T + HOUR));
    machine.run(31 * MINUTE);
    assert_eq!(machine.mark(), T + 3 * DAY + 31 * MINUTE);
}

#[test]
fn an_empty_battery_sets_the_clock_to_nought_and_stops_nothing() {
    let mut machine = Machine::new();
    machine.run(DAY);
    machine.boot(0);
    machine.run(HOUR);
    assert_eq!(machine.clock.read(), Reading { now: T + DAY + HOUR, wall: HOUR, mark: T + DAY + HOUR });
}

#[test]
fn the_end_of_time_comes_and_goes() {
    let mut machine = Machine::new();
    machine.set(u64::MAX);
    machine.hold(HOUR);
    machine.restart();
    // A wall clock that stands still is not confirmed by its standing.
    assert_eq!((machine.now(), machine.mark()), (u64::MAX, T + HOUR));
    machine.set(T);
    assert_eq!(machine.now(), T + HOUR);
}

#[test]
fn a_clock_that_runs_a_little_fast_is_followed() {
    let machine = Machine::new();
    for day in 1..=30 {
        machine.set(T + day * (DAY + 2_000));
        machine.hold(DAY);
    }
    assert_eq!((machine.now(), machine.mark()), (T + 30 * (DAY + 2_000), T + 30 * (DAY + 2_000)));
}

#[test]
fn a_jump_within_the_tolerance_is_followed_and_a_millisecond_more_is_not() {
    let machine = Machine::new();
    machine.set(T + TOLERANCE + 1);
    assert_eq!((machine.now(), machine.mark()), (T + TOLERANCE + 1, T));
    machine.set(T + TOLERANCE);
    assert_eq!((machine.now(), machine.mark()), (T + TOLERANCE, T + TOLERANCE));
}

#[test]
fn to_and_fro_gains_nothing_and_confirms_nothing() {
    let machine = Machine::new();
    for turn in 0..50 {
        machine.set(T + YEAR);
        machine.hold(20 * MINUTE);
        machine.set(T - YEAR);
        machine.hold(20 * MINUTE);
        assert_eq!((machine.now(), machine.mark()), (T + (turn + 1) * 40 * MINUTE, T + (turn + 1) * 40 * MINUTE));
    }
}

#[test]
fn an_anchor_in_the_middle_of_a_jump_forgets_it() {
    let machine = Machine::new();
    machine.set(T + YEAR);
    machine.run(20 * MINUTE);
    assert!(machine.clock.anchor(&machine.store, "acme/router", "a1", T + HOUR).unwrap());
    machine.run(20 * MINUTE);
    assert_eq!(machine.mark(), T + HOUR + 20 * MINUTE, "the thirty minutes begin with the anchor");
    machine.run(11 * MINUTE);
    assert_eq!(machine.mark(), T + YEAR + 51 * MINUTE);
}
