//! A machine's clock that was set back or held.

use placet_rules::types::Time;
use serde_json::json;

use crate::world::*;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn lagging(by: u64) -> Time {
    let now = ms(BEGIN + 9 * DAY);
    Time { now, wall: now - by }
}

#[test]
fn a_clock_set_back_warns_first_and_refuses_beyond_its_grace() {
    let mut world = World::new().with("a", license(json!({})));
    let cases = [
        (0, (true, "active", "active"), vec![]),
        (5 * MINUTE, (true, "active", "active"), vec![]),
        (5 * MINUTE + 1, (true, "active", "active"), vec!["clock-rollback"]),
        (24 * HOUR, (true, "active", "active"), vec!["clock-rollback"]),
        (24 * HOUR + 1, (false, "invalid", "clock-rollback"), vec!["clock-rollback"]),
    ];
    for (lag, expected, warned) in cases {
        let time = lagging(lag);
        let status = world.load(time).status(time);
        assert_eq!((told(&status), warnings(&status)), (expected, warned), "{lag}");
    }
}

#[test]
fn the_longest_clock_grace_of_what_holds_counts() {
    let patient = license(json!({ "jti": "lic_2", "grace": { "clock": "72h" } }));
    let mut world = World::new().with("a", license(json!({ "grace": { "clock": "0s" } })));
    assert!(!world.load(lagging(6 * MINUTE)).view(lagging(6 * MINUTE)).usable);
    assert!(world.load(lagging(5 * MINUTE)).view(lagging(5 * MINUTE)).usable);
    let mut world = world.with("b", patient);
    assert!(world.load(lagging(72 * HOUR)).view(lagging(72 * HOUR)).usable);
    assert!(!world.load(lagging(72 * HOUR + 1)).view(lagging(72 * HOUR + 1)).usable);
}

#[test]
fn a_view_covers_only_the_times_that_it_was_made_for() {
    let policy = World::new().with("a", license(json!({}))).load(lagging(0));
    for lag in [0, 5 * MINUTE, 5 * MINUTE + 1, 24 * HOUR, 24 * HOUR + 1, 48 * HOUR] {
        let view = policy.view(lagging(lag));
        for other in [0, 5 * MINUTE, 5 * MINUTE + 1, 24 * HOUR, 24 * HOUR + 1, 48 * HOUR] {
            assert_eq!(view.covers(lagging(other)), view == policy.view(lagging(other)), "{lag} {other}");
        }
    }
    let view = policy.view(lagging(0));
    let until = view.until.unwrap();
    assert!(view.covers(at(until - 1)) && !view.covers(at(until)) && !view.covers(at(view.from - 1)));
}

#[test]
fn a_held_clock_gains_its_grace_and_no_more() {
    let mut world = World::new().with("a", license(json!({})));
    let wall = ms(BEGIN + 9 * DAY);
    let hours: Vec<bool> = (0..48)
        .map(|hours| {
            let time = Time { now: wall + hours * HOUR, wall };
            world.load(time).view(time).usable
        })
        .collect();
    assert_eq!(hours.iter().filter(|usable| **usable).count(), 25);
    assert!(hours.is_sorted_by(|before, after| before >= after));
}

#[test]
fn what_was_used_can_be_given_back_whatever_the_clock_says() {
    let time = lagging(48 * HOUR);
    let view = World::new().with("a", license(json!({}))).load(time).view(time);
    assert!(view.features.is_empty() && view.readable.is_empty());
    assert!(view.limits.contains_key("tokens"));
}

#[test]
fn an_expired_license_stays_expired_under_a_clock_that_was_set_back() {
    let time = Time { now: ms(END), wall: ms(BEGIN) };
    let status = World::new().with("a", license(json!({}))).load(time).status(time);
    assert_eq!((told(&status), warnings(&status)), ((false, "expired", "expired"), vec!["clock-rollback"]));
}
