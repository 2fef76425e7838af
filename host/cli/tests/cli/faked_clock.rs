//! Under libfaketime, as somebody runs it who wants another time: the kernel's counts, and it is told.

use crate::support::{Desk, Run};

const SITE: [&str; 8] =
    ["--state", "state", "--license", "license.json", "--root", "TEST-root.pub", "--policy", "policy.wasm"];

/// A license over these times, as `license new` takes them.
fn desk(starts: &str, expires: &str) -> Desk {
    let desk = Desk::new();
    desk.done(&["key", "new", "--out", "TEST-root", "--use", "policy"]);
    desk.done(&["key", "new", "--out", "TEST-license"]);
    let pack = ["policy", "pack", "--name", "acme/router", "--version", "1.0.0", "--sequence", "1"];
    let sign = ["--trust", "TEST-license.pub", "--key", "TEST-root.key", "--out", "policy.wasm"];
    desk.done(&[&pack[..], &sign].concat());
    let license = ["license", "new", "--customer", "Globex", "--product", "acme/router"];
    let times = ["--starts", starts, "--expires", expires];
    let limits = ["--feature", "sso", "--key", "TEST-license.key", "--out", "license.json"];
    desk.done(&[&license[..], &times, &limits].concat());
    desk
}

/// Asks for a feature, and how it stands.
fn ask(desk: &Desk, time: &str) -> (Run, Run) {
    let ask = |command: &[&str]| desk.run_at(time, &[command, &SITE].concat());
    (ask(&["check", "sso"]), ask(&["status"]))
}

#[test]
fn a_time_far_ahead_ends_no_license() {
    let desk = desk("2020-01-01", "2100-01-01");
    let (check, status) = ask(&desk, "+80y");
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
    assert!(status.out.contains("active") && status.out.contains("clock-faked"), "{}{}", status.out, status.err);
    // Nothing of it stays behind.
    let status = desk.done(&[&["status"], &SITE[..]].concat());
    assert!(status.contains("active") && !status.contains("clock-"), "{status}");
}

#[test]
fn a_time_far_back_revives_no_license() {
    let desk = desk("2000-01-01", "2001-01-01");
    let (check, status) = ask(&desk, "@2000-06-01 00:00:00");
    assert_eq!(check.code, 1, "{}{}", check.out, check.err);
    assert!(check.out.contains("expired"), "{}{}", check.out, check.err);
    assert!(status.out.contains("expired") && status.out.contains("clock-faked"), "{}{}", status.out, status.err);
}

#[test]
fn a_time_that_runs_faster_is_not_waited_for() {
    let desk = desk("2020-01-01", "2100-01-01");
    // Three years in a millisecond.
    let (check, status) = ask(&desk, "+0d x100000000");
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
    assert!(status.out.contains("clock-faked") && !status.out.contains("expired"), "{}{}", status.out, status.err);
}
