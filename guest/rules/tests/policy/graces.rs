//! Validation grace: the kept copy of a document stands in for it.

use placet_rules::files::FileError;
use serde_json::json;

use crate::world::*;

const SEEN: u64 = BEGIN + 9 * DAY;

/// A license with three days of validation grace, seen valid at [`SEEN`].
fn seen(changes: serde_json::Value) -> World {
    let mut changes = changes;
    changes["grace"] = json!({ "validation": "72h", "expiry": "1d" });
    let mut world = World::new().with("license.json", license(changes));
    assert!(world.status(ms(SEEN)).usable);
    world
}

fn tampered() -> Vec<u8> {
    let mut bytes = license(json!({}));
    let at = bytes.len() - 20;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    bytes
}

#[test]
fn a_license_that_is_gone_holds_by_its_copy_until_the_grace_ends() {
    let mut world = seen(json!({}));
    world.offered.clear();
    let (now, lapses) = (ms(SEEN + DAY), ms(SEEN + 3 * DAY));
    let status = world.status(now);
    assert_eq!((told(&status), status.until), ((true, "grace", "validation-grace"), Some(lapses)));
    assert_eq!(warnings(&status), ["validation-grace"]);
    let told_of = document(&status, "license.json");
    assert_eq!((told_of.adopted, told_of.recovered, told_of.reason.as_str()), (true, true, "file-missing"));
    assert_eq!(told(&world.status(lapses - 1)), (true, "grace", "validation-grace"));
    let lapsed = world.status(lapses);
    assert_eq!((told(&lapsed), lapsed.until), ((false, "invalid", "file-missing"), None));
    assert!(!document(&lapsed, "license.json").adopted);
}

#[test]
fn the_grace_runs_on_in_one_policy_without_a_restart() {
    let mut world = seen(json!({}));
    world.offered.clear();
    let policy = world.load(at(ms(SEEN + DAY)));
    let lapses = ms(SEEN + 3 * DAY);
    assert_eq!(policy.view(at(lapses - 1)).until, Some(lapses));
    assert!(policy.view(at(lapses - 1)).usable && !policy.view(at(lapses)).usable);
    assert!(policy.view(at(lapses)).limits.contains_key("tokens"), "what was used can be given back");
}

#[test]
fn restarts_do_not_begin_the_grace_anew() {
    let mut world = seen(json!({}));
    world.offered.clear();
    for hours in 0..72 {
        assert!(world.status(ms(SEEN + hours * 3600)).usable, "{hours}");
    }
    assert!(!world.status(ms(SEEN + 72 * 3600)).usable);
}

#[test]
fn whatever_is_wrong_with_the_document_its_copy_stands_in() {
    let stranger = Vendor::new(9, Some("TEST-9"));
    let cases = [
        (Ok(tampered()), "signature-invalid"),
        (Ok(stranger.sign(&claims(json!({})))), "key-unknown"),
        (Ok(license(json!({ "exp": "soon" }))), "claim-invalid"),
        (Ok(license(json!({ "aud": "acme/switch" }))), "audience-mismatch"),
        (Ok(license(json!({ "min_policy": 6 }))), "policy-too-old"),
        (Err(FileError::TooLarge), "file-too-large"),
        (Ok(vec![b' '; (1 << 20) + 1]), "file-too-large"),
        (Err(FileError::Other("permission-denied".to_string())), "file-unreadable"),
    ];
    for (content, reason) in cases {
        let mut world = seen(json!({}));
        world.offered.insert("license.json".to_string(), content);
        let status = world.status(ms(SEEN + 60));
        assert_eq!(told(&status), (true, "grace", "validation-grace"), "{reason}");
        assert_eq!(document(&status, "license.json").reason, reason);
        assert!(document(&status, "license.json").recovered);
        assert_eq!(told(&world.status(ms(SEEN + 3 * DAY))), (false, "invalid", reason));
    }
}

