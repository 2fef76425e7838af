//! The thread that does what nobody asked for: keeps the time mark, and reads the documents anew from time to time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::installation::Installation;

/// How often the time mark is committed where nothing else is written.
const MARK: Duration = Duration::from_secs(60);

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
    let mut rechecked = Instant::now();
    while !stopped.load(Ordering::Relaxed) {
        thread::park_timeout(MARK.min(recheck));
        let Some(inner) = inner.upgrade() else { return };
        let due = rechecked.elapsed() >= recheck;
        if due {
            rechecked = Instant::now();
        }
        inner.tick(due);
    }
}
