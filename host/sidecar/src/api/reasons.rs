//! What reasons mean, for people.

use placet::ReasonRow;

use crate::answer::Answer;

/// Every reason that there is.
pub(super) async fn table() -> Answer<Vec<ReasonRow>> {
    Answer(placet::reasons().collect())
}
