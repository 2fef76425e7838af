//! The documents that are on offer: license files of the operator, a token by value, what was installed into the state.
//!
//! A [`Snapshot`] is one moment of them all: every instance of a policy is loaded from the same one.
//!
//! - Regular files only. A directory is opened as a capability, so that no name and no link leads out of it; links that stay
//!   inside work (Kubernetes mounts `license.json` as a link into `..data`).
//! - Names are single path segments in UTF-8. Hidden files (a leading dot) and directories are passed over.
//! - A file that changed while it was read is read again.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};

/// The largest document that is handed over, in bytes.
pub(crate) const MAX_DOCUMENT: u64 = 1 << 20;
/// The most documents of one directory; more are not looked at, and the status says so.
pub(crate) const MAX_DOCUMENTS: usize = 256;
/// How often a file that changes under the reader is read again, and how long it is given in between.
const REREADS: u32 = 5;
const REREAD_PAUSE: Duration = Duration::from_millis(20);

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
    /// Documents installed into the state directory.
    Installed(PathBuf),
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
    Other(&'static str),
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
    /// Its file's name in the state directory, if it was installed there.
    installed: Option<String>,
}

/// Where a document was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// A place of the operator's, or a token by value.
    Mounted,
    /// The state directory; the file's name there.
    Installed(&'a str),
}

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
                Source::Path(path) => snapshot.look(path, false),
                Source::Installed(path) => snapshot.look(path, true),
            }
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
        self.offered.get(name).map(|offered| offered.installed.as_deref().map_or(Place::Mounted, Place::Installed))
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
        self.offered.insert(name, Offered { content, installed: installed.then_some(file) });
    }

    fn look(&mut self, path: &Path, installed: bool) {
        if let Err(reason) = self.look_into(path, installed) {
            // Nothing was installed yet: no trouble.
            if !(installed && reason == "not-found") {
                self.troubles.push(Trouble { path: path.to_owned(), reason });
            }
        }
    }

    fn look_into(&mut self, path: &Path, installed: bool) -> Result<(), &'static str> {
        if let Ok(dir) = Dir::open_ambient_dir(path, ambient_authority()) {
            return self.look_into_dir(&dir, path, installed);
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("name-not-utf8")?;
        let dir = Dir::open_ambient_dir(parent, ambient_authority()).map_err(|error| reason_of(&error))?;
        match read_stable(&dir, name) {
            // A file that is gone is not on offer; its kept copy may stand in.
            Err(DocumentError::NotFound) => Err("not-found"),
            content => {
                self.offer(name.to_owned(), content, installed);
                Ok(())
            }
        }
    }

    fn look_into_dir(&mut self, dir: &Dir, path: &Path, installed: bool) -> Result<(), &'static str> {
        let mut names = Vec::new();
        for entry in dir.entries().map_err(|error| reason_of(&error))? {
            let entry = entry.map_err(|error| reason_of(&error))?;
            match entry.file_name().into_string() {
                Ok(name) if name.starts_with('.') => {}
                Ok(name) => names.push(name),
                Err(_) => self.troubles.push(Trouble { path: path.to_owned(), reason: "name-not-utf8" }),
            }
        }
        names.sort();
        if names.len() > MAX_DOCUMENTS {
            names.truncate(MAX_DOCUMENTS);
            self.troubles.push(Trouble { path: path.to_owned(), reason: "too-many" });
        }
        for name in names {
            if dir.metadata(&name).is_ok_and(|metadata| metadata.is_dir()) {
                continue;
            }
            match read_stable(dir, &name) {
                // It went away since it was listed.
                Err(DocumentError::NotFound) => {}
                content => self.offer(name, content, installed),
            }
        }
        Ok(())
    }
}

/// Reads until two looks at the file agree that nobody wrote in between.
fn read_stable(dir: &Dir, name: &str) -> Result<Arc<[u8]>, DocumentError> {
    for attempt in 0..REREADS {
        if attempt > 0 {
            thread::sleep(REREAD_PAUSE);
        }
        if let Some(content) = read_once(dir, name)? {
            return Ok(content);
        }
    }
    Err(DocumentError::Other("changing"))
}

/// None: it changed while it was read.
fn read_once(dir: &Dir, name: &str) -> Result<Option<Arc<[u8]>>, DocumentError> {
    // A FIFO must not block the opening, a device not be touched: the kind is asked before and after.
    let kind = dir.metadata(name).map_err(|error| error_of(&error))?;
    if !kind.is_file() {
        return Err(DocumentError::Other("not-a-file"));
    }
    let mut options = OpenOptions::new();
    options.read(true).nonblock(true);
    let mut file = dir.open_with(name, &options).map_err(|error| error_of(&error))?;
    let before = file.metadata().map_err(|error| error_of(&error))?;
    if !before.is_file() {
        return Err(DocumentError::Other("not-a-file"));
    }
    if before.len() > MAX_DOCUMENT {
        return Err(DocumentError::TooLarge);
    }
    let mut content = Vec::new();
    (&mut file).take(MAX_DOCUMENT + 1).read_to_end(&mut content).map_err(|error| error_of(&error))?;
    if content.len() as u64 > MAX_DOCUMENT {
        return Err(DocumentError::TooLarge);
    }
    let after = file.metadata().map_err(|error| error_of(&error))?;
    let same = is_same(&before, &after) && before.len() == content.len() as u64;
    Ok(same.then(|| content.into()))
}

fn is_same(before: &Metadata, after: &Metadata) -> bool {
    before.len() == after.len() && before.modified().ok() == after.modified().ok()
}

fn error_of(error: &std::io::Error) -> DocumentError {
    match reason_of(error) {
        "not-found" => DocumentError::NotFound,
        reason => DocumentError::Other(reason),
    }
}

