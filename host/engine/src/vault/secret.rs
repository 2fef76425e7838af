//! The storage secret: what the operator gives, and what is known of it here.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Key, derive};
use crate::state_dir::{StateError, read_path};

/// The shortest, in bytes.
const SHORTEST: usize = 32;
/// The longest file that is read for one, in bytes.
const LONGEST: u64 = 64 << 10;

/// The storage secret cannot be used, or does not fit what is kept. Whose fault: the operator's.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is empty: a variable or a file that was to be filled.
    #[error(
        "the storage secret is empty; give one, or unset PLACET_STORAGE_SECRET and PLACET_STORAGE_SECRET_FILE to keep all readable"
    )]
    Empty,
    /// It is too short to keep anything secret.
    #[error(
        "the storage secret has {length} bytes, and {SHORTEST} are the fewest; make one with `openssl rand -base64 48`"
    )]
    Short {
        /// So many bytes.
        length: usize,
    },
    /// Its file cannot be read.
    #[error("the file of the storage secret cannot be read")]
    Unreadable(#[source] StateError),
    /// What is kept is sealed, and none was given.
    #[error("what is kept beside `{}` is sealed, and no storage secret is given", .0.display())]
    Missing(PathBuf),
    /// Another secret sealed the storage key.
    #[error("the storage secret is not the one that sealed `{}`", .0.display())]
    Wrong(PathBuf),
    /// The storage key is gone, and what is kept beside it is sealed by it.
    #[error("`{}` is missing, and what is kept beside it is sealed by it", .0.display())]
    KeyMissing(PathBuf),
    /// The storage key's file is not what was written.
    #[error("`{}` is damaged, and what is kept beside it is sealed by it", .0.display())]
    KeyDamaged(PathBuf),
}

impl SecretError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty | Self::Short { .. } => "storage-secret-short",
            Self::Unreadable(_) => "storage-secret-unreadable",
            Self::Missing(_) => "storage-secret-missing",
            Self::Wrong(_) => "storage-secret-wrong",
            Self::KeyMissing(_) => "storage-key-missing",
            Self::KeyDamaged(_) => "storage-key-damaged",
        }
    }
}

/// The secret that holds, and the one that takes its place. Never printed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    pub(crate) present: Option<Secret>,
    pub(crate) next: Option<Secret>,
}

/// Where a secret is.
#[derive(Clone)]
pub(crate) enum Secret {
    Value(Zeroizing<Vec<u8>>),
    File(PathBuf),
}

impl Secret {
    pub(crate) fn value(secret: &[u8]) -> Self {
        Self::Value(Zeroizing::new(secret.to_vec()))
    }

    /// The key that it makes.
    pub(super) fn key(&self) -> Result<Key, SecretError> {
        match self {
            Self::Value(secret) => key_of(secret),
            Self::File(path) => key_of(&Zeroizing::new(read(path).map_err(SecretError::Unreadable)?)),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StateError> {
    read_path(path, LONGEST)
}

/// Line feeds at its end are not of the secret: editors and `echo` put them into files.
fn key_of(secret: &[u8]) -> Result<Key, SecretError> {
    let end = secret.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    let secret = secret.get(..end).unwrap_or_default();
    match secret.len() {
        0 => return Err(SecretError::Empty),
        length if length < SHORTEST => return Err(SecretError::Short { length }),
        _ => {}
    }
    let hash = Zeroizing::new(Sha256::digest(secret).into());
    Ok(Key::new(derive(&hash, &[b"secret"])))
}
