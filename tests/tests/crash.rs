//! Killed in the middle of consuming, again and again: what was acknowledged is there, and nothing passes the ceiling.
//!
//! The child is this very program, told by an environment variable where its installation lies.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use placet::Placet;
use placet_tests::rig::{Site, Vendor, claims};
use serde_json::json;

const THREADS: u64 = 4;
/// What one call takes, so that a part of it would be seen.
const AMOUNT: u64 = 3;
/// Units, each of them durable: few enough that some of the runs end at the ceiling.
const DURABLE: Quota = Quota { max: 3_000, slack: 0 };
/// Units that are reserved durably and counted in memory.
const BLOCKS: Quota = Quota { max: 60_000, slack: 4_000 };
const SITE: &str = "PLACET_TEST_CRASH_SITE";

#[derive(Clone, Copy)]
struct Quota {
    max: u64,
    slack: u64,
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_it_acknowledged() {
    assert_eq!(killed_again_and_again(DURABLE), 0, "without slack nothing is burned");
}

#[test]
fn a_process_that_is_killed_burns_no_more_than_the_slack_and_says_how_much() {
    assert!(killed_again_and_again(BLOCKS) > 0, "no kill met a block");
}

/// How many units the crashes burned.
fn killed_again_and_again(quota: Quota) -> u64 {
    let kills = if std::env::var_os("PLACET_LONG").is_some() { 1_000 } else { 50 };
    let mut site = fresh(quota);
    let (mut acknowledged, mut killed_while_counting, mut full, mut burned_in_all) = (0, 0, 0, 0);
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for kill in 0..kills {
        let mut child = start(&site);
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = output.lines().map(|line| line.expect("a line"));
        assert!(lines.any(|line| line == "ready"), "kill {kill}: the lock is not free, or it did not open");
        // What is printed after the kill was printed before it: the pipe keeps it.
        let reader = thread::spawn(move || {
            lines.fold((0, 0), |(yes, no), line| match &*line {
                "+" => (yes + AMOUNT, no),
                "-" => (yes, no + 1),
                other => panic!("the child said `{other}`"),
            })
        });
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_micros((random >> 33) % 60_000));
        child.kill().expect("SIGKILL");
        assert!(child.wait().expect("waits").code().is_none(), "kill {kill}: it was killed, and had not ended");
        let (yes, no) = reader.join().expect("read");
        acknowledged += yes;
        killed_while_counting += u64::from(yes > 0 && no == 0);

        let placet = site.open();
        let used = used(&placet);
        assert!(used >= acknowledged, "kill {kill}: {used} used, and {acknowledged} were acknowledged");
        let burned: u64 = placet.burned().iter().map(|burned| burned.units).sum();
        assert!(burned <= quota.slack, "kill {kill}: {burned} burned");
        let most = acknowledged + THREADS * AMOUNT + burned;
        assert!(used <= most, "kill {kill}: {used} used, of {acknowledged} acknowledged and {burned} burned");
        assert!(used <= quota.max, "kill {kill}: {used} used");
        assert!(quota.slack > 0 || used.is_multiple_of(AMOUNT), "kill {kill}: a call was counted in part");
        burned_in_all += burned;
        // What was in flight is either counted or not from now on.
        acknowledged = used;
        if used + AMOUNT > quota.max {
            full += 1;
            assert!(!placet.consume("tokens", AMOUNT).decide().expect("a decision").allowed);
            drop(placet);
            site = fresh(quota);
            acknowledged = 0;
        }
    }
    assert!(
        killed_while_counting * 10 > kills,
        "only {killed_while_counting} of {kills} were killed while they counted"
    );
    println!(
        "{kills} kills, {killed_while_counting} of them while units were counted; {full} times the ceiling was reached; \
         {burned_in_all} units burned"
    );
    burned_in_all
}

#[test]
fn the_lock_is_free_when_its_holder_was_killed_and_held_until_then() {
    let site = fresh(DURABLE);
    let mut child = start(&site);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.expect("a line") == "ready"));
    let refused = site.builder().open().expect_err("another process holds it");
    assert_eq!(refused.reason(), "locked", "{refused}");
    child.kill().expect("SIGKILL");
    child.wait().expect("waits");
    let begun = Instant::now();
    drop(site.open());
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// Not a test of its own: what the child process does.
#[test]
fn child() {
    let Some(path) = std::env::var_os(SITE).map(PathBuf::from) else { return };
    let placet = Placet::builder()
        .root(Vendor::default().policy_root())
        .policy(path.join("policy.wasm"))
        .licenses(path.join("license.json"))
        .state(path.join("state"))
        .open()
        .expect("opens");
    let out = Mutex::new(std::io::stdout());
    let say = |word: &str| {
        let mut out = out.lock().expect("no thread panicked");
        // The parent may be gone already: then nobody counts.
        drop(out.write_all(word.as_bytes()).and_then(|()| out.flush()));
    };
    say("ready\n");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while placet.consume("tokens", AMOUNT).decide().expect("a decision").allowed {
                    say("+\n");
                }
                say("-\n");
                // At the ceiling, it waits to be killed.
                thread::sleep(Duration::from_secs(60));
            });
        }
    });
}

fn fresh(quota: Quota) -> Site {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"] = json!({"tokens": {"kind": "quota", "max": quota.max, "slack": quota.slack}});
    site.license(&license);
    // So that no child compiles the policy.
    drop(site.open());
    site
}

fn start(site: &Site) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child", "--nocapture", "--quiet", "--test-threads=1"])
        .env(SITE, site.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
}

fn used(placet: &Placet) -> u64 {
    let usage = placet.usage(None).expect("the usage");
    usage.into_iter().find(|usage| usage.limit == "tokens").expect("the limit").used
}
