//! When a limit will be reached, if its use goes on as it did.

use serde::{Deserialize, Serialize};

use super::{DAY, HOUR, Sample};
use crate::Usage;

/// By so much of the latest history.
const WINDOW: u64 = 7 * DAY;
/// The samples must lie this far apart at least.
const SPAN: u64 = DAY;

/// What is to be expected of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Forecast {
    /// The limit.
    pub limit: String,
    /// Of a limit that is counted for each tenant: which.
    pub tenant: Option<String>,
    /// Units a day, over the last 7 days or as much of them as there are samples of; what was given back is taken off. None without
    /// enough samples.
    pub per_day: Option<i64>,
    /// What follows.
    pub outlook: Outlook,
}

/// If its use goes on as in the last 7 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outlook", rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Outlook {
    /// The samples lie less than a day apart.
    NotEnoughSamples,
    /// It has no maximum.
    Unlimited,
    /// It grows not at all, or it ends first.
    NotReached,
    /// The present period ends first.
    ResetsBefore {
        /// When: milliseconds since the Unix epoch.
        resets: u64,
    },
    /// It is reached.
    Reached {
        /// When: milliseconds since the Unix epoch; now, where it is.
        at: u64,
    },
}

/// What is to be expected of each limit of which this is used now. `samples` by hour.
pub(crate) fn forecast(usage: &[Usage], samples: &[Sample], now: u64) -> Vec<Forecast> {
    let counted = usage.iter().filter(|usage| usage.kind != "rate");
    counted.map(|usage| forecast_of(usage, samples, now)).collect()
}

fn forecast_of(usage: &Usage, samples: &[Sample], now: u64) -> Forecast {
    let growth = growth(usage, samples, now);
    let per_day = growth.map(|(units, span)| saturated(units * i128::from(DAY) / i128::from(span)));
    let outlook = match (usage.max, growth) {
        (None, _) => Outlook::Unlimited,
        (Some(max), _) if usage.used >= max => Outlook::Reached { at: now },
        (_, None) => Outlook::NotEnoughSamples,
        (_, Some((units, _))) if units <= 0 => Outlook::NotReached,
        (Some(max), Some((units, span))) => reached(usage, max, i128::from(span), units, now),
    };
    Forecast { limit: usage.limit.clone(), tenant: usage.tenant.clone(), per_day, outlook }
}

fn reached(usage: &Usage, max: u64, span: i128, units: i128, now: u64) -> Outlook {
    // Both below 2^64, and their product below 2^127.
    let left = i128::from(max) - i128::from(usage.used);
    let at = u64::try_from((left * span / units).saturating_add(i128::from(now))).ok();
    match (at.filter(|at| i64::try_from(*at).is_ok()), usage.resets.filter(|_| usage.period.is_some())) {
        (Some(at), Some(resets)) if at < resets => Outlook::Reached { at },
        (_, Some(resets)) => Outlook::ResetsBefore { resets },
        (Some(at), None) => Outlook::Reached { at },
        (None, None) => Outlook::NotReached,
    }
}

/// How many units came to it, in how many milliseconds. None: too few samples. What stands now is the last of them.
fn growth(usage: &Usage, samples: &[Sample], now: u64) -> Option<(i128, u64)> {
    let since = now.saturating_sub(WINDOW);
    let mut samples = samples.iter().filter(|sample| {
        (&sample.limit, &sample.tenant) == (&usage.limit, &usage.tenant)
            && sample.hour.saturating_add(HOUR) > since
            && sample.hour <= now
    });
    let first = samples.next()?;
    let span = now.saturating_sub(first.hour);
    let mut last = (&first.period, first.used);
    let mut units = 0_i128;
    for next in samples.map(|sample| (&sample.period, sample.used)).chain([(&usage.period, usage.used)]) {
        // A new period began at nothing.
        let before = if next.0 == last.0 { last.1 } else { 0 };
        units += i128::from(next.1) - i128::from(before);
        last = next;
    }
    (span >= SPAN).then_some((units, span))
}

fn saturated(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}
