//! What is wrong with a state directory, as far as it can be seen from outside, whoever has it.

use std::path::{Path, PathBuf};

use crate::state_dir::{Folder, StateDir, StateError};

/// So many bytes are written to see whether there is room: as many as some commits of the counters.
const PROBE: usize = 64 << 10;
/// Its name. It is there for a moment.
const PROBE_NAME: &str = ".probe";
/// The files of the directory itself that are for their owner alone; the last is that of `placet serve`.
const PRIVATE: [&str; 5] = ["install.key", "storage.key", "counters.redb", "status.json", "admin.token"];

/// Writes some KiB into a state directory, durably, and takes them away again.
///
/// # Errors
///
/// [`StateError`] where that fails: so will counting and installing.
pub fn probe_state(state: &Path) -> Result<(), StateError> {
    let state = StateDir::look(state)?;
    state.make(PROBE_NAME, &vec![0; PROBE])?;
    state.remove(Folder::Top, PROBE_NAME).map(drop)
}

/// What a state directory keeps for its owner alone (keys, counters, status, audit log), and others can read or change. Those of its group
/// are not looked at: a volume may be shared by one, as in Kubernetes.
///
/// # Errors
///
/// [`StateError`] where the directory cannot be looked at.
pub fn exposed_files(state: &Path) -> Result<Vec<PathBuf>, StateError> {
    let state = StateDir::look(state)?;
    let log = state.names(Folder::Audit)?;
    let top = PRIVATE.iter().map(|name| (Folder::Top, *name));
    let all = top.chain(log.iter().map(|name| (Folder::Audit, &**name)));
    Ok(all
        .filter(|(folder, name)| state.is_exposed(*folder, name))
        .map(|(folder, name)| state.path(folder).join(name))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let temp = tempfile::tempdir().unwrap();
        probe_state(temp.path()).unwrap();
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        assert!(probe_state(&temp.path().join("nothing")).is_err());
    }

    #[test]
    fn private_files_are_exposed_where_others_can_read_or_change_them() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::open(temp.path()).unwrap();
        state.put(Folder::Top, "install.key", b"").unwrap();
        state.put(Folder::Audit, "1.jsonl", b"").unwrap();
        state.put(Folder::Licenses, "a", b"").unwrap();
        let paths = ["install.key", "audit/1.jsonl", "licenses/a"].map(|name| temp.path().join(name));
        for (mode, exposed) in [(0o600, 0), (0o660, 0), (0o604, 2), (0o602, 2)] {
            paths.iter().for_each(|path| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap());
            assert_eq!(exposed_files(temp.path()).unwrap(), paths[..exposed], "{mode:o}");
        }
    }
}