fn reason_of(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "not-found",
        // cap-std refuses a way out with this kind as well, and says so in the text alone.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => "outside",
        ErrorKind::PermissionDenied => "permission-denied",
        _ => "io",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    fn take(path: &Path) -> Snapshot {
        Snapshot::take(&[Source::Path(path.to_owned())], BTreeMap::new())
    }

    fn only(content: Result<&str, DocumentError>) -> Result<Arc<[u8]>, DocumentError> {
        content.map(|text| text.as_bytes().into())
    }

    #[test]
    fn a_file_a_directory_and_a_token_are_on_offer_together() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b.json"), "b").unwrap();
        fs::write(dir.path().join("a.json"), "a").unwrap();
        fs::write(dir.path().join(".hidden"), "h").unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        let installed = tempfile::tempdir().unwrap();
        fs::write(installed.path().join("a.json"), "installed").unwrap();
        let sources = [
            Source::Path(dir.path().to_owned()),
            Source::Token(Token(b"t"[..].into())),
            Source::Installed(installed.path().to_owned()),
            Source::Installed(installed.path().join("nothing-yet")),
        ];
        let snapshot = Snapshot::take(&sources, BTreeMap::from([("gone".to_owned(), b"k"[..].into())]));
        assert_eq!(snapshot.names(), ["a.json", "b.json", "installed.a.json", "token"]);
        assert_eq!(snapshot.read("installed.a.json"), only(Ok("installed")));
        assert_eq!(snapshot.place("installed.a.json"), Some(Place::Installed("a.json")));
        assert_eq!(snapshot.place("a.json"), Some(Place::Mounted));
        assert_eq!(snapshot.kept(), ["gone"]);
        assert_eq!(snapshot.recover("gone"), only(Ok("k")));
        assert_eq!(snapshot.troubles(), []);
    }

    #[test]
    fn of_several_places_with_one_name_none_is_passed_over() {
        let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut sources = Vec::new();
        for (number, dir) in dirs.iter().enumerate() {
            fs::write(dir.path().join("a"), number.to_string()).unwrap();
            let path = dir.path().to_owned();
            sources.push(if number == 3 { Source::Installed(path) } else { Source::Path(path) });
        }
        let snapshot = Snapshot::take(&sources, BTreeMap::new());
        assert_eq!(snapshot.names(), ["2.a", "3.a", "a", "installed.a"]);
        assert_eq!(snapshot.read("3.a"), only(Ok("2")));
        assert_eq!(snapshot.place("installed.a"), Some(Place::Installed("a")));
    }

    #[test]
    fn a_file_that_is_gone_is_told_and_not_on_offer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("license.json");
        let snapshot = take(&path);
        assert_eq!(snapshot.names(), [""; 0]);
        assert_eq!(snapshot.troubles(), [Trouble { path, reason: "not-found" }]);
    }

    #[test]
    fn kubernetes_links_work_and_links_out_do_not() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("..2026_01_01")).unwrap();
        fs::write(dir.path().join("..2026_01_01/license.json"), "l").unwrap();
        symlink("..2026_01_01", dir.path().join("..data")).unwrap();
        symlink("..data/license.json", dir.path().join("license.json")).unwrap();
        symlink(outside.path().join("secret"), dir.path().join("absolute.json")).unwrap();
        symlink("../".repeat(20) + "etc/passwd", dir.path().join("relative.json")).unwrap();
        let snapshot = take(dir.path());
        assert_eq!(snapshot.read("license.json"), only(Ok("l")));
        assert_eq!(snapshot.read("absolute.json"), Err(DocumentError::Other("outside")));
        assert_eq!(snapshot.read("relative.json"), Err(DocumentError::Other("outside")));
        assert_eq!(take(&dir.path().join("license.json")).read("license.json"), only(Ok("l")));
        assert_eq!(take(&dir.path().join("absolute.json")).read("absolute.json"), Err(DocumentError::Other("outside")));
    }

    #[test]
    fn what_is_no_regular_file_is_not_read_and_does_not_block() {
        let dir = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(dir.path().join("fifo")).status().unwrap();
        assert!(made.success());
        let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
        let snapshot = take(dir.path());
        for name in ["fifo", "socket"] {
            assert_eq!(snapshot.read(name), Err(DocumentError::Other("not-a-file")), "{name}");
        }
        assert_eq!(take(Path::new("/dev/zero")).read("zero"), Err(DocumentError::Other("not-a-file")));
    }

    #[test]
    fn the_size_has_a_limit_to_the_byte() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("fits"), vec![b'x'; MAX_DOCUMENT as usize]).unwrap();
        fs::write(dir.path().join("large"), vec![b'x'; MAX_DOCUMENT as usize + 1]).unwrap();
        let snapshot = take(dir.path());
        assert_eq!(snapshot.read("fits").map(|content| content.len() as u64), Ok(MAX_DOCUMENT));
        assert_eq!(snapshot.read("large"), Err(DocumentError::TooLarge));
    }

    #[test]
    fn a_file_that_is_being_written_is_read_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("license.json");
        fs::write(&path, "0".repeat(300_000)).unwrap();
        let writer = thread::spawn({
            let path = path.clone();
            move || {
                for round in 1..200_u32 {
                    let new = path.with_extension("new");
                    fs::write(&new, char::from(b'0' + (round % 10) as u8).to_string().repeat(300_000)).unwrap();
                    fs::rename(&new, &path).unwrap();
                }
            }
        });
        while !writer.is_finished() {
            if let Ok(content) = take(&path).read("license.json") {
                assert_eq!(content.len(), 300_000);
                assert!(content.iter().all(|byte| Some(byte) == content.first()));
            }
        }
        writer.join().unwrap();
    }
}
