//! What a document would change, as people and programs read it.

use placet::Change;

use crate::output::table;

/// For people.
pub(crate) fn text(change: &Change) -> String {
    let (before, after) = (&change.before.state, &change.after.state);
    let state = if before == after { format!("{after} (unchanged)") } else { format!("{before} -> {after}") };
    let mut rows = vec![("state", state)];
    rows.extend(change.gained.iter().map(|gained| ("gained", gained.clone())));
    rows.extend(change.lost.iter().map(|lost| ("lost", lost.clone())));
    rows.extend(change.changed.iter().map(|changed| ("changed", changed.clone())));
    if rows.len() == 1 {
        rows.push(("changed", "nothing".to_owned()));
    }
    table(&rows)
}
