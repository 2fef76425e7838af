//! The one thread that writes: it takes whatever waits, does it in order within one transaction, commits once, and answers all.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::blocks::{self, Moved};
use super::chain;
use super::due::Due;
use super::error::{RowError, guarded};
use super::file::{Opened, Opener, damaged, row_error};
use super::job::{Call, Job};
use super::rows::{self, Outcome};
use super::sealed::{Txn, View};
use super::seen::Seen;
use crate::figures::{Commits, StoreFigures};
use crate::store::block::Blocks;
use crate::store::{Burned, Moment, StoreError};
use crate::waiting::wait;

/// The most calls that one transaction holds, so that none waits for a flood behind it.
const BATCH: usize = 1_024;

/// The way to the thread, and to what it committed.
pub(super) struct Writer {
    /// What crashes burned that was not told before this opening.
    pub(super) burned: Vec<Burned>,
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

struct Shared {
    path: PathBuf,
    /// The id of the install key.
    install_key: String,
    report_seed: [u8; 32],
    blocks: Arc<Blocks>,
    seen: Seen,
    /// When the next term of a reservation ends.
    due: Due,
    commits: Commits,
    /// The count of commits that are known to have happened.
    reached: AtomicU64,
    /// The open file, or why there is none.
    database: RwLock<Result<Opened, StoreError>>,
}

impl Writer {
    /// Opens the file and starts the thread.
    pub(super) fn start(opener: Box<dyn Opener>) -> Result<Self, StoreError> {
        let path = opener.path().to_owned();
        let due = Due::default();
        let (opened, burned, reached) = guarded(&path, || {
            let opened = opener.open(false)?;
            let failed = |error| row_error(error, &path);
            let burned = burn(&opened).map_err(failed)?;
            let reached = opened.view().and_then(|view| chain::last(&view)).map_err(failed)?.number;
            due.look(&opened);
            Ok((opened, burned, reached))
        })?;
        let shared = Arc::new(Shared {
            path: path.clone(),
            install_key: opened.seals.id.clone(),
            report_seed: opened.seals.report_seed,
            blocks: Arc::default(),
            seen: Seen::default(),
            due,
            commits: Commits::default(),
            reached: AtomicU64::new(reached),
            database: RwLock::new(Ok(opened)),
        });
        let (jobs, received) = channel();
        let thread = thread::Builder::new()
            .name("placet-store".to_owned())
            .spawn({
                let shared = shared.clone();
                move || run(&*opener, &shared, &received)
            })
            .map_err(|error| StoreError::from_io(error, path))?;
        Ok(Self { burned, jobs: Some(jobs), thread: Some(thread), shared })
    }

    /// By which the install key is known.
    pub(super) fn install_key(&self) -> &str {
        &self.shared.install_key
    }

    /// The seed of the key that signs reports.
    pub(super) fn report_seed(&self) -> [u8; 32] {
        self.shared.report_seed
    }

    /// How commits went.
    pub(super) fn figures(&self) -> StoreFigures {
        self.shared.commits.figures()
    }

    /// Units that are counted in memory.
    pub(super) fn blocks(&self) -> &Arc<Blocks> {
        &self.shared.blocks
    }

    /// What was read since the last commit.
    pub(super) fn seen(&self) -> &Seen {
        &self.shared.seen
    }

    /// Is the term of a reservation over?
    pub(super) fn is_due(&self, moment: Moment) -> bool {
        self.shared.due.is_over(moment)
    }

    /// Does it in a transaction, and answers when that is on the disk.
    pub(super) fn write<T: Send + 'static>(
        &self,
        mark: u64,
        apply: impl FnOnce(&Txn<'_>) -> Result<Outcome<T>, RowError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_unless(mark, || None, apply)
    }

