//! `placet audit verify`.

use std::path::{Path, PathBuf};

use placet::{AUDIT_FILES, AuditBreak, AuditFault, AuditSummary, Vault, verify_audit};
use serde_json::json;

use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::show::moment;
use crate::storage::StorageOptions;
use crate::{files, reasons};

/// Check that an audit log is whole, and that no line was changed, moved, put in or taken out
///
/// Needs neither the product nor its keys; of a sealed log, the storage secret, and `storage.key` of the state directory. Exit code 3 where the
/// log is broken, with its first broken line; 1 where it is whole, and tells that counters were put back or lines cut off. Whether its newest
/// lines are missing is seen when the installation is opened next (`placet status`), and from then on here.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet audit verify state/
  placet audit verify copies/00000000000000000001.jsonl \\
      copies/00000000000000004711.jsonl --format json")]
pub(crate) struct Arguments {
    /// A state directory or its folder `audit`; or the files of a log, in any order
    #[arg(env = "PLACET_STATE", value_name = "DIR|FILE", required = true, num_args = 1..)]
    paths: Vec<PathBuf>,
    /// The state directory, for its `storage.key`, where the files lie somewhere else
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    storage: StorageOptions,
}

/// How a file of a log ends.
const EXTENSION: &str = "jsonl";
/// Where a state directory has them.
const FOLDER: &str = "audit";
/// What opens a sealed log, with the storage secret.
const STORAGE_KEY: &str = "storage.key";
const SEALED_REASON: &str = "storage-secret-missing";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let files = read(&arguments.paths)?;
    let files_of = files.iter().map(|(name, content)| (&**name, &**content));
    let vault = vault(arguments)?;
    let summary = verify_audit(files_of, &vault).map_err(|error| match error.fault {
        AuditFault::Empty => refused("there is no audit log", error),
        AuditFault::Sealed => Problem::of(SEALED_REASON, "the audit log is sealed").because(error),
        _ => refused("the audit log is broken", error),
    })?;
    let lacks_beginning = lacks_beginning(&arguments.paths, &summary, files.len());
    let is_sound = summary.put_back.is_empty() && summary.cut.is_empty() && !lacks_beginning;
    let answer =
        Answer::verdict(is_sound, table(&rows(&summary, files.len())), json!({ "files": files.len(), "log": summary }));
    let answer = match lacks_beginning {
        true => answer.warn(MISSING),
        false => warned(answer, &summary),
    };
    let readable = summary.lines.saturating_sub(summary.sealed);
    Ok(match vault.seals() && readable > 0 {
        true => answer.warn(format!(
            "{readable} of {} lines are not sealed: they were written by who has no storage secret, or their sealing did not come to its end",
            summary.lines
        )),
        false => answer,
    })
}

/// What a state directory tells that has lost files of its log.
pub(crate) const MISSING: &str =
    "the oldest files of the log were taken away: a state directory lets one go only where it has more than it keeps";

/// Has the log of a state directory files that are missing before its first one?
pub(crate) fn lacks_beginning(paths: &[PathBuf], summary: &AuditSummary, files: usize) -> bool {
    let is_own = matches!(paths, [state] if files::is_directory(&state.join(FOLDER)));
    is_own && summary.first > 1 && files < AUDIT_FILES
}

fn refused(message: &str, error: AuditBreak) -> Problem {
    Problem::of("audit-broken", message).with_help(next_step(&error.fault)).because(error).refused()
}

/// What opens the lines: the key lies in the state directory, which is the one that was named, or has the log in it.
fn vault(arguments: &Arguments) -> Result<Vault, Problem> {
    let has_key = |directory: &&Path| files::exists(&directory.join(STORAGE_KEY));
    let beside = arguments.paths.iter().flat_map(|path| path.ancestors().take(3));
    match arguments.state.as_deref().into_iter().chain(beside).find(has_key) {
        Some(state) => arguments.storage.vault(state),
        None => Ok(Vault::default()),
    }
}

fn next_step(fault: &AuditFault) -> &'static str {
    match fault {
        AuditFault::Empty => "give the state directory of an installation, or the files of its folder `audit`",
        AuditFault::Sealed | AuditFault::OtherKey => {
            "name the state directory that it is from with `--state DIR`, with its storage secret"
        }
        AuditFault::Cut => "put the whole file back from a copy; what stood behind the cut is gone",
        AuditFault::Number { .. } => {
            "give all files of one log, none left out; if they are all here, compare the log with a copy"
        }
        AuditFault::NotALine | AuditFault::Changed | AuditFault::Chain => {
            "compare the log with a copy; what stands before that line is as it was written"
        }
    }
}

/// The files of the log, in the order of their first lines.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let mut found = Vec::new();
    for path in paths {
        if files::is_directory(path) {
            let folder = Some(path.join(FOLDER)).filter(|folder| files::is_directory(folder));
            // Copies may have other names than the log's own.
            let is_own = folder.is_some();
            let listed = files::list(folder.as_deref().unwrap_or(path), EXTENSION)?;
            found.extend(listed.into_iter().filter(|path| !is_own || is_of_a_log(path)));
        } else {
            found.push(path.clone());
        }
    }
    // Their names are the numbers of their first lines.
    found.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    found.iter().map(|path| Ok((path.display().to_string(), files::read(Path::new(path))?))).collect()
}

/// A file of a log is named by the number of its first line, in twenty digits.
fn is_of_a_log(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().as_encoded_bytes();
    stem.len() == 20 && stem.iter().all(u8::is_ascii_digit)
}

fn rows(summary: &AuditSummary, files: usize) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("log", "whole".to_owned()),
        ("files", files.to_string()),
        ("lines", format!("{} to {}", summary.first, summary.last)),
        ("from", moment(summary.since)),
        ("to", moment(summary.until)),
    ];
    if summary.sealed > 0 {
        rows.push(("sealed", format!("{} lines of {}", summary.sealed, summary.lines)));
    }
    rows.extend(summary.head.map(|head| ("head", head.to_string())));
    rows
}

fn warned(answer: Answer, summary: &AuditSummary) -> Answer {
    let mut warnings = Vec::new();
    if summary.first > 1 {
        warnings.push(format!("it begins with line {}: older files were let go, or not given", summary.first));
    }
    if summary.lost > 0 {
        warnings
            .push(format!("up to {} lines could not be written; each gap stands there as `audit.gap`", summary.lost));
    }
    if summary.recovered > 0 {
        let times = if summary.recovered == 1 { "once".to_owned() } else { format!("{} times", summary.recovered) };
        warnings.push(format!("an unfinished line was cut off {times} (`audit.recovered`): a crash, or a full disk"));
    }
    if summary.unfinished > 0 {
        warnings.push(
            "its last line is unfinished: it is being written, or a crash came; the next opening closes it".to_owned(),
        );
    }
    if let Some(line) = summary.put_back.first() {
        warnings.push(format!(
            "at line {line} the counters are older than before, or others: they were put back; {}",
            reasons::help("counters-restored")
        ));
    }
    if let Some(line) = summary.cut.first() {
        warnings.push(format!("before line {line} others were cut off, or changed; {}", reasons::help("audit-cut")));
    }
    warnings.into_iter().fold(answer, Answer::warn)
}
