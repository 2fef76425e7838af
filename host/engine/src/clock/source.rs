//! Where the time comes from; the only file that asks the machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's two clocks, or a double of them.
pub(crate) trait Source: Send + Sync + fmt::Debug {
    /// What the machine claims the time is: milliseconds since the Unix epoch, 0 before it.
    fn wall(&self) -> u64;

    /// Milliseconds since any one moment. Never goes back, is set by nobody, and counts the time that the machine slept.
    fn monotonic(&self) -> u64;
}

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
    fn wall(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| milliseconds(since.as_millis()))
    }

    #[cfg(target_os = "linux")]
    fn monotonic(&self) -> u64 {
        let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(since_boot.tv_sec).unwrap_or(0);
        let rest = u64::try_from(since_boot.tv_nsec).unwrap_or(0) / 1_000_000;
        seconds.saturating_mul(1_000).saturating_add(rest)
    }

    #[cfg(not(target_os = "linux"))]
    fn monotonic(&self) -> u64 {
        milliseconds(self.started.elapsed().as_millis())
    }
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
