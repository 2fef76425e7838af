//! Whether the audit log is whole, and what it tells last of what was lost: the opening that found it was the one to say so.

use std::path::{Path, PathBuf};

use placet::{AuditFault, AuditLine, ReadLine, Vault, audit_lines, verify_audit};

use super::{Finding, chain};
use crate::commands::audit;
use crate::show::moment;

/// What is told of: units that a crash burned, counters that were put back, lines that were cut off.
const LOSSES: [&str; 3] = ["counters.burned", "counters.restored", "audit.cut"];

/// What the log shows.
#[derive(Default)]
pub(super) struct Log {
    pub(super) findings: Vec<Finding>,
    /// The last line of each of [`LOSSES`] that there is.
    pub(super) told: Vec<AuditLine>,
}

impl Log {
    /// Reads it. One that does not exist yet has nothing to show; that lines are missing is told by the opening.
    pub(super) fn read(state: &Path, vault: &Vault) -> Self {
        let finding = match audit::read(&[PathBuf::from(state)]) {
            Err(problem) => Some(Finding {
                what: chain(&problem),
                reason: problem.reason().to_owned(),
                help: problem.help().to_owned(),
            }),
            Ok(files) => match verify_audit(files.iter().map(|(name, content)| (&**name, &**content)), vault) {
                Err(error) if error.fault != AuditFault::Empty => {
                    Some(Finding::new(format!("the audit log is broken: {error}"), "audit-broken"))
                }
                Ok(summary) if audit::lacks_beginning(&[PathBuf::from(state)], &summary, files.len()) => {
                    Some(Finding::new(audit::MISSING.to_owned(), "audit-broken"))
                }
                _ => None,
            },
        };
        let lines = audit_lines(state, vault, None, usize::MAX).unwrap_or_default();
        let last = |event: &&str| {
            lines.iter().find_map(|line| match line {
                ReadLine::Whole(line) if line.event == **event => Some(line.clone()),
                ReadLine::Whole(_) | ReadLine::Damaged(_) => None,
            })
        };
        Self { findings: finding.into_iter().collect(), told: LOSSES.iter().filter_map(last).collect() }
    }

    /// What was told, for people.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, String)> {
        self.told.iter().map(|line| {
            (&*line.event, format!("{}, {} (line {} of the audit log)", moment(line.time), line.subject, line.number))
        })
    }
}
