//! The folders of the state directory: installed documents, adopted policies, compiled code.
//!
//! Files are written beside their place, synced, and renamed into it; nobody ever sees half of one.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, MetadataExt, OpenOptions, OpenOptionsExt};

use crate::random;

/// How the name of a file ends that is being written; it begins with a dot.
const UNFINISHED: &str = ".new";

/// A folder of the state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// Documents that were installed.
    Licenses,
    /// What the last installed document replaced.
    Replaced,
    /// The same of a change that is under way.
    Replacing,
    /// Signed policies that were adopted.
    Policies,
    /// Native code, made from policies on this machine.
    Code,
    /// The audit log.
    Audit,
    /// The state directory itself.
    Top,
}

impl Folder {
    fn name(self) -> &'static str {
        match self {
            Self::Licenses => "licenses",
            Self::Replaced => "replaced",
            Self::Replacing => "replacing",
            Self::Policies => "policies",
            Self::Code => "code",
            Self::Audit => "audit",
            Self::Top => ".",
        }
    }
}

/// The state directory, made where it was not there.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    dir: Dir,
}

/// What is done where nothing is written.
const READING: [&str; 3] = ["read", "list", "open the state directory"];

/// The state directory did not do what it must. Whose fault: the operator's, or the disk's.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{path}`")]
pub struct StateError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl StateError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self.source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "state-disk-full",
            ErrorKind::PermissionDenied if READING.contains(&self.action) => "state-unreadable",
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => "state-read-only",
            _ => "state-io",
        }
    }

    /// There is more in it than there can be.
    pub(crate) fn is_too_large(&self) -> bool {
        self.source.kind() == ErrorKind::FileTooLarge
    }

    /// The reason where it is no file of the state directory, but one that somebody named.
    pub(crate) fn file_reason(&self) -> &'static str {
        match self.source.kind() {
            ErrorKind::NotFound => "not-found",
            ErrorKind::PermissionDenied => "permission-denied",
            ErrorKind::InvalidInput => "not-a-file",
            ErrorKind::FileTooLarge => "file-too-large",
            _ => "io",
        }
    }
}

impl StateDir {
    /// Opens the directory, and makes it (for its owner alone) where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |action| move |source| StateError { action, path: path.to_owned(), source };
        match Self::look(path) {
            Err(error) if error.source.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Dir::create_ambient_dir_all(parent, ambient_authority()).map_err(failed("make the state directory"))?;
        let parent = Dir::open_ambient_dir(parent, ambient_authority()).map_err(failed("make the state directory"))?;
        let name =
            path.file_name().ok_or_else(|| failed("make the state directory")(ErrorKind::InvalidInput.into()))?;
        create_private(&parent, Path::new(name)).map_err(failed("make the state directory"))?;
        sync(&parent).map_err(failed("make the state directory"))?;
        let dir = parent.open_dir(name).map_err(failed("open the state directory"))?;
        Ok(Self { path: path.to_owned(), dir })
    }

    /// Opens the directory, which must be there.
    pub(crate) fn look(path: &Path) -> Result<Self, StateError> {
        match Dir::open_ambient_dir(path, ambient_authority()) {
            Ok(dir) => Ok(Self { path: path.to_owned(), dir }),
            Err(source) => Err(StateError { action: "open the state directory", path: path.to_owned(), source }),
        }
    }

    /// Where a folder is; it may not be there yet.
    pub(crate) fn path(&self, folder: Folder) -> PathBuf {
        if folder == Folder::Top { self.path.clone() } else { self.path.join(folder.name()) }
    }

    /// Puts a file into its place, durably and whole, for its owner alone to read.
    pub(crate) fn put(&self, folder: Folder, name: &str, content: &[u8]) -> Result<(), StateError> {
        let put = self.try_put(folder, name, content, File::sync_all).and_then(|dir| {
            sync(&dir)?;
            sync(&self.dir)
        });
        put.map_err(|source| self.error("write", folder, name, source))
    }

    /// Puts a file into its place, whole, and gone or old after a crash: for what is written again all the time.
    pub(crate) fn show(&self, folder: Folder, name: &str, content: &[u8]) -> Result<(), StateError> {
        let put = self.try_put(folder, name, content, |_| Ok(()));
        put.map(drop).map_err(|source| self.error("write", folder, name, source))
    }

