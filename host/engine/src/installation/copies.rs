//! Copies of the documents that were adopted, for the day on which they cannot be read.

use super::{Changing, Installation};
use crate::documents::Place;
use crate::program::Loaded;
use crate::vault::Piece;

impl Installation {
    /// Keeps a copy of each document that was adopted, for the day on which it cannot be read, and tells those that were not before.
    pub(super) fn keep_copies(&self, changing: &Changing<'_>, before: Option<&Loaded>) {
        let loaded = self.loaded();
        for document in loaded.status.documents.iter().filter(|document| document.adopted && !document.recovered) {
            let name = &*document.name;
            let Ok(content) = loaded.snapshot.read(name) else { continue };
            // What is installed for this run alone is never written.
            let is_held = matches!(loaded.snapshot.place(name), Some(Place::Held(_)));
            let last = match before {
                Some(before) if is_held => before.snapshot.read(name),
                _ => loaded.snapshot.recover(name),
            };
            if last.as_ref().is_ok_and(|last| *last == content) {
                continue;
            }
            let event = if last.is_ok() { "license.replaced" } else { "license.adopted" };
            let kept = if is_held { Ok(()) } else { self.keep_copy(&loaded.info().name, name, &content) };
            match kept {
                Ok(()) => changing.tell(event, name, &document.reason),
                Err(reason) => changing.tell("store.failed", name, reason),
            }
        }
        self.forget_copies(&loaded, changing);
    }

    fn keep_copy(&self, policy: &str, name: &str, content: &[u8]) -> Result<(), &'static str> {
        let kept = self.vault.seal(Piece::Copy(policy, name), content).map_err(|_| "machine-unsupported")?;
        self.store.keep(policy, name, &kept, self.clock.moment().mark).map_err(|error| error.reason())
    }

    /// Lets copies go that can stand in for nothing any more: their grace is over, or the same license is on offer under another
    /// name. Without that, a mount whose names change would fill the store.
    fn forget_copies(&self, loaded: &Loaded, changing: &Changing<'_>) {
        if loaded.status.warnings.iter().any(|warning| warning.reason == "memory-unavailable") {
            return;
        }
        let documents = &loaded.status.documents;
        let offered: Vec<_> = documents
            .iter()
            .filter(|document| document.adopted && !document.recovered)
            .filter_map(|document| loaded.snapshot.read(&document.name).ok())
            .collect();
        for name in loaded.snapshot.kept().iter().filter(|name| loaded.snapshot.place(name).is_none()) {
            let lapsed = documents.iter().any(|document| document.name == *name && !document.adopted);
            let elsewhere = loaded.snapshot.recover(name).is_ok_and(|copy| offered.contains(&copy));
            if (lapsed || elsewhere)
                && let Err(error) = self.store.forget(&loaded.info().name, name, self.clock.moment().mark)
            {
                changing.tell("store.failed", name, error.reason());
            }
        }
    }
}
