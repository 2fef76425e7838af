//! Time anchors: what the policy adopted of them sets the clock. A faked C library does not, and is told.

use super::documents::detail;
use super::{Changing, Installation};
use crate::Document;
use crate::program::Loaded;
use crate::store::{StoreError, anchor_key};

impl Installation {
    /// Sets the clock by the anchors that were adopted and not taken yet. Was there one? What cannot be recorded now is tried again at the
    /// next load.
    pub(super) fn take_anchors(&self, changing: &Changing<'_>) -> bool {
        let loaded = self.loaded();
        let mut taken = false;
        for (anchor, id, time) in anchors(&loaded) {
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

    /// Tells that the C library's clock is faked, where it is.
    pub(crate) fn tell_faked_clock(&self) {
        if self.clock.is_faked() {
            self.tell("clock.faked", "", "clock-faked");
        }
    }

    /// Is there one that was adopted and not taken yet?
    pub(super) fn anchor_waits(&self) -> Result<bool, StoreError> {
        let loaded = self.loaded();
        for (_, id, _) in anchors(&loaded) {
            if self.store.value(&anchor_key(&loaded.info().name, id))?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The anchors that were adopted, with id and time.
fn anchors(loaded: &Loaded) -> impl Iterator<Item = (&Document, &str, u64)> {
    let adopted = loaded.status.documents.iter().filter(|document| document.kind == "anchor" && document.adopted);
    adopted.filter_map(|anchor| {
        let time = detail(&anchor.details, "time")?.parse().ok()?;
        Some((anchor, detail(&anchor.details, "id")?, time))
    })
}
