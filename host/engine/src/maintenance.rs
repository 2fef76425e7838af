//! The thread that does what nobody asked for, each in its time: keeps the time mark, reads the documents anew, tells other processes
//! how it stands.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::alarm::Alarm;
use crate::clock::uptime;
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
    stop: Arc<Alarm>,
    thread: Option<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts it. Without a thread the mark is kept by each write alone, and documents are read on demand.
    pub(crate) fn start(installation: Arc<Installation>, recheck: Duration) -> Self {
        let stop = Arc::<Alarm>::default();
        let spawned = thread::Builder::new().name("placet-maintenance".into()).spawn({
            let stop = stop.clone();
            move || run(&installation, recheck, &stop)
        });
        Self { stop, thread: spawned.ok() }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.stop.ring();
        let Some(handle) = self.thread.take() else { return };
        // A subscriber may be the last owner, and is called by this very thread.
        if handle.thread().id() != thread::current().id() {
            drop(handle.join());
        }
    }
}

fn run(installation: &Installation, recheck: Duration, stop: &Alarm) {
    let now = uptime();
    let task = |first, every, run| Task { due: now.saturating_add(first), every, run };
    let mut tasks = [
        task(FIRST_SHOW, SHOW, Installation::show),
        task(MARK, MARK, Installation::keep_mark),
        task(MARK, MARK, Installation::sample),
        task(GRACE, GRACE, Installation::end_grace),
        task(recheck, recheck, Installation::recheck),
    ];
    loop {
        let next = tasks.iter().map(|task| task.due).min().unwrap_or(now);
        if stop.wait(next.saturating_sub(uptime())) {
            return;
        }
        for task in &mut tasks {
            let now = uptime();
            if task.due <= now {
                task.due = now.saturating_add(task.every);
                (task.run)(installation);
            }
            if stop.wait(Duration::ZERO) {
                return;
            }
        }
    }
}

/// Something to do, again and again.
struct Task {
    /// When, as [`uptime`] tells it.
    due: Duration,
    every: Duration,
    run: fn(&Installation),
}