    /// Puts a file of the state directory itself into its place, durably and whole, where there is none. Whether there was none.
    pub(crate) fn make(&self, name: &str, content: &[u8]) -> Result<bool, StateError> {
        make(&self.dir, name, content).map_err(|source| self.failed("make", name, source))
    }

    /// Takes away what a crash left of files that were being written.
    pub(crate) fn sweep(&self, folder: Folder) -> Result<(), StateError> {
        let swept = || {
            let dir = match self.dir.open_dir(folder.name()) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                dir => dir?,
            };
            for entry in dir.entries()? {
                if let Ok(name) = entry?.file_name().into_string()
                    && name.starts_with('.')
                    && name.ends_with(UNFINISHED)
                {
                    dir.remove_file(&name)?;
                }
            }
            sync(&dir)
        };
        swept().map_err(|source| self.error("clear", folder, "", source))
    }

    /// A file of the state directory itself did not do what it must.
    pub(crate) fn failed(&self, action: &'static str, name: &str, source: std::io::Error) -> StateError {
        self.error(action, Folder::Top, name, source)
    }

    /// Opens a file to be written at its end, and makes it, for its owner alone, where it is missing.
    pub(crate) fn append(&self, folder: Folder, name: &str) -> Result<File, StateError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).nonblock(true);
        let opened = self.folder(folder).and_then(|dir| {
            let file = dir.open_with(name, &options)?;
            sync(&dir)?;
            Ok(file)
        });
        opened.map_err(|source| self.error("write", folder, name, source))
    }

    /// Takes a file away, durably. Whether it was there.
    pub(crate) fn remove(&self, folder: Folder, name: &str) -> Result<bool, StateError> {
        let removed = self.dir.open_dir(folder.name()).and_then(|dir| {
            dir.remove_file(name)?;
            sync(&dir)
        });
        match removed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(self.error("remove", folder, name, source)),
        }
    }

    /// The names of the files in a folder, sorted.
    pub(crate) fn names(&self, folder: Folder) -> Result<Vec<String>, StateError> {
        let failed = |source| self.error("list", folder, "", source);
        let dir = match self.dir.open_dir(folder.name()) {
            Ok(dir) => dir,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut names = Vec::new();
        for entry in dir.entries().map_err(failed)? {
            if let Ok(name) = entry.map_err(failed)?.file_name().into_string()
                && !name.starts_with('.')
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// A file, whole; none where it is not there.
    pub(crate) fn read(&self, folder: Folder, name: &str, max: u64) -> Result<Option<Vec<u8>>, StateError> {
        let content =
            self.dir.open_dir(folder.name()).and_then(|dir| read_regular(dir.open_with(name, &reading())?, max));
        match content {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.error("read", folder, name, source)),
        }
    }

    /// Whether nobody but the user that we run as could have written a file: it, its folder and the state directory belong to
    /// that user, and neither group nor others may write them.
    pub(crate) fn is_private(&self, folder: Folder, name: &str) -> bool {
        let me = rustix::process::geteuid().as_raw();
        let private = |metadata: cap_std::fs::Metadata| metadata.uid() == me && metadata.mode() & 0o022 == 0;
        let folder_dir = self.dir.open_dir(folder.name());
        self.dir.dir_metadata().is_ok_and(private)
            && folder_dir.as_ref().is_ok_and(|dir| dir.dir_metadata().is_ok_and(private))
            && folder_dir.is_ok_and(|dir| dir.symlink_metadata(name).is_ok_and(|file| file.is_file() && private(file)))
    }

    /// Whether others than owner and group can read or write a file. One that is not there is not exposed.
    pub(crate) fn is_exposed(&self, folder: Folder, name: &str) -> bool {
        let file = self.dir.open_dir(folder.name()).and_then(|dir| dir.metadata(name));
        file.is_ok_and(|file| file.is_file() && file.mode() & 0o006 != 0)
    }

    /// Opens a folder, and makes it where it is missing.
    fn folder(&self, folder: Folder) -> std::io::Result<Dir> {
        match create_private(&self.dir, Path::new(folder.name())) {
            Ok(()) => sync(&self.dir)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        self.dir.open_dir(folder.name())
    }

    fn try_put(
        &self,
        folder: Folder,
        name: &str,
        content: &[u8],
        keep: impl FnOnce(&File) -> std::io::Result<()>,
    ) -> std::io::Result<Dir> {
        let dir = self.folder(folder)?;
        let new = format!(".{name}{UNFINISHED}");
        // What a crash left behind.
        match dir.remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = dir.open_with(&new, &options).and_then(|mut file| {
            file.write_all(content)?;
            keep(&file)
        });
        if let Err(error) = written.and_then(|()| dir.rename(&new, &dir, name)) {
            // The first error is the one to tell.
            drop(dir.remove_file(&new));
            return Err(error);
        }
        Ok(dir)
    }

    fn error(&self, action: &'static str, folder: Folder, name: &str, source: std::io::Error) -> StateError {
        StateError { action, path: self.path(folder).join(name), source }
    }
}

/// A file by path, whole, links followed: for what an operator or a product names and a signature proves, a policy.
pub(crate) fn read_path(path: &Path, max: u64) -> Result<Vec<u8>, StateError> {
    let file = File::open_ambient_with(path, &reading(), ambient_authority());
    file.and_then(|file| read_regular(file, max)).map_err(|source| StateError {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

/// Puts a file into its place, durably, whole, and for its owner alone to read, where there is none. Whether there was none.
pub(crate) fn make(dir: &Dir, name: &str, content: &[u8]) -> std::io::Result<bool> {
    // Several processes may do it at once.
    let unique: String = random::bytes::<8>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let new = format!(".{name}.{unique}{UNFINISHED}");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = dir.open_with(&new, &options).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let linked = written.and_then(|()| match dir.hard_link(&new, dir, name) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    });
    let removed = dir.remove_file(&new).and_then(|()| sync(dir));
    let made = linked?;
    removed?;
    Ok(made)
}

/// A FIFO must not block the opening.
fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).nonblock(true);
    options
}

fn read_regular(file: File, max: u64) -> std::io::Result<Vec<u8>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut content = Vec::with_capacity(metadata.len().min(max).try_into().unwrap_or(0));
    if file.take(max + 1).read_to_end(&mut content)? as u64 > max {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, format!("larger than {max} bytes")));
    }
    Ok(content)
}

