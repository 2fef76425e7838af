//! The one place where the service asks what time it is: to say when figures were taken, never for a decision.

use std::time::SystemTime;

/// Nanoseconds since the Unix epoch, by the machine's clock.
pub(crate) fn nanoseconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
