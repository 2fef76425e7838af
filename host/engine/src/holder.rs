//! What the process that holds a state directory tells others: `status.json` there. Its first member, `crc32`, is that of the object without
//! it, in hex: the file is not synced, and nobody checks it otherwise.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::state_dir::{Folder, StateDir, StateError, read_path};
use crate::status::Status;
use crate::vault::{Piece, UnsealError, Vault};

const NAME: &str = "status.json";
/// The longest that is read back, in bytes.
const MAX: u64 = 16 << 20;

/// The status, as the process that holds the state directory wrote it down last: at most 5 seconds ago while it runs. It goes away when
/// that process ends; after a crash it stays until the next opening. For people: nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HolderStatus {
    /// When it was written: milliseconds since the Unix epoch, by the wall clock.
    pub written: u64,
    /// The process.
    pub pid: u32,
    /// What it told.
    pub status: Status,
}

/// Nothing was told, or it cannot be read. Whose fault: the process that holds the directory has just begun, or another program wrote there.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// It is not there.
    #[error("`{NAME}` is not in the state directory: the process that has it has just begun")]
    Missing,
    /// It may not be read, or is no file.
    #[error(transparent)]
    File(StateError),
    /// It is sealed, and the vault does not open it.
    #[error("`{NAME}` in the state directory is sealed; give the storage secret")]
    Sealed,
    /// It is not what was written.
    #[error("`{NAME}` in the state directory is damaged")]
    Damaged,
    /// It is not what a process of this release writes.
    #[error("`{NAME}` in the state directory is not the status of an installation")]
    Content(#[from] serde_json::Error),
}

impl HolderError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "state-io",
            Self::File(error) => match error.reason() {
                "state-io" => "holder-unreadable",
                reason => reason,
            },
            Self::Sealed => "storage-secret-missing",
            Self::Damaged | Self::Content(_) => "holder-unreadable",
        }
    }
}

impl HolderStatus {
    /// What stands in a state directory that another process holds; the vault ([`crate::Builder::vault`]) opens it where it is sealed.
    ///
    /// # Errors
    ///
    /// [`HolderError`].
    pub fn read(state: impl AsRef<Path>, vault: &Vault) -> Result<Self, HolderError> {
        let told = read_path(&state.as_ref().join(NAME), MAX).map_err(|error| match error.file_reason() {
            "not-found" => HolderError::Missing,
            _ => HolderError::File(error),
        })?;
        let told = vault.open(Piece::Status, &told).map_err(|error| match error {
            UnsealError::NoKey => HolderError::Sealed,
            UnsealError::OtherKey | UnsealError::Damaged => HolderError::Damaged,
        })?;
        let told = unsummed(&told).ok_or(HolderError::Damaged)?;
        Ok(serde_json::from_slice(&told)?)
    }

    pub(crate) fn new(status: Status, written: u64) -> Self {
        Self { written, pid: std::process::id(), status }
    }

    /// Writes it down for others.
    pub(crate) fn write(&self, state: &StateDir, vault: &Vault) -> Result<(), StateError> {
        // A status can always be written down.
        let Ok(text) = serde_json::to_vec(self) else { return Ok(()) };
        let text = [first(&text).as_bytes(), text.get(1..).unwrap_or_default()].concat();
        let told = vault.seal(Piece::Status, &text).map_err(|source| state.failed("seal", NAME, source))?;
        state.show(Folder::Top, NAME, &told)
    }
}

/// What the brace of this object is replaced with.
fn first(text: &[u8]) -> String {
    format!("{{\"crc32\":\"{:08x}\",", crc32fast::hash(text))
}

/// The object without its sum. None: that is not its sum.
fn unsummed(told: &[u8]) -> Option<Vec<u8>> {
    let (sum, rest) = told.split_at_checked(first(&[]).len())?;
    let text = [b"{", rest].concat();
    (sum == first(&text).as_bytes()).then_some(text)
}

/// Takes away what was told; there is nobody left who tells it.
pub(crate) fn end(state: &StateDir) {
    drop(state.remove(Folder::Top, NAME));
}
