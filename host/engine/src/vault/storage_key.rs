//! `storage.key` of a state directory: the key that seals what is kept there, sealed by the storage secret.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::secret::{Secret, SecretError, Secrets};
use super::{Key, OVERHEAD, Piece, UnsealError, Vault, is_sealed};
use crate::error::OpenError;
use crate::install_key;
use crate::random;
use crate::state_dir::{Folder, StateDir};
use crate::store::StoreError;

/// The file's name in the state directory.
const NAME: &str = "storage.key";
/// Its length at the most: the key, sealed.
const MAX: u64 = 32 + OVERHEAD;

/// A vault, and what is still to be written before anything is sealed by it.
#[derive(Debug)]
pub(crate) struct Unlocked {
    pub(crate) vault: Vault,
    due: Option<Due>,
}

/// The storage key, sealed by the present secret.
#[derive(Debug)]
enum Due {
    /// There was none.
    First { sealed: Vec<u8>, is_new: bool },
    /// The one that is there was sealed by the secret of before.
    Anew(Vec<u8>),
}

impl Unlocked {
    /// Looks at what a state directory holds, and what the secrets make of it. Nothing is written.
    ///
    /// # Errors
    ///
    /// [`OpenError::Secret`], and what the state directory answers.
    pub(crate) fn look(state: &StateDir, secrets: &Secrets) -> Result<Self, OpenError> {
        let path = || path(state);
        let present = secrets.present.as_ref().map(Secret::key).transpose()?;
        let next = secrets.next.as_ref().map(Secret::key).transpose()?;
        // By which things are sealed from now on, and what may have sealed them before.
        let (present, previous) = if next.is_some() { (next, present) } else { (present, None) };
        let install_key = match state.read(Folder::Top, install_key::NAME, install_key::MAX) {
            // No key at all, as its reader will say.
            Err(error) if error.is_too_large() => Some(Vec::new()),
            read => read?,
        };
        let sealed = state.read(Folder::Top, NAME, MAX).map_err(|error| match error.is_too_large() {
            true => SecretError::KeyDamaged(path()).into(),
            false => OpenError::from(error),
        })?;
        let Some(sealed) = sealed else {
            if install_key.as_deref().is_some_and(is_sealed) {
                return Err(SecretError::KeyMissing(path()).into());
            }
            let Some(present) = present else { return Ok(Self { vault: Vault::default(), due: None }) };
            let first = Self::first(&present, install_key.is_none());
            return first.map_err(|source| state.failed("make", NAME, source).into());
        };
        let present = present.ok_or_else(|| SecretError::Missing(path()))?;
        let (bytes, is_present) = match (open(&present, &sealed), previous) {
            (Err(UnsealError::OtherKey), Some(previous)) => (open(&previous, &sealed), false),
            (opened, _) => (opened, true),
        };
        let bytes = bytes.map_err(|error| match error {
            UnsealError::OtherKey if secrets.present.is_none() => SecretError::Missing(path()),
            UnsealError::OtherKey => SecretError::Wrong(path()),
            UnsealError::NoKey | UnsealError::Damaged => SecretError::KeyDamaged(path()),
        })?;
        let due = match is_present {
            true => None,
            false => Some(Due::Anew(
                present.seal(Piece::StorageKey, &*bytes).map_err(|source| state.failed("seal", NAME, source))?,
            )),
        };
        Ok(Self { vault: Vault(Some(Arc::new(Key::new(bytes)))), due })
    }

    /// Writes the first key of an installation that does not exist yet: what is made next is sealed by it. Where another process was
    /// quicker, its key. Of an installation that exists, a process may be the holder that knows of no secret: it is left alone.
    ///
    /// # Errors
    ///
    /// As [`Unlocked::look`].
    pub(crate) fn begin(self, state: &StateDir, secrets: &Secrets) -> Result<Self, OpenError> {
        match &self.due {
            Some(Due::First { sealed, is_new: true }) => {
                let is_ours = state.make(NAME, sealed)?;
                if is_ours { Ok(Self { due: None, ..self }) } else { Self::look(state, secrets) }
            }
            _ => Ok(self),
        }
    }

    /// Writes what is due, in one step. The caller holds the state directory.
    ///
    /// # Errors
    ///
    /// What the state directory answers; [`StoreError::Locked`] where another process made a key since it was looked at.
    pub(crate) fn settle(self, state: &StateDir) -> Result<Vault, OpenError> {
        match &self.due {
            None => {}
            Some(Due::Anew(sealed)) => state.put(Folder::Top, NAME, sealed)?,
            Some(Due::First { sealed, .. }) if state.make(NAME, sealed)? => {}
            Some(Due::First { .. }) => return Err(StoreError::Locked { directory: state.path(Folder::Top) }.into()),
        }
        Ok(self.vault)
    }

    fn first(secret: &Key, is_new: bool) -> std::io::Result<Self> {
        let bytes = Zeroizing::new(random::bytes()?);
        let sealed = secret.seal(Piece::StorageKey, &*bytes)?;
        Ok(Self { vault: Vault(Some(Arc::new(Key::new(bytes)))), due: Some(Due::First { sealed, is_new }) })
    }
}

fn path(state: &StateDir) -> PathBuf {
    state.path(Folder::Top).join(NAME)
}

fn open(secret: &Key, sealed: &[u8]) -> Result<Zeroizing<[u8; 32]>, UnsealError> {
    if !is_sealed(sealed) {
        return Err(UnsealError::Damaged);
    }
    let bytes = Zeroizing::new(secret.open(Piece::StorageKey, sealed)?);
    bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| UnsealError::Damaged)
}
