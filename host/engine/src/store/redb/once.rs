//! `once` keys, and what they counted.

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::rows::Name;
use crate::bindings::placet::policy::counters::{Once, Recorded};
use crate::store::{ONCE_KEPT, ONCE_NEWEST, ONCE_PURGED};

/// (namespace, key) → what it counted, as JSON.
const ONCE: TableDefinition<Name, &[u8]> = TableDefinition::new("once");
/// Rows of `ONCE` in the order they were made: a serial number without gaps → (mark, namespace, key).
const ONCE_ORDER: TableDefinition<u64, (u64, &str, &str)> = TableDefinition::new("once-order");

pub(super) fn create(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.open_table(ONCE)?;
    txn.open_table(ONCE_ORDER)?;
    Ok(())
}

pub(super) fn recall(view: &ReadTransaction, namespace: &str, key: &str) -> Result<Option<Recorded>, redb::Error> {
    recorded_under(&view.open_table(ONCE)?, namespace, key)
}

pub(super) fn repeated(
    txn: &WriteTransaction,
    namespace: &str,
    once: Option<&Once>,
) -> Result<Option<Recorded>, redb::Error> {
    match once {
        Some(once) => recorded_under(&txn.open_table(ONCE)?, namespace, &once.key),
        None => Ok(None),
    }
}

fn recorded_under(
    table: &impl ReadableTable<Name, &'static [u8]>,
    namespace: &str,
    key: &str,
) -> Result<Option<Recorded>, redb::Error> {
    let Some(row) = table.get((namespace, key))? else { return Ok(None) };
    let recorded = serde_json::from_slice(row.value());
    recorded.map(Some).map_err(|_| redb::Error::Corrupted("a once row is not JSON of its shape".to_owned()))
}

pub(super) fn record(
    txn: &WriteTransaction,
    namespace: &str,
    key: &str,
    recorded: &Recorded,
    mark: u64,
) -> Result<(), redb::Error> {
    let row = serde_json::to_vec(recorded).map_err(|error| redb::Error::Corrupted(error.to_string()))?;
    let mut table = txn.open_table(ONCE)?;
    table.insert((namespace, key), row.as_slice())?;
    let mut order = txn.open_table(ONCE_ORDER)?;
    let newest = order.last()?.map_or(0, |(serial, _)| serial.value().wrapping_add(1));
    order.insert(newest, (mark, namespace, key))?;
    for _ in 0..ONCE_PURGED {
        let oldest = order.first()?.map(|(serial, row)| (serial.value(), row.value().0));
        let Some((serial, made)) = oldest else { break };
        if newest.saturating_sub(serial) < ONCE_NEWEST || mark.saturating_sub(made) < ONCE_KEPT {
            break;
        }
        if let Some(row) = order.remove(serial)? {
            let (_, namespace, key) = row.value();
            table.remove((namespace, key))?;
        }
    }
    Ok(())
}
