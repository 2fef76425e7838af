//! Under libfaketime, as somebody runs it who wants another time: the kernel's counts, and it is told.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use placet::{HolderStatus, Vault};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::{Desk, Run};

const SITE: [&str; 8] =
    ["--state", "state", "--license", "license.json", "--root", "TEST-root.pub", "--policy", "policy.wasm"];

/// A license over these times, as `license new` takes them.
fn desk(starts: &str, expires: &str) -> Desk {
    let desk = Desk::vendor();
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

#[test]
fn a_time_that_stands_still_stops_no_upkeep() {
    let desk = desk("2020-01-01", "2100-01-01");
    std::fs::rename(desk.path("license.json"), desk.path("later.json")).unwrap();
    let service = Service::start(&desk, "2020-01-01 00:00:00");
    let first = service.told(&desk, |told| told.status.state == "missing");
    assert!(first.status.warnings.iter().any(|warning| warning.reason == "clock-faked"), "{first:?}");
    // It is told again and again, and what stands there is read anew.
    std::fs::rename(desk.path("later.json"), desk.path("license.json")).unwrap();
    let next = service.told(&desk, |told| told.status.state == "active");
    assert!(next.written >= first.written + 3_000, "{} after {}", next.written, first.written);
    // Who looks by that time finds it older than it may be.
    let doctor = desk.run_at("+1h", &[&["doctor"], &SITE[..]].concat());
    assert!(doctor.code == 1 && doctor.out.contains("(holder-silent)"), "{}{}", doctor.out, doctor.err);
    let log = desk.read("state/audit/00000000000000000001.jsonl");
    assert_eq!(log.matches("clock.faked").count(), 1, "{log}");
}

/// A service under libfaketime; killed at the end of the test.
struct Service(Child);

impl Service {
    fn start(desk: &Desk, time: &str) -> Self {
        let serve = ["serve", "--listen-address", "127.0.0.1:0", "--license-recheck-interval", "1s"];
        let mut faketime = Command::new("faketime");
        faketime.args(["-f", time, env!("CARGO_BIN_EXE_placet")]).args(serve).args(SITE).current_dir(desk.path(""));
        // faketime waits for it beside it.
        faketime.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(faketime.spawn().unwrap())
    }

    /// What it tells others, once it is so.
    fn told(&self, desk: &Desk, is_so: impl Fn(&HolderStatus) -> bool) -> HolderStatus {
        let began = SystemTime::now();
        loop {
            match HolderStatus::read(desk.path("state"), &Vault::default()) {
                Ok(told) if is_so(&told) => return told,
                told => assert!(began.elapsed().unwrap() < Duration::from_secs(60), "{told:?}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        drop(self.0.wait());
    }
}