    /// The same, unless `in_memory` has an answer when it is its turn: others may have brought about meanwhile what it waited for.
    pub(super) fn write_unless<T: Send + 'static>(
        &self,
        mark: u64,
        in_memory: impl Fn() -> Option<T> + Send + 'static,
        apply: impl FnOnce(&Txn<'_>) -> Result<Outcome<T>, RowError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        let job = Call::new(mark, in_memory, apply, answer);
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Box::new(job)).is_ok());
        let gone = || damaged(&self.shared.path, "the thread that writes it has ended");
        if sent { wait(|| answered.recv()).unwrap_or_else(|_| Err(gone())) } else { Err(gone()) }
    }

    /// Looks at what was committed.
    pub(super) fn view<T>(&self, look: impl Fn(&View<'_>) -> Result<T, RowError>) -> Result<T, StoreError> {
        match self.try_view(&look) {
            Err(Unseen::Closed(_)) => {}
            Err(Unseen::Failed(error)) => {
                self.shared.close(error.clone());
                return Err(error);
            }
            Ok(found) => return Ok(found),
        }
        // The thread opens it again before it does anything, even nothing.
        self.write(0, |_| Ok(Outcome::Same(())))?;
        self.try_view(&look).map_err(|(Unseen::Closed(error) | Unseen::Failed(error))| error)
    }

    fn try_view<T>(&self, look: impl Fn(&View<'_>) -> Result<T, RowError>) -> Result<T, Unseen> {
        let database = self.shared.database();
        let database = database.as_ref().map_err(|error| Unseen::Closed(error.clone()))?;
        let look = || database.view().and_then(|view| look(&view)).map_err(|error| row_error(error, &self.shared.path));
        guarded(&self.shared.path, look).map_err(Unseen::Failed)
    }
}

/// Why nothing was seen.
enum Unseen {
    /// The file is not open.
    Closed(StoreError),
    /// It was open, and looking failed.
    Failed(StoreError),
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // It guards itself against panics; there is nothing to learn from its end.
            drop(thread.join());
        }
    }
}

