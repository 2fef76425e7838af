//! The thread that does what nobody asked for, each in its time: keeps the time mark, reads the documents anew, tells other processes
//! how it stands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::installation::Installation;

/// How often the time mark is committed where nothing else is written.
const MARK: Duration = Duration::from_secs(60);
/// How often the status is written down for other processes: it is never older than 5 seconds.
const SHOW: Duration = Duration::from_secs(4);
/// And for the first time so long after the opening: a command that ends sooner tells nobody.
const FIRST_SHOW: Duration = Duration::from_millis(100);

/// The running thread; it stops when this is dropped.
pub(crate) struct Maintenance {
    stopped: Arc<AtomicBool>,
    thread: Option<thread::Thread>,
}

impl Maintenance {
    /// Starts it. Without a thread the mark is kept by each write alone, and documents are read on demand.
    pub(crate) fn start(inner: Weak<Installation>, recheck: Duration) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let spawned = thread::Builder::new().name("placet-maintenance".into()).spawn({
            let stopped = stopped.clone();
            move || run(&inner, recheck, &stopped)
        });
        Self { stopped, thread: spawned.ok().map(|handle| handle.thread().clone()) }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

fn run(inner: &Weak<Installation>, recheck: Duration, stopped: &AtomicBool) {
    let now = Instant::now();
    let mut tasks = [
        Task { due: now + FIRST_SHOW, every: SHOW, run: Installation::show },
        Task { due: now + MARK, every: MARK, run: Installation::keep_mark },
        Task { due: after(now, recheck), every: recheck, run: Installation::recheck },
    ];
    while !stopped.load(Ordering::Relaxed) {
        let next = tasks.iter().map(|task| task.due).min().unwrap_or(now);
        thread::park_timeout(next.saturating_duration_since(Instant::now()));
        let Some(inner) = inner.upgrade() else { return };
        for task in &mut tasks {
            let now = Instant::now();
            if task.due <= now {
                task.due = after(now, task.every);
                (task.run)(&inner);
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
