//! The documents that are on offer: license files of the operator, a token by value, what was installed into the state.
//!
//! A [`Snapshot`] is one moment of them all: every instance of a policy is loaded from the same one.
//!
//! - Regular files only. A directory is opened as a capability, so that no name and no link leads out of it; links that stay
//!   inside work (Kubernetes mounts `license.json` as a link into `..data`).
//! - Names are single path segments in UTF-8. Of a directory, hidden files (a leading dot) and directories are passed over.
//! - A file that changed while it was read is read again.

mod held;
mod reading;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

pub(crate) use self::held::{Held, Replaced};
use self::reading::{read_opened, reason_of};
use crate::vault::Vault;

/// The largest document that is handed over, in bytes.
pub(crate) const MAX_DOCUMENT: u64 = 1 << 20;
/// The most documents of one directory; more are not looked at, and the status says so.
pub(crate) const MAX_DOCUMENTS: usize = 256;

/// The name under which a token given by value is on offer.
pub(crate) const TOKEN_NAME: &str = "token";
/// What stands before the name of an installed document where a mounted one has the same.
pub(crate) const COLLISION_PREFIX: &str = "installed.";

/// Where documents come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A file, or a directory of files; looked at anew each time.
    Path(PathBuf),
    /// A license by value. Not printed.
    Token(Token),
    /// Documents installed into the state directory, and what opens them.
    Installed(PathBuf, Vault),
    /// Documents installed for this run alone; they stand before those of the state directory.
    Held(Held),
}

/// A license by value; its content is not for logs.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) Arc<[u8]>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({} bytes)", self.0.len())
    }
}

/// Why one document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    /// It went away, or nothing has that name.
    #[error("not found")]
    NotFound,
    /// Longer than [`MAX_DOCUMENT`].
    #[error("larger than {MAX_DOCUMENT} bytes")]
    TooLarge,
    /// A reason for the log: `not-a-file`, `outside`, `permission-denied`, `changing`, `io`.
    #[error("{0}")]
    Other(Cow<'static, str>),
}

/// Every document at one moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    offered: BTreeMap<String, Offered>,
    kept: BTreeMap<String, Arc<[u8]>>,
    troubles: Vec<Trouble>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Offered {
    content: Result<Arc<[u8]>, DocumentError>,
    place: Kept,
}

/// Where the content of a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Mounted,
    /// Its file's name in the state directory.
    Installed(String),
    /// Its name among those of this run.
    Held(String),
}

/// Where a document was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// A place of the operator's, or a token by value.
    Mounted,
    /// The state directory; the file's name there.
    Installed(&'a str),
    /// The memory of this run; its name there.
    Held(&'a str),
}

/// More documents lie there than are read.
pub(crate) const TOO_MANY_REASON: &str = "too-many";

/// A source that could not be looked at as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The path, as the operator gave it.
    pub(crate) path: PathBuf,
    /// As in [`DocumentError::Other`], or `not-found`, or `too-many`.
    pub(crate) reason: &'static str,
}

impl Snapshot {
    /// Looks at all sources now; `kept` are the copies that the host has.
    pub(crate) fn take(sources: &[Source], kept: BTreeMap<String, Arc<[u8]>>) -> Self {
        let mut snapshot = Self { kept, ..Self::default() };
        for source in sources {
            match source {
                Source::Token(token) => snapshot.offer(TOKEN_NAME.to_owned(), Ok(token.0.clone()), false),
                Source::Path(path) => snapshot.look(path, None),
                Source::Installed(path, vault) => snapshot.look(path, Some(vault)),
                Source::Held(held) => snapshot.hold(held),
            }
        }
        snapshot
    }

    /// Documents as they once were.
    pub(crate) fn of(
        offered: BTreeMap<String, Result<Arc<[u8]>, DocumentError>>,
        kept: BTreeMap<String, Arc<[u8]>>,
    ) -> Self {
        let mut snapshot = Self { kept, ..Self::default() };
        for (name, content) in offered {
            snapshot.offer(name, content, false);
        }
        snapshot
    }

    /// The names on offer, sorted bytewise.
    pub(crate) fn names(&self) -> Vec<String> {
        self.offered.keys().cloned().collect()
    }

