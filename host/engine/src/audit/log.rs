//! The files of the log, and the chain through them.
//!
//! A file is named by the number of its first line, in twenty digits, so that names sort as lines do.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use cap_std::fs::File;

use super::Bounds;
use super::kept::{kept, opened};
use super::line::{AuditLine, Entry, NOTHING, hash};
use super::promise::Promise;
use crate::state_dir::{Folder, StateDir, StateError};
use crate::store::{Head, Store};
use crate::vault::Vault;

/// The longest file that is read back: beyond it, it is not one of ours.
pub(crate) const MAX_READ: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Log {
    state: Arc<StateDir>,
    store: Arc<dyn Store>,
    vault: Vault,
    bounds: Bounds,
    /// None until the first writing, and after one that failed: then it is looked at anew, as after a crash.
    pub(super) end: Option<End>,
    /// Lines that could not be written since the last that was, at the most.
    lost: u64,
    /// Bytes of unfinished lines that were cut off, and not told yet.
    cut: u64,
    /// The time of the latest line.
    time: u64,
    head: Option<Head>,
    /// What the counters hold of it.
    promised: Option<Promise>,
}

/// Where the log ends.
#[derive(Debug)]
pub(super) struct End {
    file: Option<File>,
    bytes: u64,
    /// Of the last line, and its hash.
    number: u64,
    last: [u8; 32],
}

/// The names of the files of a log, in its order.
pub(crate) fn file_names(state: &StateDir) -> Result<Vec<String>, StateError> {
    let mut names = state.names(Folder::Audit)?;
    names.retain(|name| first_of(name).is_some());
    Ok(names)
}

/// The number of the first line of a file, by its name or path; none where it is not one of a log.
pub(crate) fn first_of(file: &str) -> Option<u64> {
    let name = file.rsplit(['/', '\\']).next()?;
    name.strip_suffix(".jsonl").filter(|number| number.len() == 20)?.parse().ok()
}

/// It could not be written.
#[derive(Debug, thiserror::Error)]
enum LogError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Log {
    pub(super) fn new(state: Arc<StateDir>, store: Arc<dyn Store>, vault: Vault, bounds: Bounds) -> Self {
        Self { state, store, vault, bounds, end: None, lost: 0, cut: 0, time: 0, head: None, promised: None }
    }

    /// Whether its lines are kept sealed.
    pub(super) fn seals(&self) -> bool {
        self.vault.seals()
    }

    /// Lets the counters hold the newest line, which is on the disk. Where that fails they go on holding an older one.
    pub(super) fn promise(&mut self) {
        let newest = self.end.as_ref().map(|end| Promise::new(end.number, &end.last));
        if let Some(newest) = newest.filter(|newest| self.promised.as_ref() != Some(newest))
            && newest.keep(&*self.store).is_ok()
        {
            self.promised = Some(newest);
        }
    }

    /// So many lines never came here.
    pub(super) fn lost(&mut self, lines: u64) {
        self.lost = self.lost.saturating_add(lines);
    }

    /// The head of the counters, if it moved since it was written last.
    pub(super) fn head_entry(&mut self) -> Option<Entry> {
        self.store.head().ok().filter(|head| Some(*head) != self.head)?;
        let mark = self.store.mark().ok().flatten().unwrap_or(self.time);
        Some(Entry::own("counters.head", mark, None))
    }

    /// Writes lines, and syncs them; what fails is counted, and told with what is written next. Answers why it failed; none where there was
    /// nothing to write.
    pub(super) fn write(&mut self, mut entries: Vec<Entry>) -> Option<Result<(), String>> {
        if entries.is_empty() && self.lost == 0 {
            return None;
        }
        let time = entries.iter().map(|entry| entry.time).fold(self.time, u64::max);
        let lines = entries.len() as u64;
        self.time = time;
        if self.lost > 0 {
            entries.push(Entry::own("audit.gap", time, Some(self.lost)));
        }
        let written = self.try_write(entries, time);
        match &written {
            Ok(()) => (self.lost, self.cut) = (0, 0),
            Err(_) => {
                self.end = None;
                self.lost(lines);
            }
        }
        Some(written.map_err(|error| error.to_string()))
    }

