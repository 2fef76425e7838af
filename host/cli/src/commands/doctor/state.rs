//! What is wrong with the state directory, and with the process that has it.

use std::path::Path;

use placet::{exposed_files, probe_state};

use super::{Finding, chain};
use crate::look::{Look, age};

/// The age of what a process told, in seconds, that runs as it should.
const PROMISED: u64 = 5;
const SILENT_REASON: &str = "holder-silent";
const EXPOSED_REASON: &str = "state-exposed";

/// A process that has it, and told nothing for too long.
pub(super) fn silent(look: &Look) -> Option<Finding> {
    let Look::Told(told) = look else { return None };
    let age = age(told);
    let what = || format!("process {} has the state directory, and told nothing for {age} s", told.pid);
    (age > PROMISED).then(|| Finding::new(what(), SILENT_REASON))
}

/// That nothing can be written there, be it counters or documents.
pub(super) fn unwritable(state: &Path) -> Option<Finding> {
    probe_state(state).err().map(|error| Finding::new(chain(&error), error.reason()))
}

/// Files that others can read.
pub(super) fn exposed(state: &Path) -> Option<Finding> {
    let files = exposed_files(state).ok().filter(|files| !files.is_empty())?;
    let names: Vec<_> = files.iter().map(|file| format!("`{}`", file.display())).collect();
    let what = format!("others than the product's user can read or change {}", names.join(", "));
    Some(Finding::new(what, EXPOSED_REASON))
}