fn create_private(parent: &Dir, name: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    parent.create_dir_with(name, &builder)
}

fn sync(dir: &Dir) -> std::io::Result<()> {
    // The handle itself can only be used for looking names up (O_PATH).
    dir.open(".")?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_put_is_whole_private_and_listed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("new/state");
        let state = StateDir::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(state.names(Folder::Licenses).unwrap(), [""; 0]);
        state.put(Folder::Licenses, "b", b"2").unwrap();
        state.put(Folder::Licenses, "a", b"1").unwrap();
        state.put(Folder::Licenses, "a", b"11").unwrap();
        assert_eq!(state.names(Folder::Licenses).unwrap(), ["a", "b"]);
        assert_eq!(state.read(Folder::Licenses, "a", 2).unwrap().unwrap(), b"11");
        assert!(state.read(Folder::Licenses, "a", 1).is_err());
        assert_eq!(state.read(Folder::Policies, "a", 1).unwrap(), None);
        assert!(state.is_private(Folder::Licenses, "a"));
        assert!(state.remove(Folder::Licenses, "a").unwrap() && !state.remove(Folder::Licenses, "a").unwrap());
    }

    #[test]
    fn what_others_could_have_written_is_not_private() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::open(&temp.path().join("state")).unwrap();
        state.put(Folder::Code, "file", b"1").unwrap();
        let mode = |path: &str, mode| {
            fs::set_permissions(temp.path().join("state").join(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        for path in ["", "code", "code/file"] {
            assert!(state.is_private(Folder::Code, "file"));
            mode(path, 0o772);
            assert!(!state.is_private(Folder::Code, "file"), "`{path}` is writable by others");
            mode(path, 0o700);
        }
    }

    #[test]
    fn a_name_does_not_lead_out_of_the_directory() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::open(&temp.path().join("state")).unwrap();
        state.put(Folder::Licenses, "a", b"1").unwrap();
        fs::write(temp.path().join("outside"), "x").unwrap();
        assert!(state.read(Folder::Licenses, "../../outside", 10).is_err());
        assert!(state.put(Folder::Licenses, "../../outside", b"y").is_err());
        assert_eq!(fs::read(temp.path().join("outside")).unwrap(), b"x");
    }
}
