//! The samples in the store: a row for each day, and one that names the days.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DAY, HOUR, Sample};
use crate::Usage;
use crate::clock::{Reading, TOLERANCE};
use crate::store::{Store, StoreError};

/// So many days are kept.
pub(super) const DAYS: u64 = 400;
/// So many limits and tenants are sampled in an hour; the others are not.
pub(super) const ROWS: usize = 1_024;

/// A limit, a tenant and a period in one day: what was used by hour of the day. Written as a list, since there are many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row(String, Option<String>, Option<String>, BTreeMap<u8, u64>);

/// Is the present hour still to be sampled?
pub(crate) fn is_due(store: &dyn Store, policy: &str, time: Reading) -> Result<bool, StoreError> {
    let (day, hour) = split(time.now);
    let confirmed = time.now.saturating_sub(time.mark) <= TOLERANCE;
    Ok(confirmed && !rows(store, policy, day)?.iter().any(|row| row.3.contains_key(&hour)))
}

/// Writes down what is used, unless the hour was sampled before; and lets go what is too old. Rates are not counted durably, and are left out.
pub(crate) fn record(store: &dyn Store, policy: &str, usage: &[Usage], time: Reading) -> Result<(), StoreError> {
    if usage.is_empty() || !is_due(store, policy, time)? {
        return Ok(());
    }
    let (day, hour) = split(time.now);
    let mut rows = rows(store, policy, day)?;
    for usage in usage.iter().filter(|usage| usage.kind != "rate").take(ROWS) {
        let Usage { limit, tenant, period, used, .. } = usage;
        match rows.iter_mut().find(|row| (&row.0, &row.1, &row.2) == (limit, tenant, period)) {
            Some(row) => drop(row.3.insert(hour, *used)),
            None => rows.push(Row(limit.clone(), tenant.clone(), period.clone(), BTreeMap::from([(hour, *used)]))),
        }
    }
    let known = days(store, policy)?;
    // A day is named before it is there, and let go before its name is, so that a crash leaves none behind without a name.
    let (mut kept, mut old): (Vec<u64>, Vec<u64>) = known.iter().partition(|known| known.saturating_add(DAYS) > day);
    if !kept.contains(&day) {
        kept.push(day);
        kept.sort_unstable();
    }
    // Days ahead of an anchor that took the time back: the farthest are the ones to go.
    while kept.len() as u64 > DAYS && kept.last().is_some_and(|last| *last > day) {
        old.extend(kept.pop());
    }
    for day in old {
        store.put_value(&day_key(policy, day), None, time.mark)?;
    }
    if kept != known {
        put(store, &days_key(policy), &kept, time.mark)?;
    }
    put(store, &day_key(policy, day), &rows, time.mark)
}

/// The samples since a moment, by hour, limit, tenant and period.
pub(crate) fn read(store: &dyn Store, policy: &str, since: u64) -> Result<Vec<Sample>, StoreError> {
    let mut samples = Vec::new();
    for day in days(store, policy)?.into_iter().filter(|day| *day >= since / DAY) {
        for Row(limit, tenant, period, hours) in rows(store, policy, day)? {
            let sample = |(hour, used): (&u8, &u64)| Sample {
                hour: (day * DAY).saturating_add(u64::from(*hour) * HOUR),
                limit: limit.clone(),
                tenant: tenant.clone(),
                period: period.clone(),
                used: *used,
            };
            samples.extend(hours.iter().map(sample).filter(|sample| sample.hour.saturating_add(HOUR) > since));
        }
    }
    samples.sort_by(|one, other| {
        (one.hour, &one.limit, &one.tenant, &one.period).cmp(&(other.hour, &other.limit, &other.tenant, &other.period))
    });
    Ok(samples)
}

/// The day since the epoch, and the hour in it.
fn split(time: u64) -> (u64, u8) {
    (time / DAY, u8::try_from(time % DAY / HOUR).unwrap_or(0))
}

fn days_key(policy: &str) -> String {
    format!("history/{policy}")
}

fn day_key(policy: &str, day: u64) -> String {
    format!("history/{policy}/{day}")
}

fn days(store: &dyn Store, policy: &str) -> Result<Vec<u64>, StoreError> {
    value(store, &days_key(policy))
}

fn rows(store: &dyn Store, policy: &str, day: u64) -> Result<Vec<Row>, StoreError> {
    value(store, &day_key(policy, day))
}

/// Nothing, where there is nothing that this release can read.
fn value<T: Default + for<'de> Deserialize<'de>>(store: &dyn Store, key: &str) -> Result<T, StoreError> {
    let text = store.value(key)?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default())
}

fn put<T: Serialize>(store: &dyn Store, key: &str, value: &T, mark: u64) -> Result<(), StoreError> {
    // Lists and numbers can always be written down.
    let Ok(text) = serde_json::to_vec(value) else { return Ok(()) };
    store.put_value(key, Some(&text), mark)
}
