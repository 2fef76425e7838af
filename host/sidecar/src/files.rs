//! The one place where the service reads and writes files of its own. Licenses and state are the library's.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The longest that is read whole, in bytes: what opens a license is far shorter.
const MAX: u64 = 64 << 10;

/// Reads a short text.
///
/// # Errors
///
/// Where it cannot be read, is longer than any that could be meant, or is not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {MAX} bytes")));
    }
    Ok(text)
}

/// How a file looks without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    path: PathBuf,
    /// Device, inode, length, and when it was changed, in seconds and nanoseconds. None: it is not there.
    file: Option<(u64, u64, u64, i64, i64)>,
}

/// A file, or a directory and what stands in it, behind all links.
pub(crate) fn look(path: &Path) -> Vec<Seen> {
    let seen = |path: PathBuf| {
        let file = fs::metadata(&path).ok();
        Seen { file: file.map(|file| (file.dev(), file.ino(), file.len(), file.ctime(), file.ctime_nsec())), path }
    };
    let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok).take(MOST);
    let mut all: Vec<_> = std::iter::once(path.to_owned()).chain(entries.map(|entry| entry.path())).map(seen).collect();
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all
}

/// So many entries of a directory are looked at.
const MOST: usize = 1_000;

/// Writes a secret that its owner alone can read, in place of what had that name.
pub(crate) fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(secret.as_bytes())
}

/// Takes it away again.
pub(crate) fn remove_secret(path: &Path) {
    // What stays opens nothing any more.
    drop(fs::remove_file(path));
}

/// Takes away a socket that nobody listens on any more.
pub(crate) fn remove_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else than a socket has this name")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets the owner and the group of a socket connect, and nobody else.
pub(crate) fn restrict_socket(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
}
