//! Documents: what one would change, installing it, ending it.

use sha2::{Digest, Sha256};

use super::{Changing, Installation};
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::builder::Uploads;
use crate::documents::{COLLISION_PREFIX, MAX_DOCUMENT, Place};
use crate::error::{Failure, InstallError};
use crate::program::Loaded;
use crate::state_dir::Folder;
use crate::status::Status;
use crate::vault::Piece;
use crate::{Attribute, Summary};

impl Installation {
    pub(crate) fn inspect(&self, document: &[u8], name: Option<&str>) -> Result<Status, Failure> {
        let loaded = self.loaded();
        Ok(Status::new(loaded.inspect(document, name)?, Ok(Vec::new()), loaded.info(), self.counters()))
    }

    pub(crate) fn preview_install(&self, document: &[u8], name: Option<&str>) -> Result<Status, InstallError> {
        let loaded = self.loaded();
        let (_, preview) = loaded.plan(document, name)?;
        Ok(Status::new(preview, Ok(Vec::new()), loaded.info(), self.counters()))
    }

    pub(crate) fn install(&self, document: &[u8], name: Option<&str>) -> Result<Status, InstallError> {
        let answer = self.try_install(document, name);
        match &answer {
            Ok((_, name)) => self.tell("license.installed", name, "installed"),
            Err(error) => self.tell("license.rejected", name.unwrap_or_default(), error.reason()),
        }
        answer.map(|(status, _)| status)
    }

    fn try_install(&self, document: &[u8], name: Option<&str>) -> Result<(Status, String), InstallError> {
        let changing = self.change();
        let (name, preview) = self.loaded().plan(document, name)?;
        if self.uploads == Uploads::Memory && is_license(&preview, &name) {
            self.hold(&name, Some(document), &changing)?;
        } else {
            self.write(&name, document, &changing)?;
        }
        drop(changing);
        Ok((self.status(), name))
    }

    /// Into the state directory.
    pub(super) fn write(&self, name: &str, document: &[u8], changing: &Changing<'_>) -> Result<(), InstallError> {
        let before = self.kept(Folder::Licenses, name)?;
        let kept = self.vault.seal(Piece::Document(name), document);
        let kept = kept.map_err(|source| self.state.failed("seal", name, source))?;
        self.replacing(name, before.as_deref(), changing, || Ok(self.state.put(Folder::Licenses, name, &kept)?))
    }

    /// Whether what stands in a file of the state directory is this document.
    pub(super) fn is_kept(&self, name: &str, kept: &[u8], document: &[u8]) -> bool {
        self.vault.open(Piece::Document(name), kept).is_ok_and(|content| is_same(&content, document))
    }

    /// For this run alone; none: it is held no longer.
    pub(super) fn hold(
        &self,
        name: &str,
        document: Option<&[u8]>,
        changing: &Changing<'_>,
    ) -> Result<(), InstallError> {
        let present = self.loaded().snapshot.read(name).ok();
        if present.zip(document).is_some_and(|(present, document)| is_same(&present, document)) {
            // It is offered already, if by the state directory.
            return Ok(self.load_anew(changing)?);
        }
        let replaced = self.held.put(name, document.map(Into::into));
        if let Err(failure) = self.load_anew(changing) {
            self.held.put(name, replaced.content);
            return Err(failure.into());
        }
        self.held.remember(Some(replaced));
        Ok(())
    }

