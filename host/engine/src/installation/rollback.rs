//! The way back: what the last change of a document replaced can be put there again.
//!
//! What a change replaces is written down first, apart (`replacing`), and becomes the way back (`replaced`) once the change is on the disk. Where
//! a crash or a full disk comes between, the document itself tells whether it was changed; the next who needs the way back finishes it. So
//! neither what holds nor what can be put back is ever in memory alone.

use super::{Changing, Installation};
use crate::documents::{MAX_DOCUMENT, Replaced};
use crate::error::InstallError;
use crate::state_dir::{Folder, StateError};
use crate::status::Status;
use crate::vault::{OVERHEAD, Piece};

impl Installation {
    pub(crate) fn rollback_install(&self) -> Result<Status, InstallError> {
        let changing = self.change();
        let (name, is_removed, answer) = match self.held.replaced() {
            Some(Replaced { name, content }) => {
                let answer = self.hold(&name, content.as_deref(), &changing);
                (name, content.is_none(), answer)
            }
            None => {
                self.finish_replacing()?;
                let name = self.state.names(Folder::Replaced)?.pop().ok_or(InstallError::NothingReplaced)?;
                let before = self.kept(Folder::Replaced, &name)?.unwrap_or_default();
                let answer = self.put_back(&name, &before, &changing);
                (name, before.is_empty(), answer)
            }
        };
        drop(changing);
        match &answer {
            Ok(()) if is_removed => self.tell("license.removed", &name, "rolled-back"),
            Ok(()) => self.tell("license.installed", &name, "rolled-back"),
            Err(error) => self.tell("license.rejected", &name, error.reason()),
        }
        answer.map(|()| self.status())
    }

    /// Of the state directory; empty: there was none.
    fn put_back(&self, name: &str, before: &[u8], changing: &Changing<'_>) -> Result<(), InstallError> {
        let present = self.kept(Folder::Licenses, name)?;
        if before.is_empty() {
            let present = present.ok_or(InstallError::NothingReplaced)?;
            return self.replacing(name, Some(&present), changing, || self.remove_document(name));
        }
        let content = self
            .vault
            .open(Piece::Document(name), before)
            .map_err(|_| InstallError::Refused { reason: "sealed-damaged".into(), claim: None })?;
        if present.is_some_and(|present| self.is_kept(name, &present, &content)) {
            return Err(InstallError::NothingReplaced);
        }
        let (name, _) = self.loaded().plan(&content, Some(name))?;
        self.write(&name, &content, changing)
    }

    /// Changes a document of the state directory, of which this stands there, so that it can be put back. The same once more replaces nothing.
    pub(super) fn replacing(
        &self,
        name: &str,
        before: Option<&[u8]>,
        changing: &Changing<'_>,
        change: impl FnOnce() -> Result<(), InstallError>,
    ) -> Result<(), InstallError> {
        self.finish_replacing()?;
        self.state.put(Folder::Replacing, name, before.unwrap_or_default())?;
        let changed = change().and_then(|()| Ok(self.load_anew(changing)?));
        if changed.is_err() {
            // What could not be loaded now could not be loaded at the next start either. The first error is the one to tell.
            drop(match before {
                Some(before) => self.state.put(Folder::Licenses, name, before),
                None => self.state.remove(Folder::Licenses, name).map(drop),
            });
            drop(self.load_anew(changing));
        }
        // Where it cannot be finished now it is later.
        if self.finish_replacing().unwrap_or(changed.is_ok()) {
            self.held.remember(None);
        }
        changed
    }

    /// Has what a change replaced be the way back, if it came about. Whether it did.
    fn finish_replacing(&self) -> Result<bool, StateError> {
        let mut came_about = false;
        for name in self.state.names(Folder::Replacing)? {
            let before = self.kept(Folder::Replacing, &name)?.unwrap_or_default();
            let is_changed = match self.kept(Folder::Licenses, &name)? {
                Some(present) if before.is_empty() => !present.is_empty(),
                Some(present) => !self.is_same_kept(&name, &present, &before),
                None => !before.is_empty(),
            };
            if is_changed {
                self.state.put(Folder::Replaced, &name, &before)?;
                for other in self.state.names(Folder::Replaced)?.iter().filter(|other| **other != name) {
                    self.state.remove(Folder::Replaced, other)?;
                }
            }
            self.state.remove(Folder::Replacing, &name)?;
            came_about |= is_changed;
        }
        Ok(came_about)
    }

    /// One of them may have been sealed since.
    fn is_same_kept(&self, name: &str, one: &[u8], other: &[u8]) -> bool {
        one == other || self.vault.open(Piece::Document(name), other).is_ok_and(|other| self.is_kept(name, one, &other))
    }

    pub(super) fn kept(&self, folder: Folder, name: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.state.read(folder, name, MAX_DOCUMENT + OVERHEAD)
    }
}
