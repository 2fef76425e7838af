//! Time anchors: what the policy adopted of them sets the clock.

use super::documents::detail;
use super::{Changing, Installation};

impl Installation {
    /// Sets the clock by the anchors that were adopted and not taken yet. Was there one? What cannot be recorded now is tried again at the
    /// next load.
    pub(super) fn take_anchors(&self, changing: &Changing<'_>) -> bool {
        let loaded = self.loaded();
        let mut taken = false;
        for anchor in loaded.status.documents.iter().filter(|document| document.kind == "anchor" && document.adopted) {
            let time = detail(&anchor.details, "time").and_then(|time| time.parse().ok());
            let (Some(id), Some(time)) = (detail(&anchor.details, "id"), time) else { continue };
            match self.clock.anchor(&*self.store, &loaded.info().name, id, time) {
                Ok(false) => {}
                Ok(true) => {
                    taken = true;
                    changing.tell("clock.anchored", &anchor.name, "adopted");
                }
                Err(error) => changing.tell("store.failed", &anchor.name, error.reason()),
            }
        }
        taken
    }
}