#[test]
fn another_good_license_under_the_name_replaces_the_copy_at_once() {
    let mut world = seen(json!({}));
    world.put("license.json", license(json!({ "jti": "lic_2", "exp": SEEN })));
    assert_eq!(told(&world.status(ms(SEEN + 60))), (false, "expired", "expired"));
    world.put("license.json", license(json!({ "jti": "lic_3" })));
    let status = world.status(ms(SEEN + 60));
    assert_eq!((told(&status), status.licenses.len()), ((true, "active", "active"), 1));
}

#[test]
fn a_copy_never_extends_a_license_that_ended() {
    let end = SEEN + DAY;
    let mut world = seen(json!({ "exp": end }));
    world.offered.clear();
    let status = world.status(ms(end));
    assert_eq!((told(&status), status.until), ((true, "grace", "validation-grace"), Some(ms(end + DAY))));
    assert_eq!(warnings(&status), ["expiry-grace", "validation-grace"]);
    let ended = world.status(ms(end + DAY));
    assert_eq!((told(&ended), ended.until), ((false, "expired", "expired"), None));
}

#[test]
fn without_validation_grace_no_copy_stands_in() {
    let mut world = World::new().with("a", license(json!({})));
    world.status(ms(SEEN));
    world.offered.clear();
    assert_eq!(told(&world.status(ms(SEEN))), (false, "invalid", "file-missing"));
}

#[test]
fn a_copy_that_was_tampered_with_does_not_stand_in() {
    let mut world = seen(json!({}));
    world.offered.clear();
    world.kept.insert("license.json".to_string(), tampered());
    let status = world.status(ms(SEEN));
    assert_eq!(told(&status), (false, "invalid", "file-missing"));
    assert!(!document(&status, "license.json").recovered && !document(&status, "license.json").adopted);
}

#[test]
fn the_document_coming_back_ends_the_grace() {
    let mut world = seen(json!({}));
    let content = world.offered.remove("license.json").unwrap();
    assert_eq!(told(&world.status(ms(SEEN + DAY))), (true, "grace", "validation-grace"));
    world.offered.insert("license.json".to_string(), content);
    assert_eq!(told(&world.status(ms(SEEN + 2 * DAY))), (true, "active", "active"));
    world.offered.clear();
    assert!(world.status(ms(SEEN + 5 * DAY) - 1).usable, "the grace runs from the last moment it was seen");
    assert!(!world.status(ms(SEEN + 5 * DAY)).usable);
}

#[test]
fn the_mark_is_moved_once_a_minute_at_most() {
    let mut world = seen(json!({}));
    let mark = "own/seen/license.json";
    assert_eq!((world.counters.writes.get(), world.counters.held.borrow()[mark]), (1, ms(SEEN)));
    world.status(ms(SEEN + 60));
    assert_eq!(world.counters.writes.get(), 1);
    world.status(ms(SEEN + 60) + 1);
    assert_eq!((world.counters.writes.get(), world.counters.held.borrow()[mark]), (2, ms(SEEN + 60) + 1));
}

#[test]
fn a_mark_from_a_clock_that_ran_ahead_is_taken_back() {
    let mut world = seen(json!({}));
    world.status(ms(SEEN + 100 * DAY));
    world.status(ms(SEEN + DAY));
    world.offered.clear();
    assert!(!world.status(ms(SEEN + 4 * DAY)).usable);
}

#[test]
fn without_counters_what_is_there_holds_and_copies_do_not_stand_in() {
    let mut world = seen(json!({}));
    world.counters.broken.set(true);
    let status = world.status(ms(SEEN));
    assert_eq!((told(&status), warnings(&status)), ((true, "active", "active"), vec!["memory-unavailable"]));
    assert!(status.warnings[0].text.contains("disk-full"));
    world.offered.clear();
    let status = world.status(ms(SEEN));
    assert_eq!((told(&status), warnings(&status)), ((false, "invalid", "file-missing"), vec!["memory-unavailable"]));
    world.counters.broken.set(false);
    assert!(world.status(ms(SEEN)).usable);
}

#[test]
fn names_become_counters_of_their_own() {
    let mut world = World::new().with("a b/ü%.json", license(json!({})));
    world.status(ms(SEEN));
    assert_eq!(world.counters.held.borrow().keys().collect::<Vec<_>>(), ["own/seen/a%20b%2F%C3%BC%25.json"]);
}