    /// A document, whole.
    pub(crate) fn read(&self, name: &str) -> Result<Arc<[u8]>, DocumentError> {
        self.offered.get(name).map_or(Err(DocumentError::NotFound), |offered| offered.content.clone())
    }

    /// The names of which a copy is kept.
    pub(crate) fn kept(&self) -> Vec<String> {
        self.kept.keys().cloned().collect()
    }

    /// That copy.
    pub(crate) fn recover(&self, name: &str) -> Result<Arc<[u8]>, DocumentError> {
        self.kept.get(name).cloned().ok_or(DocumentError::NotFound)
    }

    /// Where a document on offer was read from. None: nothing of that name is on offer.
    pub(crate) fn place(&self, name: &str) -> Option<Place<'_>> {
        self.offered.get(name).map(|offered| match &offered.place {
            Kept::Mounted => Place::Mounted,
            Kept::Installed(file) => Place::Installed(file),
            Kept::Held(name) => Place::Held(name),
        })
    }

    /// What could not be looked at.
    pub(crate) fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    fn offer(&mut self, file: String, content: Result<Arc<[u8]>, DocumentError>, installed: bool) {
        let mut name = file.clone();
        if installed && self.offered.contains_key(&name) {
            name = format!("{COLLISION_PREFIX}{file}");
        }
        // Of several places that have the same name, none is passed over.
        for number in 2.. {
            if !self.offered.contains_key(&name) {
                break;
            }
            name = format!("{number}.{file}");
        }
        let place = if installed { Kept::Installed(file) } else { Kept::Mounted };
        self.offered.insert(name, Offered { content, place });
    }

    /// One stands before the installed one of its name, and beside a mounted one.
    fn hold(&mut self, held: &Held) {
        for (file, content) in held.all() {
            let is_mounted = self.place(&file) == Some(Place::Mounted);
            let name = if is_mounted { format!("{COLLISION_PREFIX}{file}") } else { file.clone() };
            self.offered.insert(name, Offered { content: Ok(content), place: Kept::Held(file) });
        }
    }

    fn look(&mut self, path: &Path, installed: Option<&Vault>) {
        if let Err(reason) = self.look_into(path, installed) {
            // Nothing was installed yet: no trouble.
            if !(installed.is_some() && reason == "not-found") {
                self.troubles.push(Trouble { path: path.to_owned(), reason });
            }
        }
    }

    fn look_into(&mut self, path: &Path, installed: Option<&Vault>) -> Result<(), &'static str> {
        if let Ok(dir) = Dir::open_ambient_dir(path, ambient_authority()) {
            return self.look_into_dir(&dir, path, installed);
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("name-not-utf8")?;
        let dir = Dir::open_ambient_dir(parent, ambient_authority()).map_err(|error| reason_of(&error))?;
        match read_opened(&dir, name, installed) {
            // A file that is gone is not on offer; its kept copy may stand in.
            Err(DocumentError::NotFound) => Err("not-found"),
            content => {
                self.offer(name.to_owned(), content, installed.is_some());
                Ok(())
            }
        }
    }

    fn look_into_dir(&mut self, dir: &Dir, path: &Path, installed: Option<&Vault>) -> Result<(), &'static str> {
        let (mut names, mut unnamed) = (Vec::new(), false);
        for entry in dir.entries().map_err(|error| reason_of(&error))? {
            let entry = entry.map_err(|error| reason_of(&error))?;
            match entry.file_name().into_string() {
                Ok(name) if name.starts_with('.') => {}
                Ok(name) => names.push(name),
                Err(_) => unnamed = true,
            }
        }
        // However many there are.
        if unnamed {
            self.troubles.push(Trouble { path: path.to_owned(), reason: "name-not-utf8" });
        }
        names.sort();
        if names.len() > MAX_DOCUMENTS {
            names.truncate(MAX_DOCUMENTS);
            self.troubles.push(Trouble { path: path.to_owned(), reason: TOO_MANY_REASON });
        }
        for name in names {
            if dir.metadata(&name).is_ok_and(|metadata| metadata.is_dir()) {
                continue;
            }
            match read_opened(dir, &name, installed) {
                // It went away since it was listed.
                Err(DocumentError::NotFound) => {}
                content => self.offer(name, content, installed.is_some()),
            }
        }
        Ok(())
    }
}
