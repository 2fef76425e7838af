//! What to do about a reason: the rows of `docs/reasons.md`, the one table of them.

const TABLE: &str = include_str!("../../../docs/reasons.md");

/// The next step for a reason.
pub(crate) fn help(reason: &str) -> String {
    let row = TABLE.lines().find_map(|line| line.strip_prefix(&format!("| `{reason}` |")));
    let step = row.and_then(|row| row.trim_end().trim_end_matches('|').rsplit('|').next()).map(str::trim);
    step.map_or_else(|| format!("look up `{reason}` in docs/reasons.md"), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_reason_has_its_next_step_from_the_table() {
        for reason in ["expired", "limit-exceeded", "signature-invalid", "locked"] {
            let help = super::help(reason);
            assert!(!help.contains('|') && !help.starts_with("look up"), "{reason}: {help}");
        }
        assert!(super::help("no-such-reason").starts_with("look up"));
    }
}
