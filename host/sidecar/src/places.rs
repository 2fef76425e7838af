//! The places that clients take: so many at one time, and who makes room when all are taken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// All places.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    all: u32,
    guests: Mutex<BTreeMap<u64, Arc<Guest>>>,
    next: AtomicU64,
    /// Does somebody wait for one?
    is_wanted: AtomicBool,
    is_closing: AtomicBool,
    closing: Notify,
}

/// A place, for as long as it is kept.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) guest: Arc<Guest>,
    id: u64,
    places: Arc<Places>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Who has been silent for less is likely to be asking right now, and would not learn whether it was heard.
const LULL: Duration = Duration::from_millis(500);
/// The same of who has yet to ask for the first time: it has connected to do so.
const FIRST_LULL: Duration = Duration::from_millis(100);

impl Places {
    pub(crate) fn new(all: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(all)),
            all: u32::try_from(all).unwrap_or(u32::MAX),
            guests: Mutex::default(),
            next: AtomicU64::new(0),
            is_wanted: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            closing: Notify::new(),
        }
    }

    /// A place for the next client. Where all are taken, who has been silent longest makes room; where nobody is silent, who is answered next.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        let mut permit = self.free.clone().try_acquire_owned().ok();
        let mut has_waited = false;
        while permit.is_none() {
            let wait = match self.make_room() {
                Ok(()) => LULL,
                Err(soon) => {
                    // Whoever was silent at first has been asking since.
                    self.is_wanted.store(has_waited, Ordering::Relaxed);
                    soon
                }
            };
            // It is never closed.
            permit = timeout(wait, self.free.clone().acquire_owned()).await.ok().and_then(Result::ok);
            has_waited = true;
        }
        self.is_wanted.store(false, Ordering::Relaxed);
        let (guest, id) = (Arc::new(Guest::new()), self.next.fetch_add(1, Ordering::Relaxed));
        self.guests().insert(id, guest.clone());
        Place { guest, id, places: self.clone(), _permit: permit }
    }

    /// Has who has been silent longest go. Nobody has been for long: how soon somebody may have.
    fn make_room(&self) -> Result<(), Duration> {
        let guests = self.guests();
        let idle = guests.values().map(|guest| (guest.idle(), guest)).filter(|(idle, _)| !idle.is_zero());
        let Some((idle, guest)) = idle.max_by_key(|(idle, guest)| idle.saturating_sub(guest.lull())) else {
            return Err(FIRST_LULL);
        };
        if idle < guest.lull() {
            return Err(guest.lull() - idle);
        }
        guest.is_to_leave.store(true, Ordering::Relaxed);
        guest.told.notify_one();
        Ok(())
    }

    /// Is the connection to end that has just been answered?
    pub(crate) fn ends_answered(&self) -> bool {
        self.is_closing() || (self.is_wanted.load(Ordering::Relaxed) && self.is_wanted.swap(false, Ordering::Relaxed))
    }

    /// From now on each connection ends when it was answered.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.closing.notify_one();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// Waits, as the only one, for [`Places::close`].
    pub(crate) async fn closed(&self) {
        self.closing.notified().await;
    }

    /// Has all guests look for how long they may be silent now.
    pub(crate) fn tell(&self) {
        self.guests().values().for_each(|guest| guest.told.notify_one());
    }

    /// Waits until all places are free, and takes them.
    pub(crate) async fn emptied(&self) {
        // It is never closed.
        drop(self.free.acquire_many(self.all).await);
    }

    fn guests(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Guest>>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.guests().remove(&self.id);
    }
}

/// Who has a place, and how long it has been silent: since it connected, or was answered, until the head of a request is there. That is looked
/// at when it may have been too long; a timer for each request would cost more than a decision.
#[derive(Debug)]
pub(crate) struct Guest {
    connected: Instant,
    /// Milliseconds from then to the last answer; [`Guest::NONE`] while a request is answered.
    since: AtomicU64,
    /// Milliseconds from then to the last piece of a body that is not whole yet; [`Guest::NONE`] where none is owed.
    owes: AtomicU64,
    /// Its body was let go before it was whole.
    has_more: AtomicBool,
    is_to_leave: AtomicBool,
    told: Notify,
}

impl Guest {
    const NONE: u64 = u64::MAX;

    fn new() -> Self {
        Self {
            connected: Instant::now(),
            since: AtomicU64::new(0),
            owes: AtomicU64::new(Self::NONE),
            has_more: AtomicBool::new(false),
            is_to_leave: AtomicBool::new(false),
            told: Notify::new(),
        }
    }

    /// The head of a request is there.
    pub(crate) fn asks(&self) {
        self.since.store(Self::NONE, Ordering::Relaxed);
    }

    /// And is answered.
    pub(crate) fn is_answered(&self) {
        self.since.store(self.age(), Ordering::Relaxed);
    }

    /// A piece of its body came, or the head alone; the rest does not seem to be there.
    pub(crate) fn owes(&self) {
        self.owes.store(self.age(), Ordering::Relaxed);
    }

    /// Its body is whole, or nobody reads it any more.
    pub(crate) fn owes_nothing(&self) {
        self.owes.store(Self::NONE, Ordering::Relaxed);
    }

    /// Nobody reads what is left of its body; all that matters of it came.
    pub(crate) fn is_let_go(&self, is_whole: bool) {
        self.owes_nothing();
        if !is_whole {
            self.has_more.store(true, Ordering::Relaxed);
        }
    }

    /// Was what it sent let go before it was whole? Asked once for each request.
    pub(crate) fn had_more(&self) -> bool {
        self.has_more.load(Ordering::Relaxed) && self.has_more.swap(false, Ordering::Relaxed)
    }

    /// Waits until it has been silent for too long, or is to make room.
    pub(crate) async fn is_over(&self, most: impl Fn() -> Duration) {
        loop {
            let silent = self.silent();
            let is_to_leave = self.is_to_leave.swap(false, Ordering::Relaxed) && !self.idle().is_zero();
            let left = most().saturating_sub(silent);
            if is_to_leave || left.is_zero() {
                return;
            }
            // Told or not, it is looked at.
            drop(timeout(left, self.told.notified()).await);
        }
    }

    fn silent(&self) -> Duration {
        self.after(&self.since)
    }

    /// For how long nothing has come from it that was to come.
    fn idle(&self) -> Duration {
        self.silent().max(self.after(&self.owes))
    }

    fn lull(&self) -> Duration {
        if self.since.load(Ordering::Relaxed) == 0 { FIRST_LULL } else { LULL }
    }

    fn after(&self, moment: &AtomicU64) -> Duration {
        match moment.load(Ordering::Relaxed) {
            Self::NONE => Duration::ZERO,
            moment => Duration::from_millis(self.age().saturating_sub(moment)),
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.connected.elapsed().as_millis()).unwrap_or(Self::NONE - 1)
    }
}
