//! The one place where the CLI asks what time it is: for the dates in what a vendor issues, never for a decision.

use jiff::Timestamp;

/// The present time by the machine's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
