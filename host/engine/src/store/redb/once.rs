//! `once` keys, and what they counted.

use super::error::RowError;
use super::rows::Name;
use super::sealed::{Digest, Reading, Sealed, Txn, View};
use crate::bindings::placet::policy::counters::{Once, Recorded};
use crate::store::{ONCE_KEPT, ONCE_NEWEST, ONCE_PURGED, Recalled};

/// (namespace, key) → what it counted, as JSON.
const ONCE: Sealed<Name, &[u8]> = Sealed::new("once");
/// Rows of `ONCE` in the order they were made: a serial number without gaps → (mark, namespace, key).
const ONCE_ORDER: Sealed<u64, (u64, &str, &str)> = Sealed::new("once-order");

pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&ONCE)?;
    txn.open(&ONCE_ORDER)?;
    Ok(())
}

pub(super) fn digest(view: &View<'_>, digest: Digest) -> Result<Digest, RowError> {
    view.digest(&ONCE_ORDER, view.digest(&ONCE, digest)?)
}

pub(super) fn recall(view: &View<'_>, namespace: &str, key: &str) -> Result<Option<Recalled>, RowError> {
    recorded_under(&view.open(&ONCE)?, namespace, key)
}

pub(super) fn recalled(txn: &Txn<'_>, namespace: &str, key: &str) -> Result<Option<Recalled>, RowError> {
    recorded_under(&txn.open(&ONCE)?, namespace, key)
}

pub(super) fn repeated(txn: &Txn<'_>, namespace: &str, once: Option<&Once>) -> Result<Option<Recorded>, RowError> {
    match once {
        Some(once) => Ok(recalled(txn, namespace, &once.key)?.map(|recalled| recalled.recorded)),
        None => Ok(None),
    }
}

fn recorded_under(
    table: &impl Reading<Name, &'static [u8]>,
    namespace: &str,
    key: &str,
) -> Result<Option<Recalled>, RowError> {
    let recorded = table.get((namespace, key), |row| serde_json::from_slice(row).ok())?;
    recorded
        .map_or(Ok(None), |recorded| recorded.map(Some).ok_or_else(|| corrupted("a once row is not JSON of its shape")))
}

pub(super) fn record(
    txn: &Txn<'_>,
    namespace: &str,
    key: &str,
    recalled: &Recalled,
    mark: u64,
) -> Result<(), RowError> {
    replace(txn, namespace, key, recalled)?;
    let mut table = txn.open(&ONCE)?;
    let mut order = txn.open(&ONCE_ORDER)?;
    let newest = order.last(|serial, _| serial)?.map_or(0, |newest| newest.wrapping_add(1));
    order.insert(newest, (mark, namespace, key))?;
    for _ in 0..ONCE_PURGED {
        let oldest =
            order.first(|serial, (made, namespace, key)| (serial, made, namespace.to_owned(), key.to_owned()))?;
        let Some((serial, made, namespace, key)) = oldest else { break };
        if newest.saturating_sub(serial) < ONCE_NEWEST || mark.saturating_sub(made) < ONCE_KEPT {
            break;
        }
        order.remove(serial)?;
        table.remove((namespace.as_str(), key.as_str()))?;
    }
    Ok(())
}

/// Puts another row in place of one that is there; it grows no younger by that.
pub(super) fn replace(txn: &Txn<'_>, namespace: &str, key: &str, recalled: &Recalled) -> Result<(), RowError> {
    let row = serde_json::to_vec(recalled).map_err(|error| corrupted(&error.to_string()))?;
    txn.open(&ONCE)?.insert((namespace, key), row.as_slice())
}

pub(super) fn corrupted(detail: &str) -> RowError {
    redb::Error::Corrupted(detail.to_owned()).into()
}
