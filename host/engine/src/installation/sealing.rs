//! Sealing what was kept readable before there was a storage secret.
//!
//! Piece by piece, each in one step: what a crash leaves is partly sealed, opens as it is, and is gone on with at the next opening.

use crate::audit;
use crate::documents::MAX_DOCUMENT;
use crate::install_key;
use crate::state_dir::{Folder, StateDir, StateError};
use crate::store::{Store, StoreError};
use crate::vault::{OVERHEAD, Piece, Vault, is_sealed};

/// Seals the installed documents, the audit log and the install key, where they are readable and there is a secret. What cannot be read, such
/// as a directory, is passed over: whoever needs it tells of it. The caller holds the state directory.
///
/// The install key comes last. Once it is sealed, whatever in the log is readable was written by who has no secret: it is left as it is, to
/// be told.
pub(super) fn seal_files(state: &StateDir, vault: &Vault) -> Result<(), StateError> {
    if !vault.seals() {
        return Ok(());
    }
    for folder in [Folder::Top, Folder::Licenses, Folder::Replaced, Folder::Replacing, Folder::Audit] {
        state.sweep(folder)?;
    }
    for folder in [Folder::Licenses, Folder::Replaced, Folder::Replacing] {
        for name in state.names(folder)? {
            seal_file(state, vault, folder, &name, MAX_DOCUMENT + OVERHEAD, Piece::Document(&name))?;
        }
    }
    let install_key = state.read(Folder::Top, install_key::NAME, install_key::MAX);
    if matches!(install_key, Ok(Some(key)) if is_sealed(&key)) {
        return Ok(());
    }
    for name in audit::file_names(state)? {
        let Ok(Some(content)) = state.read(Folder::Audit, &name, audit::MAX_READ) else { continue };
        let sealed = audit::sealed_log(vault, &content).map_err(|source| state.failed("seal", &name, source))?;
        if let Some(sealed) = sealed {
            state.put(Folder::Audit, &name, &sealed)?;
        }
    }
    seal_file(state, vault, Folder::Top, install_key::NAME, install_key::MAX, Piece::InstallKey)
}

/// Seals the copies of a policy's documents, where they are readable and there is a secret.
pub(super) fn seal_copies(store: &dyn Store, vault: &Vault, policy: &str, mark: u64) -> Result<(), StoreError> {
    if !vault.seals() {
        return Ok(());
    }
    for (name, _) in store.kept(policy)? {
        // A copy that is damaged is no copy; one that could not be sealed now will be at the next opening.
        if let Ok(Some(content)) = store.recover(policy, &name)
            && !is_sealed(&content)
            && let Ok(sealed) = vault.seal(Piece::Copy(policy, &name), &content)
        {
            store.keep(policy, &name, &sealed, mark)?;
        }
    }
    Ok(())
}

fn seal_file(
    state: &StateDir,
    vault: &Vault,
    folder: Folder,
    name: &str,
    max: u64,
    piece: Piece<'_>,
) -> Result<(), StateError> {
    let Ok(Some(content)) = state.read(folder, name, max) else { return Ok(()) };
    // Empty: nothing was replaced.
    if content.is_empty() || is_sealed(&content) {
        return Ok(());
    }
    let sealed = vault.seal(piece, &content).map_err(|source| state.failed("seal", name, source))?;
    state.put(folder, name, &sealed)
}
