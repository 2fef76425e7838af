//! The thread that does what nobody asked for, each in its time: keeps the time mark, reads the documents anew, tells other processes
//! how it stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::installation::Installation;

/// How often the time mark is committed where nothing else is written, and looked whether an hour is to be sampled.
const MARK: Duration = Duration::from_secs(60);
/// How often the status is written down for other processes: it is never older than 5 seconds.
const SHOW: Duration = Duration::from_secs(4);
/// How often it is looked whether a grace is over.
const GRACE: Duration = Duration::from_secs(1);
/// The status for the first time so long after the opening: a command that ends sooner tells nobody.
const FIRST_SHOW: Duration = Duration::from_millis(100);

/// The running thread. When this is dropped it ends what it is at and stops, so that nothing of the installation outlives its owner.
pub(crate) struct Maintenance {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts it. Without a thread the mark is kept by each write alone, and documents are read on demand.
    pub(crate) fn start(installation: Arc<Installation>, recheck: Duration) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let spawned = thread::Builder::new().name("placet-maintenance".into()).spawn({
            let stopped = stopped.clone();
            move || run(&installation, recheck, &stopped)
        });
        Self { stopped, thread: spawned.ok() }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let Some(handle) = self.thread.take() else { return };
        handle.thread().unpark();
        // A subscriber may be the last owner, and is called by this very thread.
        if handle.thread().id() != thread::current().id() {
            drop(handle.join());
        }
    }
}

fn run(installation: &Installation, recheck: Duration, stopped: &AtomicBool) {
    let now = Instant::now();
    let mut tasks = [
        Task { due: now + FIRST_SHOW, every: SHOW, run: Installation::show },
        Task { due: now + MARK, every: MARK, run: Installation::keep_mark },
        Task { due: now + MARK, every: MARK, run: Installation::sample },
        Task { due: now + GRACE, every: GRACE, run: Installation::end_grace },
        Task { due: after(now, recheck), every: recheck, run: Installation::recheck },
    ];
    while !stopped.load(Ordering::Relaxed) {
        let next = tasks.iter().map(|task| task.due).min().unwrap_or(now);
        thread::park_timeout(next.saturating_duration_since(Instant::now()));
        for task in &mut tasks {
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            let now = Instant::now();
            if task.due <= now {
                task.due = after(now, task.every);
                (task.run)(installation);
            }
        }
    }
}

/// Something to do, again and again.
struct Task {
    due: Instant,
    every: Duration,
    run: fn(&Installation),
}

/// An interval of an embedder's may be longer than time goes: then it is far away.
fn after(now: Instant, time: Duration) -> Instant {
    now.checked_add(time).unwrap_or(now + FAR)
}

const FAR: Duration = Duration::from_secs(365 * 86_400);
