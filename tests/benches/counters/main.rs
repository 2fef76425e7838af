//! What counting costs beside the disk that it lands on: `scripts/bench --bench counters`.
//!
//! R is the rate at which one writer appends 64 bytes to a file and calls `fdatasync`. A disk that others use as well changes its
//! pace from one moment to the next: everything takes turns in short slices, and each figure is the median over the rounds, each
//! slice against R in the same round.

mod contenders;
mod rate;

use std::sync::atomic::{AtomicU64, Ordering};

use mimalloc::MiMalloc;
use placet::MeasuredCounter;
use placet_tests::rig::{Site, claims};
use serde_json::json;

use crate::contenders::{Log, Raw, Sqlite};
use crate::rate::{Contest, micros};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let site = Site::default();
    let mut license = claims("lic_1");
    license["limits"] = json!({
        "tokens": {"kind": "quota", "max": u64::MAX},
        "hundred": {"kind": "quota", "max": u64::MAX, "slack": 100},
        "thousands": {"kind": "quota", "max": u64::MAX, "slack": 10_000},
    });
    site.license(&license);
    let placet = site.open();
    println!("on the disk of `{}`", site.path("").display());
    for callers in [1, 2, 8] {
        let (raw, many) = (Raw::new(&site, 1), Raw::new(&site, callers));
        let (log, sqlite) = (Log::new(&site), Sqlite::new(&site));
        let [durable, hundred, thousands] = [0, 100, 10_000].map(|slack| counter(&site, callers, slack));
        let atomic = AtomicU64::new(0);
        let mut contest = Contest::default();
        contest.enter("R: write + fdatasync, one writer", 1, |_| raw.write(0));
        contest.enter("write + fdatasync, a file for each", callers, |caller| many.write(caller));
        contest.enter("append-only log, one file", callers, |_| log.count());
        contest.enter("SQLite, WAL, synchronous=FULL", callers, |_| sqlite.count());
        contest.enter_each("store, each unit durable", callers, 1, |_| counting(&durable));
        contest.enter_each("store, blocks of 100", callers, 1, |_| counting(&hundred));
        contest.enter_each("store, blocks of 10,000", callers, 1_000, |_| counting(&thousands));
        contest.enter_each("a bare atomic", callers, 1_000, |_| {
            || {
                atomic.fetch_add(1, Ordering::AcqRel);
            }
        });
        for (name, limit) in
            [("consume, blocks of 100", "hundred"), ("consume, blocks of 10,000", "thousands"), ("consume", "tokens")]
        {
            let placet = &placet;
            contest
                .enter(name, callers, move |_| assert!(placet.consume(limit, 1).decide().expect("an answer").allowed));
        }
        let figures = contest.run();
        println!("\n{callers} callers: calls per second, ratio to R; latency at the median, and of 99 of 100");
        for figure in &figures {
            println!(
                "  {:36} {:>9.0} {:>7.2} R  {:>9} µs {:>9} µs",
                figure.name,
                figure.rate,
                figure.ratio,
                micros(figure.median),
                micros(figure.most)
            );
        }
        if let (Some(raw), Some(consume)) = (figures.first(), figures.last()) {
            println!(
                "  p99 of consume: {:.1} times one write + fdatasync",
                consume.most.as_secs_f64() / raw.median.as_secs_f64()
            );
        }
    }
}

/// What one thread does.
fn counting(counter: &MeasuredCounter) -> impl FnMut() {
    let mut caller = counter.caller();
    move || assert!(caller.count())
}

/// A store of its own, for each number of callers.
fn counter(site: &Site, callers: usize, slack: u64) -> MeasuredCounter {
    let directory = site.path(&format!("counter-{callers}-{slack}"));
    std::fs::create_dir(&directory).expect("a directory");
    MeasuredCounter::open(&directory, slack).expect("opens")
}