impl Shared {
    // A panic is caught before it passes the lock.
    fn database(&self) -> RwLockReadGuard<'_, Result<Opened, StoreError>> {
        match self.database.try_read() {
            Ok(database) => database,
            Err(TryLockError::Poisoned(database)) => database.into_inner(),
            // It is being opened again.
            Err(TryLockError::WouldBlock) => wait(|| self.database.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    fn database_mut(&self) -> RwLockWriteGuard<'_, Result<Opened, StoreError>> {
        self.database.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the file, which is then opened again before anything else.
    fn close(&self, reason: StoreError) {
        let mut database = self.database_mut();
        // Nobody knows what it holds when it is opened again; nor is anything given from blocks until then.
        self.seen.forget();
        self.due.forget();
        if let Ok(open) = std::mem::replace(&mut *database, Err(reason)) {
            // It failed already; how its closing goes changes nothing.
            drop(guarded(&self.path, || {
                drop(open);
                Ok(())
            }));
        }
    }
}

fn run(opener: &dyn Opener, shared: &Shared, received: &Receiver<Box<dyn Job>>) {
    let mut failed = None;
    while let Ok(first) = received.recv() {
        let mut batch = vec![first];
        batch.extend(received.try_iter().take(BATCH - 1));
        batch.retain(|job| !job.answer_in_memory());
        if batch.is_empty() {
            continue;
        }
        let began = Instant::now();
        let done = commit(opener, shared, &mut batch, &mut failed);
        match done {
            Ok(()) => shared.commits.done(began.elapsed()),
            Err(_) => shared.commits.failed(),
        }
        for job in batch {
            job.answer(&done);
        }
    }
    let closed = Err(damaged(&shared.path, "it was closed"));
    if let Ok(opened) = std::mem::replace(&mut *shared.database_mut(), closed) {
        // What is left of blocks and is not given back is found, and told, at the next opening.
        drop(guarded(&shared.path, || {
            give_back(&opened, &shared.blocks).map_err(|error| row_error(error, &shared.path))
        }));
        // A close that fails is found at the next opening, which then repairs.
        drop(guarded(&shared.path, || {
            opened.database.close().map_err(|error| row_error(redb::Error::from(error).into(), &shared.path))
        }));
    }
}

/// A commit of which it is not known yet whether it happened.
struct Failed {
    /// The count of commits before it.
    before: u64,
    moved: Moved,
}

/// All of the batch, or nothing.
fn commit(
    opener: &dyn Opener,
    shared: &Shared,
    batch: &mut [Box<dyn Job>],
    failed: &mut Option<Failed>,
) -> Result<(), StoreError> {
    if shared.database().is_err() {
        settle(shared, reopen(opener, shared)?, failed);
    }
    let failure = {
        let opened = shared.database();
        let opened = opened.as_ref().map_err(StoreError::clone)?;
        let attempt = || {
            opener.check_there(opened)?;
            transact(opened, batch, shared, failed).map_err(|error| row_error(error, &shared.path))
        };
        match guarded(&shared.path, attempt) {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        }
    };
    shared.close(failure.clone());
    // The file counts its commits: unless it says that this one did not happen, nobody knows.
    match (reopen(opener, shared), failed.as_ref().map(|failed| failed.before)) {
        (Ok(after), Some(before)) => {
            settle(shared, after, failed);
            if after == before { Err(failure) } else { Err(StoreError::CommitUnknown { path: shared.path.clone() }) }
        }
        (Ok(_), None) => Err(failure),
        // That it is gone, or what lies there in its place.
        (Err(error), None) => Err(error),
        (Err(_), Some(_)) => Err(StoreError::CommitUnknown { path: shared.path.clone() }),
    }
}

/// Brings the blocks to what the opened file holds.
fn settle(shared: &Shared, commits: u64, failed: &mut Option<Failed>) {
    match failed.take() {
        Some(Failed { before, moved }) if before != commits => {
            moved.happened(&shared.blocks);
            shared.blocks.drop_closed();
        }
        _ => shared.blocks.reopen(),
    }
}

fn transact(
    opened: &Opened,
    batch: &mut [Box<dyn Job>],
    shared: &Shared,
    failed: &mut Option<Failed>,
) -> Result<(), RowError> {
    let blocks = &shared.blocks;
    // While it is looked at, the commit does not tidy up behind itself: the next one does, along with its own.
    let view = opened.view()?;
    let last = || opened.last.lock().unwrap_or_else(PoisonError::into_inner);
    let known = last().take();
    let before = known.map_or_else(|| chain::last(&view), Ok)?;
    *failed = Some(Failed { before: before.number, moved: Moved::default() });
    let txn = opened.begin(before.digest, blocks)?;
    let mut mark = None;
    for job in batch {
        mark = mark.max(job.apply(&txn)?);
    }
    if mark.is_none() {
        let moved = txn.moves.finish();
        txn.txn.abort()?;
        if !moved.is_empty() {
            blocks.reopen();
        }
        *last() = Some(before);
    } else {
        let next = chain::extend(&txn, &before, mark)?;
        let moved = txn.moves.finish();
        let reserved = txn.reserved.get();
        *failed = Some(Failed { before: before.number, moved });
        txn.txn.commit()?;
        shared.seen.forget();
        drop(view);
        shared.reached.store(next.number, Ordering::Relaxed);
        *last() = Some(next);
        if let Some(failed) = failed.take() {
            failed.moved.happened(blocks);
        }
        if reserved {
            shared.due.look(opened);
        }
    }
    *failed = None;
    Ok(())
}

/// Counts as used what a crash left in blocks. Answers what of it is to be told: also what an opening before did not come to tell.
fn burn(opened: &Opened) -> Result<Vec<Burned>, RowError> {
    if blocks::any(&opened.view()?)? {
        change(opened, &Blocks::default(), blocks::burn)?;
    }
    let burned = blocks::burned(&opened.view()?)?.into_iter();
    Ok(burned.filter(|(_, untold)| *untold > 0).map(|(burned, untold)| Burned { units: untold, ..burned }).collect())
}

/// Gives back what is left in blocks.
fn give_back(opened: &Opened, blocks: &Blocks) -> Result<(), RowError> {
    if blocks.names().is_empty() { Ok(()) } else { change(opened, blocks, rows::close_blocks) }
}

fn change(
    opened: &Opened,
    blocks: &Blocks,
    change: impl FnOnce(&Txn<'_>) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let before = chain::last(&opened.view()?)?;
    let txn = opened.begin(before.digest, blocks)?;
    change(&txn)?;
    chain::extend(&txn, &before, None)?;
    Ok(txn.txn.commit()?)
}

/// Opens the closed file. Answers its count of commits.
fn reopen(opener: &dyn Opener, shared: &Shared) -> Result<u64, StoreError> {
    let mut database = shared.database_mut();
    let opened = guarded(&shared.path, || {
        let opened = opener.open(true)?;
        let last = opened.view().and_then(|view| chain::last(&view));
        let commits = last.map_err(|error| row_error(error, &shared.path))?.number;
        if commits < shared.reached.load(Ordering::Relaxed) {
            // An older file lies there now.
            return Err(StoreError::Edited { path: shared.path.clone(), table: "chain" });
        }
        shared.due.look(&opened);
        Ok((opened, commits))
    });
    match opened {
        Ok((opened, commits)) => {
            *database = Ok(opened);
            Ok(commits)
        }
        Err(error) => {
            *database = Err(error.clone());
            Err(error)
        }
    }
}
