//! Reading the log back, from its end on.

use std::collections::VecDeque;
use std::path::Path;

use super::kept::opened;
use super::line::{AuditLine, DamagedLine, ReadLine};
use super::log::{MAX_READ, file_names, first_of};
use super::verify::AuditFault;
use crate::state_dir::{Folder, StateDir, StateError};
use crate::vault::Vault;

/// The lines of an audit log that come right before the one with the number `before`, or the last ones: at most `limit`, the newest first. They
/// may be read while a product writes; a line that is being written is left out. Holds one file of the log at a time, and what is answered.
///
/// `state` is the state directory, and the vault ([`crate::Builder::vault`]) opens lines that are sealed. Verifies nothing: that is for
/// [`crate::verify_audit`].
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// for line in placet::audit_lines("state/".as_ref(), &placet::Vault::default(), None, 100)? {
///     println!("{line:?}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`StateError`] where the state directory or a file of the log cannot be read. A line that cannot be is told in its place.
pub fn audit_lines(
    state: &Path,
    vault: &Vault,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<ReadLine>, StateError> {
    newest(&StateDir::look(state)?, vault, before, limit)
}

/// The same of a state directory that is open.
pub(crate) fn newest(
    state: &StateDir,
    vault: &Vault,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<ReadLine>, StateError> {
    let is_before = |number: u64| before.is_none_or(|before| number < before);
    let mut found = Vec::new();
    for name in file_names(state)?.iter().rev() {
        let Some(first) = first_of(name).filter(|first| is_before(*first)) else { continue };
        // The oldest may be let go in between.
        let content = state.read(Folder::Audit, name, MAX_READ)?.unwrap_or_default();
        let wanted = limit.saturating_sub(found.len());
        let mut last = VecDeque::new();
        for line in read(&content, first, vault).filter(|line| is_before(line.number())) {
            last.push_back(line);
            if last.len() > wanted {
                last.pop_front();
            }
        }
        found.extend(last.into_iter().rev());
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// The lines of a file that are written to their end.
fn read(content: &[u8], first: u64, vault: &Vault) -> impl Iterator<Item = ReadLine> {
    let mut next = first;
    let lines = content.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    lines.map(move |line| {
        let text = opened(vault, line).map_err(AuditFault::from);
        let line: Result<AuditLine, _> =
            text.and_then(|text| serde_json::from_slice(&text).map_err(|_| AuditFault::NotALine));
        let line = line.map_or_else(|damage| ReadLine::Damaged(DamagedLine { number: next, damage }), ReadLine::Whole);
        next = line.number().saturating_add(1);
        line
    })
}
