//! What log and counters say of each other at an opening.
//!
//! The counters hold which line was the newest when that was written down last: each minute, and at a clean close. The line was synced before,
//! so that the log may be ahead of it after a crash, and never behind. The log holds heads of the counters, each of a commit that was on the
//! disk before.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::BOUNDS;
use super::kept::opened;
use super::line::{AuditLine, hash, hex};
use super::log::{MAX_READ, file_names};
use crate::state_dir::{Folder, StateDir, StateError};
use crate::store::{Head, Store, StoreError};
use crate::vault::Vault;

/// The value of the store that holds it.
const KEY: &str = "audit";

/// A line that was on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Promise {
    number: u64,
    /// SHA-256, in hex.
    hash: String,
}

/// What does not fit together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// The log ends before this line, which was written, or has another in its place.
    pub(crate) cut: Option<u64>,
    /// The log saw this commit, and the counters are older than it, or have another one under its number.
    pub(crate) restored: Option<Head>,
}

impl Promise {
    pub(super) fn new(number: u64, last: &[u8; 32]) -> Self {
        Self { number, hash: hex(last) }
    }

    /// Writes it down, in place of the one before.
    pub(super) fn keep(&self, store: &dyn Store) -> Result<(), StoreError> {
        // Numbers and text can always be written down.
        let Ok(value) = serde_json::to_vec(self) else { return Ok(()) };
        store.put_value(KEY, Some(&value), store.mark()?.unwrap_or(0))
    }

    fn kept(store: &dyn Store) -> Result<Option<Self>, StoreError> {
        Ok(store.value(KEY)?.and_then(|value| serde_json::from_slice(&value).ok()))
    }
}

/// Holds log and counters against each other. To be done before anything is written to either; what cannot be read is told elsewhere.
pub(crate) fn compare(state: &StateDir, store: &dyn Store, vault: &Vault) -> Misfit {
    let (Ok(promised), Ok(last)) = (Promise::kept(store), store.head()) else { return Misfit::default() };
    let Ok(found) = Found::look(state, vault, promised.as_ref()) else { return Misfit::default() };
    let is_behind = |head: &Head| last.number < head.number || last.number == head.number && last.hash != head.hash;
    Misfit {
        cut: promised.filter(|_| found.kept == Some(false)).map(|promised| promised.number),
        restored: found.head.filter(is_behind),
    }
}

/// What the end of the log says.
#[derive(Debug, Default)]
struct Found {
    /// The newest head in it.
    head: Option<Head>,
    /// Is the promised line there? None: none was promised, or it was let go with the oldest file.
    kept: Option<bool>,
}

impl Found {
    /// From the newest line on, as far back as need be.
    fn look(state: &StateDir, vault: &Vault, promised: Option<&Promise>) -> Result<Self, StateError> {
        let mut found = Self::default();
        let names = file_names(state)?;
        for name in names.iter().rev() {
            let content = state.read(Folder::Audit, name, MAX_READ)?.unwrap_or_default();
            let whole = content.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            for line in content.get(..whole).unwrap_or_default().rsplit(|byte| *byte == b'\n') {
                let text = opened(vault, line).unwrap_or(Cow::Borrowed(line));
                // Of a damaged line nothing is known; that it is damaged is for the verification.
                let Ok(line) = serde_json::from_slice::<AuditLine>(&text) else { continue };
                found.head = found.head.or(line.head);
                if let Some(promised) = promised.filter(|promised| line.number <= promised.number) {
                    let is_it = || Promise::new(line.number, &hash(&text)) == *promised;
                    found.kept = found.kept.or_else(|| Some(is_it()));
                }
                if found.head.is_some() && (found.kept.is_some() || promised.is_none()) {
                    return Ok(found);
                }
            }
        }
        // All that is there came after it: so it was let go, if any file ever was.
        if promised.is_some() && names.len() < BOUNDS.files {
            found.kept = found.kept.or(Some(false));
        }
        Ok(found)
    }
}