    fn try_write(&mut self, mut entries: Vec<Entry>, time: u64) -> Result<(), LogError> {
        let mut end = match self.end.take() {
            Some(end) => end,
            None => {
                let (end, cut) = self.find_end()?;
                self.cut = self.cut.saturating_add(cut);
                end
            }
        };
        if self.cut > 0 {
            entries.insert(0, Entry::own("audit.recovered", time, Some(self.cut)));
        }
        let head = self.store.head().ok();
        let count = entries.len();
        for (index, entry) in (1..).zip(entries) {
            let head = head.filter(|_| index == count);
            let line = AuditLine::new(end.number.saturating_add(1), entry, head, &end.last);
            let text = serde_json::to_vec(&line)?;
            let last = hash(&text);
            let mut text = kept(&self.vault, &text)?;
            text.push(b'\n');
            if end.file.is_some() && end.bytes + text.len() as u64 > self.bounds.bytes {
                end.sync()?;
                end.file = None;
            }
            if end.file.is_none() {
                end.file = Some(self.begin(line.number)?);
                end.bytes = 0;
            }
            if let Some(file) = &mut end.file {
                file.write_all(&text)?;
            }
            end = End { bytes: end.bytes + text.len() as u64, number: line.number, last, ..end };
        }
        end.sync()?;
        self.head = head;
        self.end = Some(end);
        Ok(())
    }

    /// Begins a file, and lets the oldest go.
    fn begin(&self, number: u64) -> Result<File, LogError> {
        let file = self.state.append(Folder::Audit, &format!("{number:020}.jsonl"))?;
        let names = file_names(&self.state)?;
        for old in names.iter().take(names.len().saturating_sub(self.bounds.files)) {
            self.state.remove(Folder::Audit, old)?;
        }
        Ok(file)
    }

    /// Where the log ends, and how many bytes of an unfinished line, which a crash or a full disk left, were cut off.
    fn find_end(&self) -> Result<(End, u64), LogError> {
        let Some(name) = file_names(&self.state)?.pop() else {
            return Ok((End { file: None, bytes: 0, number: 0, last: NOTHING }, 0));
        };
        let content = self.state.read(Folder::Audit, &name, MAX_READ)?.unwrap_or_default();
        let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let cut = (content.len() - whole) as u64;
        let file = self.state.append(Folder::Audit, &name)?;
        if cut > 0 {
            file.set_len(whole as u64)?;
        }
        let lines = content.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
        let lines: Vec<_> = lines.map(|line| self.opened(line.strip_suffix(b"\n").unwrap_or(line))).collect();
        let end = match lines.last() {
            Some(last) => {
                // Of a line that was damaged the place alone is known; the verification will name it.
                let numbered =
                    lines.iter().rev().zip(0..).find_map(|(line, after)| Some(number(line)?.saturating_add(after)));
                End {
                    file: Some(file),
                    bytes: whole as u64,
                    number: numbered.unwrap_or(lines.len() as u64),
                    last: hash(last),
                }
            }
            // Nothing of it is whole: it begins with the line after the file before it.
            None => {
                let number = first_of(&name).unwrap_or(1);
                let before = file_names(&self.state)?.into_iter().rfind(|before| *before < name);
                let last = before.map(|before| self.last_of(&before)).transpose()?.flatten().unwrap_or(NOTHING);
                End { file: Some(file), bytes: 0, number: number.saturating_sub(1), last }
            }
        };
        Ok((end, cut))
    }

    /// The hash of the last line of a file that ended.
    fn last_of(&self, name: &str) -> Result<Option<[u8; 32]>, StateError> {
        let content = self.state.read(Folder::Audit, name, MAX_READ)?.unwrap_or_default();
        let last = content.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        Ok(last.map(|line| hash(&self.opened(line))))
    }

    /// What is in a line; of one that does not open the line itself, which the verification will name.
    fn opened<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        opened(&self.vault, line).unwrap_or(Cow::Borrowed(line))
    }
}

impl End {
    fn sync(&self) -> std::io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }
}

fn number(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<AuditLine>(line).ok().map(|line| line.number)
}
