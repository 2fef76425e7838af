//! What a policy remembers across restarts, in counters of its own: when each document was last seen valid.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::counters::{CounterError, Counters, read_all};
use crate::document::Source;
use crate::duration::MINUTE;
use crate::types::Instant;

/// A mark is moved only when it lags by so much, since each move is a commit.
const STEP: u64 = MINUTE;

/// Reads the marks of all documents, and moves those of documents that are valid as they were read. A mark ahead of `now` comes from a
/// clock that ran ahead, and is taken back with it.
///
/// Fails with a reason where the counters give no answer. What was not learned stays unknown: then no kept copy stands in.
pub(crate) fn recall(sources: &mut [Source], counters: &dyn Counters, now: Instant) -> Result<(), String> {
    let good = |source: &&mut Source| source.license.is_some() && source.is_good();
    let mut good: Vec<&mut Source> = sources.iter_mut().filter(good).collect();
    if good.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = good.iter().map(|source| mark(&source.name)).collect();
    let held = read_all(counters, &names).map_err(why)?;
    let mut outcome = Ok(());
    for ((source, mark), held) in good.iter_mut().zip(&names).zip(held) {
        source.seen = Some(held);
        if source.replaced.is_some() || (held <= now && now - held <= STEP && held != 0) {
            continue;
        }
        let moved = if held > now { counters.set(mark, now) } else { counters.raise(mark, now) };
        match moved {
            Ok(_) => source.seen = Some(now),
            Err(error) => outcome = Err(why(error)),
        }
    }
    outcome
}

/// The counter that holds when a document was last seen valid.
pub fn mark(document: &str) -> String {
    document.bytes().fold("own/seen/".to_string(), |mut name, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => name.push(char::from(byte)),
            _ => name += &format!("%{byte:02X}"),
        }
        name
    })
}

fn why(error: CounterError) -> String {
    match error {
        CounterError::Unavailable(reason) | CounterError::Other(reason) => reason,
        CounterError::Exceeded { .. } | CounterError::Repeated(_) => {
            "an answer that does not fit the question".to_string()
        }
    }
}
