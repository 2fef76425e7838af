//! Where the time comes from; the only file that asks the machine.
//!
//! On Linux the kernel is asked, past the C library: a library that is loaded before it (such as libfaketime) changes nothing here, and
//! is seen by what the C library says.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use rustix::time::ClockId;

/// The machine's two clocks, or a double of them.
pub(crate) trait Source: Send + Sync + fmt::Debug {
    /// What the machine claims the time is: milliseconds since the Unix epoch, 0 before it.
    fn wall(&self) -> u64;

    /// Milliseconds since any one moment. Never goes back, is set by nobody, and counts the time that the machine slept.
    fn monotonic(&self) -> u64;

    /// By which a boot of the machine is known, and [`Source::monotonic`] along with it; none where the system does not say.
    fn boot(&self) -> Option<u64> {
        None
    }

    /// Whether the C library tells this process another time than the kernel.
    fn is_faked(&self) -> bool {
        false
    }
}

/// By so much the C library's clock may be apart from the kernel's, in milliseconds: some systems keep a coarse copy.
#[cfg(target_os = "linux")]
const APART: u64 = 1_000;

/// The machine itself. Where the system tells no time that counts sleep (anything but Linux), a sleep looks like a jump of the
/// wall clock.
#[derive(Debug)]
pub(super) struct Machine;

impl Source for Machine {
    #[cfg(target_os = "linux")]
    fn wall(&self) -> u64 {
        milliseconds(kernel(ClockId::Realtime))
    }

    #[cfg(not(target_os = "linux"))]
    fn wall(&self) -> u64 {
        library()
    }

    fn monotonic(&self) -> u64 {
        milliseconds(uptime())
    }

    #[cfg(target_os = "linux")]
    fn boot(&self) -> Option<u64> {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        let file = rustix::fs::open("/proc/sys/kernel/random/boot_id", flags, rustix::fs::Mode::empty()).ok()?;
        // A UUID; what stands before its third group is random enough.
        let mut id = [0; 13];
        let read = rustix::io::read(&file, &mut id).ok().filter(|read| *read == id.len());
        let digits: String = std::str::from_utf8(&id).ok().filter(|_| read.is_some())?.split('-').collect();
        u64::from_str_radix(&digits, 16).ok()
    }

    #[cfg(target_os = "linux")]
    fn is_faked(&self) -> bool {
        // However long it waits in between.
        let (before, library, after) = (self.wall(), library(), self.wall());
        library.saturating_add(APART) < before.min(after) || library > before.max(after).saturating_add(APART)
    }
}

/// The time since any one moment, as [`Source::monotonic`] tells it of the machine: what measures how long something takes here, and when
/// something is due.
#[cfg(target_os = "linux")]
pub(crate) fn uptime() -> Duration {
    kernel(ClockId::Boottime)
}

/// The time since any one moment.
#[cfg(not(target_os = "linux"))]
pub(crate) fn uptime() -> Duration {
    static STARTED: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    STARTED.elapsed()
}

/// The C library's wall clock.
fn library() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds)
}

/// A clock of the kernel's; 0 before its epoch.
#[cfg(target_os = "linux")]
fn kernel(clock: ClockId) -> Duration {
    rustix::time::clock_gettime(clock).try_into().unwrap_or_default()
}

/// A clock that goes on when it is told to, and explains every jump.
#[derive(Clone, Debug)]
pub(crate) struct Simulated(Arc<AtomicU64>);

impl Simulated {
    /// It stands at this instant, in milliseconds since the Unix epoch.
    pub(crate) fn at(instant: u64) -> Self {
        Self(Arc::new(instant.into()))
    }

    /// Goes on to this instant, never back.
    pub(crate) fn advance_to(&self, instant: u64) {
        self.0.fetch_max(instant, Ordering::Relaxed);
    }
}

impl Source for Simulated {
    fn wall(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> u64 {
        self.wall()
    }
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}
