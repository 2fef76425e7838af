//! The audit log: what happened to this installation, one JSON object a line, in files of the folder `audit` of the state directory.
//!
//! Each line has a number and the SHA-256 of the line before it; so no line but the newest can be changed, moved or taken out
//! without that [`verify_audit`] finds it. The head of the counters stands in it again and again: log and counters vouch for each other.
//! The counters hold the newest line that they know of, so that an opening tells of lines that were cut off since, and of counters that were
//! put back. What this does not show: the lines of the last minute before a crash cut off, or both put back together, or written anew by who
//! has the install key; for that a head has to be compared which was handed out before.
//!
//! With a storage secret each line stands there sealed, in base64url; numbers and hashes are those of what is in it.
//!
//! Nobody waits for it. Lines go through a bounded queue to one thread; what it cannot take, or the disk not hold, is counted, and
//! told as a line of its own as soon as that is possible. What may happen a million times is written once for each subject and tenant,
//! and then as a count each minute; so many bytes an hour at most, and beyond them as one count for each event.

mod kept;
mod line;
mod log;
mod promise;
mod read;
#[cfg(test)]
mod tests;
mod throttle;
mod verify;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(crate) use self::kept::sealed as sealed_log;
use self::line::Entry;
pub use self::line::{AuditLine, DamagedLine, ReadLine};
use self::log::Log;
pub(crate) use self::log::{MAX_READ, file_names};
pub(crate) use self::promise::{Misfit, compare};
pub use self::read::audit_lines;
pub(crate) use self::read::newest;
use self::throttle::Throttle;
pub use self::verify::{AuditBreak, AuditFault, AuditSummary, verify_audit};
use crate::alarm::Alarm;
use crate::clock::uptime;
use crate::event::Event;
use crate::state_dir::StateDir;
use crate::store::Store;
use crate::vault::Vault;

/// The most lines that wait for the thread.
const QUEUE: usize = 1_024;
/// So many files of the log are kept: the oldest of more is let go, and only then.
pub const AUDIT_FILES: usize = 32;
/// How much is kept: so many files, each of so many bytes at most.
const BOUNDS: Bounds = Bounds { files: AUDIT_FILES, bytes: 1 << 20 };
/// How often counts are written.
const COUNTS: Duration = Duration::from_secs(60);
/// How long it is waited for lines that are on their way: a disk takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the head of the counters is written, where it moved; and at the end of a process that lasted as long as [`COUNTS`].
const HEADS: Duration = Duration::from_secs(600);

/// How large the log may become.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    files: usize,
    bytes: u64,
}

/// The way into the log. Dropping it waits until all is written.
#[derive(Debug)]
pub(crate) struct Audit {
    shared: Arc<Shared>,
    entries: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    throttle: Mutex<Throttle>,
    /// Lines that nobody took.
    lost: AtomicU64,
    /// Rung where there is something to write.
    due: Alarm,
    /// Lines that were handed to the thread.
    handed: AtomicU64,
    written: Mutex<Written>,
    /// It changed.
    wrote: Condvar,
}

/// How writing goes.
#[derive(Debug, Default)]
struct Written {
    /// Lines that were written, or failed to be.
    lines: u64,
    /// Why the last ones could not be.
    trouble: Option<String>,
}

impl Audit {
    /// Starts the thread that writes. Where there can be none, lines are lost, and nothing else.
    pub(crate) fn start(state: Arc<StateDir>, store: Arc<dyn Store>, vault: Vault) -> Self {
        Self::start_with(Log::new(state, store, vault, BOUNDS), COUNTS)
    }

    fn start_with(log: Log, counts: Duration) -> Self {
        let (sender, receiver) = sync_channel(QUEUE);
        let throttle = Mutex::new(Throttle::new(log.seals()));
        let shared = Arc::new(Shared {
            throttle,
            lost: AtomicU64::new(0),
            due: Alarm::default(),
            handed: AtomicU64::new(0),
            written: Mutex::default(),
            wrote: Condvar::new(),
        });
        let thread = thread::Builder::new().name("placet-audit".to_owned()).spawn({
            let shared = shared.clone();
            move || run(log, &shared, &receiver, counts)
        });
        Self { shared, entries: Some(sender), thread: thread.ok() }
    }

    /// Will write what happened at this time (milliseconds since the Unix epoch). Waits for nothing.
    pub(crate) fn record(&self, event: &Event, time: u64) {
        let entry = Entry::new(event, time);
        if entry.is_frequent() && !self.shared.throttle().admit(&entry) {
            return;
        }
        let sent = self.entries.as_ref().is_some_and(|entries| entries.try_send(entry).is_ok());
        let count = if sent { &self.shared.handed } else { &self.shared.lost };
        count.fetch_add(1, Ordering::Relaxed);
        self.shared.due.ring();
    }

    /// Why the log cannot be written; none where it can. Waits for what was recorded before, a moment at the most.
    pub(crate) fn trouble(&self) -> Option<String> {
        let handed = self.shared.handed.load(Ordering::Relaxed);
        let written = self.shared.written();
        let (written, _) = (self.shared.wrote)
            .wait_timeout_while(written, PATIENCE, |written| written.lines < handed)
            .unwrap_or_else(PoisonError::into_inner);
        if self.thread.is_none() {
            Some("there is no thread that writes it".to_owned())
        } else {
            written.trouble.clone()
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        drop(self.entries.take());
        self.shared.due.ring();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(mut log: Log, shared: &Shared, entries: &Receiver<Entry>, counts: Duration) {
    let began = uptime();
    let (mut counted, mut headed) = (began, began);
    loop {
        shared.due.wait(counts.saturating_sub(uptime().saturating_sub(counted)));
        let mut batch: Vec<_> = entries.try_iter().take(QUEUE).collect();
        let last = entries.try_recv();
        let ended = last == Err(TryRecvError::Disconnected);
        batch.extend(last);
        let handed = batch.len() as u64;
        let is_due = ended || uptime().saturating_sub(counted) >= counts;
        if is_due {
            counted = uptime();
            batch.extend(shared.throttle().take());
        }
        let now = uptime();
        if now.saturating_sub(headed) >= HEADS || (ended && now.saturating_sub(began) >= counts) {
            headed = uptime();
            batch.extend(log.head_entry());
        }
        log.lost(shared.lost.swap(0, Ordering::Relaxed));
        if let Some(trouble) = log.write(batch) {
            shared.written().trouble = trouble.err();
        }
        shared.written().lines += handed;
        shared.wrote.notify_all();
        if is_due {
            log.promise();
        }
        if ended {
            return;
        }
    }
}
