//! `placet audit verify`.

use std::path::{Path, PathBuf};

use placet::{AuditFault, AuditSummary, verify_audit};
use serde_json::json;

use crate::files;
use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::show::moment;

/// Check that an audit log is whole, and that no line was changed, moved, put in or taken out
///
/// Needs neither the product nor its keys. Exit code 3 where the log is broken; the first broken line is named.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet audit verify state/
  placet audit verify copies/00000000000000000001.jsonl copies/00000000000000004711.jsonl --format json")]
pub(crate) struct Arguments {
    /// A state directory or its folder `audit`; or the files of a log, in any order
    #[arg(env = "PLACET_STATE", value_name = "DIR|FILE", required = true, num_args = 1..)]
    paths: Vec<PathBuf>,
}

/// How a file of a log ends.
const EXTENSION: &str = "jsonl";
/// Where a state directory has them.
const FOLDER: &str = "audit";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let files = read(&arguments.paths)?;
    let summary = verify_audit(files.iter().map(|(name, content)| (&**name, &**content))).map_err(|error| {
        let message = match error.fault {
            AuditFault::Empty => "there is no audit log",
            _ => "the audit log is broken",
        };
        Problem::new(message, next_step(&error.fault)).because(error).refused("audit-broken")
    })?;
    let answer = Answer::yes(table(&rows(&summary, files.len())), json!({ "files": files.len(), "log": summary }));
    Ok(warned(answer, &summary))
}

fn next_step(fault: &AuditFault) -> &'static str {
    match fault {
        AuditFault::Empty => "give the state directory of an installation, or the files of its folder `audit`",
        AuditFault::Cut => "put the whole file back from a copy; what stood behind the cut is gone",
        AuditFault::Number { .. } => {
            "give all files of one log, none left out; if they are all here, compare the log with a copy"
        }
        AuditFault::NotALine | AuditFault::Chain => {
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
            found.extend(files::list(folder.as_deref().unwrap_or(path), EXTENSION)?);
        } else {
            found.push(path.clone());
        }
    }
    // Their names are the numbers of their first lines.
    found.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    found.iter().map(|path| Ok((path.display().to_string(), files::read(Path::new(path))?))).collect()
}

fn rows(summary: &AuditSummary, files: usize) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("log", "whole".to_owned()),
        ("files", files.to_string()),
        ("lines", format!("{} to {}", summary.first, summary.last)),
        ("from", moment(summary.since)),
        ("to", moment(summary.until)),
    ];
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
        warnings.push(format!(
            "an unfinished line was cut off {} times (`audit.recovered`): a crash, or a full disk",
            summary.recovered
        ));
    }
    if summary.unfinished > 0 {
        warnings.push(
            "its last line is unfinished: it is being written, or a crash came; the next opening closes it".to_owned(),
        );
    }
    if let Some(line) = summary.put_back.first() {
        warnings.push(format!("at line {line} the counters are older than before, or others: they were put back"));
    }
    warnings.into_iter().fold(answer, Answer::warn)
}
