//! What the counters answer, checked.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::counters::{CounterError, Counters, read_all};
use crate::reason;

/// What the counters hold: as many numbers as names. Asks nothing where there is no name.
pub(super) fn read(counters: &dyn Counters, names: &[String]) -> Result<Vec<u64>, String> {
    let held = read_all(counters, names).map_err(failed)?;
    if held.len() == names.len() { Ok(held) } else { Err(unfit()) }
}

/// Why there is no decision: a reason from the closed list, whatever the host said.
pub(super) fn failed(error: CounterError) -> String {
    let CounterError::Unavailable(why) = error else { return unfit() };
    let known = reason::COUNTERS.iter().find(|reason| reason.strip_prefix("counters-") == Some(&why));
    known.map_or_else(unfit, ToString::to_string)
}

/// The store answered something that does not fit the question.
pub(super) fn unfit() -> String {
    reason::COUNTERS_UNAVAILABLE.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reasons_of_the_closed_list_come_through() {
        let failed = |why: &str| failed(CounterError::Unavailable(why.to_string()));
        assert_eq!(failed("disk-full"), "counters-disk-full");
        assert_eq!(failed("commit-unknown"), "counters-commit-unknown");
        for odd in ["", "DISK-FULL", "disk-full\n", "counters-disk-full", "weather"] {
            assert_eq!(failed(odd), "counters-unavailable");
        }
        assert_eq!(super::failed(CounterError::Other("disk-full".to_string())), "counters-unavailable");
    }
}
