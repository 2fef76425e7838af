//! What a reason means and what to do about it: the rows of `docs/reasons.md`, the one table of them.

use serde::Serialize;

const TABLE: &str = include_str!("../../../docs/reasons.md");

/// A reason, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReasonRow {
    /// As it stands in decisions, states and errors.
    pub reason: &'static str,
    /// When it is given.
    pub when: &'static str,
    /// Who can mend it: `customer`, `vendor`, `developer` or `nobody`.
    pub whose: &'static str,
    /// The next step.
    pub help: &'static str,
}

/// Every reason that there is.
pub fn reasons() -> impl Iterator<Item = ReasonRow> {
    TABLE.lines().filter_map(row)
}

/// The next step for a reason. None for one of a newer release.
#[must_use]
pub fn help(reason: &str) -> Option<&'static str> {
    reasons().find(|row| row.reason == reason).map(|row| row.help)
}

fn row(line: &'static str) -> Option<ReasonRow> {
    let mut cells = line.strip_prefix("| `")?.trim_end().trim_end_matches('|').split('|').map(str::trim);
    let reason = cells.next()?.strip_suffix('`')?;
    Some(ReasonRow { reason, when: cells.next()?, whose: cells.next()?, help: cells.next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_its_next_step_from_the_table() {
        for reason in ["expired", "limit-exceeded", "signature-invalid", "locked"] {
            assert!(help(reason).is_some_and(|help| !help.is_empty() && !help.contains('|')), "{reason}");
        }
        assert_eq!(help("no-such-reason"), None);
    }

    #[test]
    fn each_row_of_the_table_is_one() {
        let lines = TABLE.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(reasons().count(), lines);
        assert!(reasons().all(|row| matches!(row.whose, "customer" | "vendor" | "developer" | "nobody")));
    }
}
