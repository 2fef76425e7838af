//! What the host itself keeps: copies of documents, the floors of policies, small values.

use std::ops::ControlFlow;

use sha2::{Digest, Sha256};

use super::error::RowError;
use super::rows::{Name, Outcome, Step};
use super::sealed::{Digest as Sum, Reading, Sealed, Txn, View};
use super::{pools, reserved};
use crate::store::Floor;

type Copied = (&'static [u8; 32], &'static [u8]);

/// (namespace, document) → (SHA-256, content).
const KEPT: Sealed<Name, Copied> = Sealed::new("kept");
/// Namespace → (sequence, SHA-256 of the artifact).
const FLOORS: Sealed<&str, (u64, &[u8; 32])> = Sealed::new("floors");
/// Small values of the host's.
const VALUES: Sealed<&str, &[u8]> = Sealed::new("values");

pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&KEPT)?;
    txn.open(&FLOORS)?;
    txn.open(&VALUES)?;
    Ok(())
}

pub(super) fn digest(view: &View<'_>, digest: Sum) -> Result<Sum, RowError> {
    view.digest(&VALUES, view.digest(&FLOORS, view.digest(&KEPT, digest)?)?)
}

pub(super) fn kept(view: &View<'_>, namespace: &str) -> Result<Vec<(String, [u8; 32])>, RowError> {
    let mut kept = Vec::new();
    view.open(&KEPT)?.each((namespace, "").., |(space, name), (hash, _)| {
        if space != namespace {
            return ControlFlow::Break(());
        }
        kept.push((name.to_owned(), *hash));
        ControlFlow::Continue(())
    })?;
    Ok(kept)
}

pub(super) fn recover(view: &View<'_>, namespace: &str, name: &str) -> Result<Option<Vec<u8>>, RowError> {
    let copy = view.open(&KEPT)?.get((namespace, name), |(hash, content)| (*hash, content.to_vec()))?;
    match copy {
        Some((hash, content)) if Sha256::digest(&content).as_slice() != hash => {
            Err(redb::Error::Corrupted("a kept document does not have its SHA-256".to_owned()).into())
        }
        copy => Ok(copy.map(|(_, content)| content)),
    }
}

pub(super) fn keep(txn: &Txn<'_>, namespace: &str, name: &str, content: &[u8]) -> Step<()> {
    let hash: [u8; 32] = Sha256::digest(content).into();
    let mut table = txn.open(&KEPT)?;
    if table.get((namespace, name), |row| row == (&hash, content))? == Some(true) {
        return Ok(Outcome::Same(()));
    }
    table.insert((namespace, name), (&hash, content))?;
    Ok(Outcome::Changed(()))
}

pub(super) fn forget(txn: &Txn<'_>, namespace: &str, name: &str) -> Step<bool> {
    let held = txn.open(&KEPT)?.remove((namespace, name))?;
    Ok(if held { Outcome::Changed(true) } else { Outcome::Same(false) })
}

pub(super) fn floor(view: &View<'_>, namespace: &str) -> Result<Option<Floor>, RowError> {
    view.open(&FLOORS)?.get(namespace, floor_of)
}

fn floor_of((sequence, hash): (u64, &[u8; 32])) -> Floor {
    Floor { sequence, hash: *hash }
}

pub(super) fn raise_floor(txn: &Txn<'_>, namespace: &str, floor: Floor) -> Step<Floor> {
    let mut table = txn.open(&FLOORS)?;
    let held = table.get(namespace, floor_of)?;
    if let Some(held) = held.filter(|held| held.sequence >= floor.sequence) {
        return Ok(Outcome::Same(held));
    }
    table.insert(namespace, (floor.sequence, &floor.hash))?;
    Ok(Outcome::Changed(floor))
}

/// Each anchor once; of several in one transaction the last one counts.
pub(super) fn anchor(txn: &Txn<'_>, key: &str, time: u64, mark: u64) -> Step<bool> {
    let mut table = txn.open(&VALUES)?;
    if table.get(key, |_| ())?.is_some() {
        return Ok(Outcome::Same(false));
    }
    table.insert(key, &time.to_le_bytes()[..])?;
    reserved::anchor(txn, mark, time)?;
    pools::anchor(txn, mark, time)?;
    txn.anchored.set(Some(time));
    Ok(Outcome::Changed(true))
}

pub(super) fn value(view: &View<'_>, key: &str) -> Result<Option<Vec<u8>>, RowError> {
    view.open(&VALUES)?.get(key, <[u8]>::to_vec)
}

pub(super) fn put_value(txn: &Txn<'_>, key: &str, value: Option<&[u8]>) -> Step<()> {
    let mut table = txn.open(&VALUES)?;
    if table.get(key, <[u8]>::to_vec)?.as_deref() == value {
        return Ok(Outcome::Same(()));
    }
    match value {
        Some(value) => table.insert(key, value)?,
        None => drop(table.remove(key)?),
    }
    Ok(Outcome::Changed(()))
}
