//! Is this log whole, and in order?

use serde::Serialize;

use super::kept::{is_kept_sealed, opened};
use super::line::{AuditLine, NOTHING, hash, hex};
use super::log::first_of;
use crate::store::Head;
use crate::vault::{UnsealError, Vault};

/// A log that is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditSummary {
    /// How many lines.
    pub lines: u64,
    /// How many of them are sealed. Among sealed lines a readable one was written without the storage secret.
    pub sealed: u64,
    /// The number of the first; above 1, older files were let go, or not given.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// When the first was written: milliseconds since the Unix epoch.
    pub since: u64,
    /// When the last was.
    pub until: u64,
    /// Lines that could not be written, at the most, by the log's own word (`audit.gap`).
    pub lost: u64,
    /// How often the log was gone on with after an unfinished line was cut off (`audit.recovered`).
    pub recovered: u64,
    /// Bytes at the end that are no whole line: the process runs and is writing, or it crashed. The next opening tells of them.
    pub unfinished: u64,
    /// Lines whose counters are older than what a line before them saw, or of another history, or that tell so (`counters.restored`): the
    /// counters were put back.
    pub put_back: Vec<u64>,
    /// Lines before which an opening found others missing, or changed, that had been written (`audit.cut`).
    pub cut: Vec<u64>,
    /// The last commit of the counters that stands in the log.
    pub head: Option<Head>,
}

/// The first place at which a log is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", place(file, *line))]
pub struct AuditBreak {
    /// The file, as it was named.
    pub file: String,
    /// The line in it, from 1; 0 where there is none.
    pub line: u64,
    /// What is wrong.
    pub fault: AuditFault,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// Its content was written by something else.
    #[error("it is not a line of an audit log: it was changed, or the file is another")]
    NotALine,
    /// It is sealed, and the vault has no key.
    #[error("it is sealed, and no storage secret is given")]
    Sealed,
    /// It was sealed by another key than the vault's.
    #[error("it was sealed by the storage key of another installation")]
    OtherKey,
    /// It has not the number that follows.
    #[error("it has the number {found}, and {expected} should follow: lines were taken out, put in or moved")]
    Number {
        /// Its number.
        found: u64,
        /// The number after the line before.
        expected: u64,
    },
    /// The line after it, which is as it was written, names another one before it.
    #[error("the line after it was written after another one: this one was changed, or two logs are joined here")]
    Changed,
    /// It does not name the line before it, nor does the line after it know it.
    #[error("it was changed: it fits neither the line before it nor the one after it")]
    Chain,
    /// A file that others follow ends within a line.
    #[error("the file ends within this line, and another file follows: it was cut")]
    Cut,
    /// Nothing is there.
    #[error("there is no line at all")]
    Empty,
}

/// Verifies the files of a log, each with its name, in their order; the vault ([`crate::Builder::vault`]) opens lines that are sealed.
///
/// # Errors
///
/// [`AuditBreak`]: the first line that is not as it was written.
pub fn verify_audit<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    vault: &Vault,
) -> Result<AuditSummary, AuditBreak> {
    let lines = |(file, content): (&'a str, &'a [u8])| {
        (1_u64..).zip(content.split_inclusive(|byte| *byte == b'\n')).map(move |(line, text)| ((file, line), text))
    };
    let mut lines = files.into_iter().flat_map(lines).peekable();
    let mut summary = AuditSummary::default();
    let (mut last, mut before) = (NOTHING, ("", 0));
    while let Some((at, text)) = lines.next() {
        let Some(text) = text.strip_suffix(b"\n") else {
            summary.unfinished = text.len() as u64;
            match lines.peek() {
                Some(_) => return Err(broken(at, AuditFault::Cut)),
                None => break,
            }
        };
        summary.sealed += u64::from(is_kept_sealed(text));
        let text = opened(vault, text).map_err(|error| broken(at, error.into()))?;
        let line: AuditLine = serde_json::from_slice(&text).map_err(|_| broken(at, AuditFault::NotALine))?;
        let is_after = |next: &((&str, u64), &[u8])| names(vault, next.1, &text);
        match summary.take(&line, at, &last) {
            // This line is as it was written, if the next one says so.
            Err(AuditFault::Chain) if before.1 > 0 && lines.peek().is_none_or(is_after) => {
                return Err(broken(before, AuditFault::Changed));
            }
            taken => taken.map_err(|fault| broken(at, fault))?,
        }
        (last, before) = (hash(&text), at);
    }
    if summary.lines == 0 { Err(broken(before, AuditFault::Empty)) } else { Ok(summary) }
}

/// Does a line name this one as the one before it?
fn names(vault: &Vault, line: &[u8], before: &[u8]) -> bool {
    let text = opened(vault, line.strip_suffix(b"\n").unwrap_or(line)).unwrap_or_default();
    serde_json::from_slice::<AuditLine>(&text).is_ok_and(|line| line.previous == hex(&hash(before)))
}

impl From<UnsealError> for AuditFault {
    fn from(error: UnsealError) -> Self {
        match error {
            UnsealError::NoKey => Self::Sealed,
            UnsealError::OtherKey => Self::OtherKey,
            UnsealError::Damaged => Self::NotALine,
        }
    }
}

fn place(file: &str, line: u64) -> String {
    if line == 0 { String::new() } else { format!("`{file}`, line {line}: ") }
}

fn broken((file, line): (&str, u64), fault: AuditFault) -> AuditBreak {
    AuditBreak { file: file.to_owned(), line, fault }
}

impl AuditSummary {
    fn take(&mut self, line: &AuditLine, at: (&str, u64), last: &[u8; 32]) -> Result<(), AuditFault> {
        let is_first = self.lines == 0;
        let expected = match at {
            (file, 1) if is_first => first_of(file).unwrap_or(line.number.max(1)),
            _ if is_first => line.number.max(1),
            _ => self.last.saturating_add(1),
        };
        if line.number != expected {
            return Err(AuditFault::Number { found: line.number, expected });
        }
        // What came before the first of these files is not here to be compared, unless nothing did.
        if (!is_first || line.number == 1) && line.previous != hex(last) {
            return Err(AuditFault::Chain);
        }
        if is_first {
            (self.first, self.since) = (line.number, line.time);
        }
        match &*line.event {
            "audit.gap" => self.lost = self.lost.saturating_add(line.count.unwrap_or(0)),
            "audit.recovered" => self.recovered += 1,
            "audit.cut" => self.cut.push(line.number),
            // Unless a head that was written since has told it.
            "counters.restored" if line.subject.parse().ok() == self.head => {
                self.put_back.push(line.number);
                self.head = None;
            }
            _ => {}
        }
        if let (Some(before), Some(head)) = (self.head, line.head)
            && (head.number < before.number || head.number == before.number && head != before)
        {
            self.put_back.push(line.number);
        }
        self.head = line.head.or(self.head);
        self.lines += 1;
        (self.last, self.until) = (line.number, line.time);
        Ok(())
    }
}
