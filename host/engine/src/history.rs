//! What was used, hour by hour: kept for 400 days, to be looked at, and to tell when a limit will be reached.
//!
//! A sample is what stands when an hour is first looked at; it is never written again. Hours are those of the time that is judged by, and none
//! is sampled while that is ahead of the confirmed time: a clock that jumps neither fills the history nor empties it. The samples of a day
//! are one row of the store, sealed and chained as all others.

mod days;
mod forecast;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use self::days::{is_due, read, record};
pub(crate) use self::forecast::forecast;
pub use self::forecast::{Forecast, Outlook};

/// So many tenants of a limit are sampled: the first by name.
pub(crate) const TENANTS: usize = 64;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// What was used of a limit, as it stood when an hour was first looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sample {
    /// The beginning of the hour: milliseconds since the Unix epoch.
    pub hour: u64,
    /// The limit.
    pub limit: String,
    /// Of a limit that is counted for each tenant: which.
    pub tenant: Option<String>,
    /// The civil label of the period that it was counted in.
    pub period: Option<String>,
    /// So many units.
    pub used: u64,
}
