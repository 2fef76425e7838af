//! Where the time comes from; the only file that asks the machine.
//!
//! On Linux the kernel is asked, past the C library: a library that is loaded before it (such as libfaketime) changes nothing here, and
//! is seen by what the C library says.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

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
pub(super) struct Machine {
    #[cfg(not(target_os = "linux"))]
    started: std::time::Instant,
}

impl Machine {
    #[cfg(target_os = "linux")]
    pub(super) fn new() -> Self {
        Self {}
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Source for Machine {
    #[cfg(target_os = "linux")]
    fn wall(&self) -> u64 {
        kernel(ClockId::Realtime)
    }

    #[cfg(not(target_os = "linux"))]
    fn wall(&self) -> u64 {
        library()
    }

    #[cfg(target_os = "linux")]
    fn monotonic(&self) -> u64 {
        kernel(ClockId::Boottime)
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

    #[cfg(not(target_os = "linux"))]
    fn monotonic(&self) -> u64 {
        milliseconds(self.started.elapsed().as_millis())
    }
}

/// The C library's wall clock.
fn library() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| milliseconds(since.as_millis()))
}

/// A clock of the kernel's; 0 before its epoch.
#[cfg(target_os = "linux")]
fn kernel(clock: ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000;
    seconds.saturating_mul(1_000).saturating_add(rest)
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

fn milliseconds(milliseconds: u128) -> u64 {
    milliseconds.try_into().unwrap_or(u64::MAX)
}
