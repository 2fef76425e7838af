//! Waiting for a time that nobody bends: on Linux the kernel waits, past the C library, as [`crate::clock::uptime`] reads it.

#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(not(target_os = "linux"))]
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::thread::futex;

#[cfg(target_os = "linux")]
use crate::clock::uptime;

/// What one thread waits by, and any other can end the wait with.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// 1 once it was rung.
    #[cfg(target_os = "linux")]
    rung: AtomicU32,
    #[cfg(not(target_os = "linux"))]
    rung: Mutex<bool>,
    #[cfg(not(target_os = "linux"))]
    bell: Condvar,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// Ends the wait of now, or the next one. What was done before is seen by who waited.
    pub(crate) fn ring(&self) {
        if self.rung.swap(1, Ordering::Release) == 0 {
            // Nobody waits, at worst.
            let _ = futex::wake(&self.rung, futex::Flags::PRIVATE, 1);
        }
    }

    /// Waits so long, or until it is rung. Whether it was.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let end = uptime().saturating_add(most);
        while self.rung.swap(0, Ordering::Acquire) == 0 {
            let left = end.saturating_sub(uptime());
            if left.is_zero() {
                return false;
            }
            // A time too long to be told is none. Whatever ended it, it is looked again.
            let _ = futex::wait(&self.rung, futex::Flags::PRIVATE, 0, left.try_into().ok().as_ref());
        }
        true
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// Ends the wait of now, or the next one. What was done before is seen by who waited.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_one();
    }

    /// Waits so long, or until it is rung. Whether it was.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.bell.wait_timeout_while(rung, most, |rung| !*rung);
        std::mem::take(&mut *waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_wait_ends_by_its_time_or_when_it_is_rung_be_it_before_or_while() {
        let alarm = Alarm::default();
        assert!(!alarm.wait(Duration::from_millis(20)));
        alarm.ring();
        alarm.ring();
        assert!(alarm.wait(Duration::MAX));
        assert!(!alarm.wait(Duration::ZERO));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| alarm.wait(Duration::MAX));
            thread::sleep(Duration::from_millis(20));
            alarm.ring();
            assert!(waiting.join().unwrap());
        });
    }
}
