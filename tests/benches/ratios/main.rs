//! What a decision costs, each figure beside what it is to be compared with, in one run: `scripts/bench`.

mod decisions;
mod growth;
mod loading;
mod native;
#[path = "../../../guest/rules/tests/decide/pools.rs"]
mod pools;

use std::thread;
use std::time::{Duration, Instant};

use placet_tests::rig::{Site, claims, component};

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(1);

/// `scripts/bench --bench ratios -- growth` measures that part alone.
fn main() {
    println!("component: {} KB (goal: 900)", component().len() / 1_000);
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, fn()); 4] = [
        ("openings", openings),
        ("decisions", decisions::bench),
        ("loading", loading::bench),
        ("growth", growth::bench),
    ];
    for (_, bench) in parts.iter().filter(|(name, _)| asked.is_empty() || asked.iter().any(|asked| asked == name)) {
        bench();
    }
}

fn openings() {
    let site = Site::default();
    site.license(&claims("lic_1"));
    let mut cold = Vec::new();
    for _ in 0..3 {
        drop(std::fs::remove_dir_all(site.path("state")));
        cold.push(timed(|| site.open()));
    }
    let warm: Vec<_> = (0..30).map(|_| timed(|| site.open())).collect();
    println!("open, compiling: {:?} at the median", median(cold));
    println!("open, with native code at hand: {:?} at the median (goal: 5 ms)", median(warm));
    let before = resident();
    let open = site.open();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("resident after opening with {cores} instances: {} KiB more", resident().saturating_sub(before));
    drop(open);
}

/// Nanoseconds of one call at the median; in batches of ten, since asking the time takes time.
fn each(what: &str, mut call: impl FnMut()) -> f64 {
    const BATCH: u32 = 10;
    let start = Instant::now();
    let mut batches = Vec::new();
    while start.elapsed() < SPAN {
        let before = Instant::now();
        (0..BATCH).for_each(|_| call());
        batches.push(before.elapsed() / BATCH);
    }
    batches.sort_unstable();
    let at = |share: usize| batches[batches.len() * share / 100].as_nanos();
    println!("{what}: {} ns, {} ns", at(50), at(99));
    at(50) as f64
}

fn timed<T>(act: impl FnOnce() -> T) -> Duration {
    let before = Instant::now();
    let made = act();
    let took = before.elapsed();
    drop(made);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