    /// By which a document is known without showing it.
    pub(crate) fn fingerprint(&self, document: &str) -> Option<String> {
        let content = self.loaded().snapshot.read(document).ok()?;
        Some(Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn remove(&self, name_or_id: &str) -> Result<Status, InstallError> {
        let changing = self.change();
        let status = self.loaded().current().map_err(Failure::from)?;
        let named = |license: &&Summary| license.id == name_or_id || license.document == name_or_id;
        let license = status.licenses.iter().find(named);
        let mut next = Some(license.map_or(name_or_id, |license| &license.document).to_owned());
        // The same license may lie there under several names, and each may have a copy: all of them end.
        while let Some(name) = next.take() {
            self.remove_document(&name)?;
            self.load_anew(&changing)?;
            let status = self.loaded().current().map_err(Failure::from)?;
            let left = license.and_then(|license| status.licenses.iter().find(|left| left.id == license.id));
            next = left.map(|left| left.document.clone());
        }
        drop(changing);
        self.tell("license.removed", name_or_id, "removed");
        Ok(self.status())
    }

    pub(super) fn remove_document(&self, name: &str) -> Result<(), InstallError> {
        let loaded = self.loaded();
        let place = loaded.snapshot.place(name);
        match place {
            Some(Place::Mounted) => return Err(InstallError::Mounted(name.to_owned())),
            // Nothing is left to be removed of what stays.
            None if stays(&loaded.status, name) || !loaded.snapshot.kept().iter().any(|kept| kept == name) => {
                return Err(InstallError::NotInstalled(name.to_owned()));
            }
            _ => {}
        }
        // The copy first: what is left by a crash in between is a license that holds, not one that haunts.
        if !stays(&loaded.status, name) {
            self.store.forget(&loaded.info().name, name, self.clock.moment().mark)?;
        }
        match place {
            Some(Place::Installed(file)) => drop(self.state.remove(Folder::Licenses, file)?),
            Some(Place::Held(name)) => drop(self.held.put(name, None)),
            _ => {}
        }
        Ok(())
    }
}

/// The end of a text file may have a line feed more.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.trim_ascii() == other.trim_ascii()
}

fn accepted(preview: &LicenseStatus, name: &str) -> Result<(), InstallError> {
    match preview.documents.iter().find(|document| document.name == name) {
        Some(document) if document.adopted && !document.recovered => Ok(()),
        Some(document) => Err(InstallError::Refused {
            reason: document.reason.clone(),
            claim: ["claim", "fact"].iter().find_map(|name| detail(&document.details, name)).map(ToOwned::to_owned),
        }),
        None => Err(InstallError::Refused { reason: "policy-error".into(), claim: None }),
    }
}

impl Loaded {
    /// Under which name a document would be installed, and what the status would be then; or why it is refused.
    pub(super) fn plan(&self, document: &[u8], name: Option<&str>) -> Result<(String, LicenseStatus), InstallError> {
        if document.len() as u64 > MAX_DOCUMENT {
            return Err(InstallError::Refused { reason: "too-large".into(), claim: None });
        }
        let mut name = match name {
            Some(name) if is_document_name(name) => name.to_owned(),
            Some(name) => return Err(InstallError::Name(name.to_owned())),
            None => name_of(&self.inspect(document, None).map_err(Failure::from)?),
        };
        if self.snapshot.place(&name) == Some(Place::Mounted) {
            name = format!("{COLLISION_PREFIX}{name}");
        }
        let preview = self.inspect(document, Some(&name)).map_err(Failure::from)?;
        accepted(&preview, &name)?;
        Ok((name, preview))
    }
}

/// Is the document of this name a license?
fn is_license(status: &LicenseStatus, name: &str) -> bool {
    status.documents.iter().any(|document| document.name == name && document.kind == "license")
}

/// What a document did stays, whoever removes its file: the copy of a revocation list or of an order.
fn stays(status: &LicenseStatus, name: &str) -> bool {
    let document = status.documents.iter().find(|document| document.name == name);
    document.is_some_and(|document| document.adopted && matches!(&*document.kind, "revocations" | "order"))
}

/// A name for a document, by its license id, or by its kind and id where it is no license. Two ids never have the same; a newer
/// revocation list takes the place of the one before.
fn name_of(alone: &LicenseStatus) -> String {
    let id = match (alone.licenses.first(), alone.documents.first()) {
        (Some(license), _) => license.id.clone(),
        (None, Some(document)) if document.kind != "license" => {
            let id = detail(&document.details, "id").map(|id| format!("-{id}"));
            format!("{}{}", document.kind, id.unwrap_or_default())
        }
        _ => "document".to_owned(),
    };
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '-' };
    let name: String = id.chars().take(100).map(safe).collect();
    if name == id {
        return format!("{name}.json");
    }
    let hash: String = Sha256::digest(&id).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{hash}.json")
}

/// One of the details of a document.
pub(super) fn detail<'a>(details: &'a [Attribute], name: &str) -> Option<&'a str> {
    details.iter().find(|detail| detail.name == name).map(|detail| &*detail.value)
}

fn is_document_name(name: &str) -> bool {
    (1..=200).contains(&name.len()) && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}
