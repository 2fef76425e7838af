//! What to do about a reason.

/// The next step for a reason.
pub(crate) fn help(reason: &str) -> String {
    placet::help(reason).map_or_else(|| format!("look up `{reason}` in docs/reasons.md"), ToOwned::to_owned)
}
