//! What the host itself keeps: copies of documents, the floors of policies, small values.

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};

use super::rows::{Name, Outcome, Step};
use crate::store::Floor;

type Copied = (&'static [u8; 32], &'static [u8]);

/// (namespace, document) → (SHA-256, content).
const KEPT: TableDefinition<Name, Copied> = TableDefinition::new("kept");
/// Namespace → (sequence, SHA-256 of the artifact).
const FLOORS: TableDefinition<&str, (u64, &[u8; 32])> = TableDefinition::new("floors");
/// Small values of the host's.
const VALUES: TableDefinition<&str, &[u8]> = TableDefinition::new("values");

pub(super) fn create(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.open_table(KEPT)?;
    txn.open_table(FLOORS)?;
    txn.open_table(VALUES)?;
    Ok(())
}

pub(super) fn kept(view: &ReadTransaction, namespace: &str) -> Result<Vec<(String, [u8; 32])>, redb::Error> {
    let mut kept = Vec::new();
    for row in view.open_table(KEPT)?.range((namespace, "")..)? {
        let (key, value) = row?;
        let (space, name) = key.value();
        if space != namespace {
            break;
        }
        kept.push((name.to_owned(), *value.value().0));
    }
    Ok(kept)
}

pub(super) fn recover(view: &ReadTransaction, namespace: &str, name: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let Some(row) = view.open_table(KEPT)?.get((namespace, name))? else { return Ok(None) };
    let (hash, content) = row.value();
    if Sha256::digest(content).as_slice() != hash {
        return Err(redb::Error::Corrupted("a kept document does not have its SHA-256".to_owned()));
    }
    Ok(Some(content.to_vec()))
}

pub(super) fn keep(txn: &WriteTransaction, namespace: &str, name: &str, content: &[u8]) -> Step<()> {
    let hash: [u8; 32] = Sha256::digest(content).into();
    let mut table = txn.open_table(KEPT)?;
    if table.get((namespace, name))?.is_some_and(|row| row.value() == (&hash, content)) {
        return Ok(Outcome::Same(()));
    }
    table.insert((namespace, name), (&hash, content))?;
    Ok(Outcome::Changed(()))
}

pub(super) fn forget(txn: &WriteTransaction, namespace: &str, name: &str) -> Step<bool> {
    let held = txn.open_table(KEPT)?.remove((namespace, name))?.is_some();
    Ok(if held { Outcome::Changed(true) } else { Outcome::Same(false) })
}

pub(super) fn floor(view: &ReadTransaction, namespace: &str) -> Result<Option<Floor>, redb::Error> {
    let row = view.open_table(FLOORS)?.get(namespace)?;
    Ok(row.map(|row| Floor { sequence: row.value().0, hash: *row.value().1 }))
}

pub(super) fn raise_floor(txn: &WriteTransaction, namespace: &str, floor: Floor) -> Step<Floor> {
    let mut table = txn.open_table(FLOORS)?;
    let held = table.get(namespace)?.map(|row| Floor { sequence: row.value().0, hash: *row.value().1 });
    if let Some(held) = held.filter(|held| held.sequence >= floor.sequence) {
        return Ok(Outcome::Same(held));
    }
    table.insert(namespace, (floor.sequence, &floor.hash))?;
    Ok(Outcome::Changed(floor))
}

pub(super) fn value(view: &ReadTransaction, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    Ok(view.open_table(VALUES)?.get(key)?.map(|value| value.value().to_vec()))
}

pub(super) fn put_value(txn: &WriteTransaction, key: &str, value: Option<&[u8]>) -> Step<()> {
    let mut table = txn.open_table(VALUES)?;
    if table.get(key)?.as_ref().map(|held| held.value()) == value {
        return Ok(Outcome::Same(()));
    }
    match value {
        Some(value) => table.insert(key, value)?,
        None => table.remove(key)?,
    };
    Ok(Outcome::Changed(()))
}
