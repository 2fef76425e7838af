//! The one place where the CLI reads and writes files; `-` is standard input and output.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::problem::Problem;

/// Nothing that the CLI reads whole is longer: policies have 4 MiB at most, documents 1 MiB.
const MAX_INPUT: u64 = 16 << 20;

/// Reads a file whole.
///
/// # Errors
/// When it cannot be read, is no regular file, or is longer than anything that could be meant.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = if is_standard(path) {
        io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes)
    } else {
        open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(length) if length as u64 > MAX_INPUT => {
            Err(Problem::of("too-large", format!("`{}` is longer than {MAX_INPUT} bytes", path.display()))
                .with_help("give the right file: keys, licenses and policies are all shorter"))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(Problem::of(unread_reason(&error), format!("`{}` cannot be read", path.display()))
            .with_help("give the path of a file that exists and that you may read, or `-` for standard input")
            .because(error)),
    }
}

/// Opens a regular file, or what this process was given open (`<(…)` of a shell). Anything else could keep it waiting for ever.
fn open(path: &Path) -> io::Result<File> {
    if !is_descriptor(path) && !path.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    File::open(path)
}

/// Names the path what the process has open already?
fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"].iter().any(|open| path.starts_with(open))
}

fn unread_reason(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "not-found",
        ErrorKind::PermissionDenied => "permission-denied",
        ErrorKind::InvalidInput | ErrorKind::IsADirectory => "not-a-file",
        _ => "io",
    }
}

/// Reads a text file whole.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    String::from_utf8(read(path)?)
        .map_err(|_| Problem::of("not-text", format!("`{}` is not a text file", path.display())))
}

/// Are these one file, be it there or yet to be made?
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        path.canonicalize()
            .or_else(|_| Ok::<_, io::Error>(folder(path).canonicalize()?.join(path.file_name().unwrap_or_default())))
    };
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

/// Waits until no other process of ours changes files in the folder of this one, and keeps it so until the answer is dropped.
///
/// # Errors
/// When the folder cannot be opened.
pub(crate) fn alone_at(path: &Path) -> Result<File, Problem> {
    let alone = || {
        let folder = File::open(folder(path))?;
        folder.lock()?;
        Ok(folder)
    };
    alone().map_err(|error: io::Error| {
        Problem::of("output-unwritable", format!("the folder of `{}` cannot be locked", path.display())).because(error)
    })
}

/// In which a path lies.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that is to be written, for what is yet to be done: that it can be is found out before.
pub(crate) struct Output {
    /// The argument that named it.
    flag: &'static str,
    path: PathBuf,
    way: Way,
}

enum Way {
    /// Standard output, a device or a pipe.
    Stream(Box<dyn Write>),
    /// A file beside the one to be replaced, and where the links lead that stand there.
    Beside { file: File, new: PathBuf, target: PathBuf },
}

impl Output {
    /// Begins a file, in place of one that is there; nothing is seen of it until it is whole.
    ///
    /// # Errors
    /// When it cannot be written, a key would be lost, or it is a file of a state directory.
    pub(crate) fn open(flag: &'static str, path: &Path) -> Result<Self, Problem> {
        if !is_standard(path) {
            if in_state(path) {
                return Err(kept(flag, path));
            }
            if holds_key(path) {
                return Err(already_there(flag, path));
            }
        }
        let way = Way::open(path).map_err(|error| unwritable(flag, path, error))?;
        Ok(Self { flag, path: path.to_owned(), way })
    }

    /// Writes it: whole, or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.way.write(bytes).map_err(|error| unwritable(self.flag, &self.path, error))
    }
}

impl Way {
    fn open(path: &Path) -> io::Result<Self> {
        if is_standard(path) {
            return Ok(Self::Stream(Box::new(io::stdout())));
        }
        let present = match path.metadata() {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // What is no file cannot be replaced by one.
        if is_descriptor(path) || present.as_ref().is_some_and(|present| !present.is_file()) {
            return Ok(Self::Stream(Box::new(OpenOptions::new().write(true).open(path)?)));
        }
        let target = if present.is_some() { path.canonicalize()? } else { path.to_owned() };
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().ok_or(ErrorKind::InvalidInput)?);
        name.push(format!(".{}.new", std::process::id()));
        let new = target.with_file_name(name);
        // What a process of the same number left behind.
        drop(std::fs::remove_file(&new));
        let file = OpenOptions::new().write(true).create_new(true).open(&new)?;
        let way = Self::Beside { file, new, target };
        if let (Self::Beside { file, .. }, Some(present)) = (&way, present) {
            file.set_permissions(present.permissions())?;
        }
        Ok(way)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Self::Beside { file, new, target } => {
                file.write_all(bytes)?;
                file.sync_all()?;
                std::fs::rename(&*new, &*target)
            }
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Self::Beside { new, .. } = self {
            // After the renaming nothing is there under that name.
            drop(std::fs::remove_file(new));
        }
    }
}

/// Writes a file, in place of one that is there and holds no key: whole, or not at all.
///
/// # Errors
/// As [`Output::open`] and [`Output::write`].
pub(crate) fn replace(flag: &'static str, path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    Output::open(flag, path)?.write(bytes)
}

/// What each state directory has.
const COUNTERS: &str = "counters.redb";

/// Is it, or would it be, in a state directory, where links lead?
fn in_state(path: &Path) -> bool {
    let parent = || path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let target = path.canonicalize().or_else(|_| parent().canonicalize().map(|parent| parent.join("new")));
    target.is_ok_and(|target| target.ancestors().skip(1).any(|directory| exists(&directory.join(COUNTERS))))
}

/// Would a key be lost with the file: one in PEM, a JWK, or a secret?
fn holds_key(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let Ok(text) = read_text(path) else { return false };
    let is_jwk = || serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|json| json.get("kty").is_some());
    let is_pem = text.contains("-----BEGIN ") && text.contains(" KEY-----");
    is_pem || is_jwk() || placet_rules::formats::key_of(text.trim()).is_some()
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// When it is there, or cannot be written.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    create(path, OpenOptions::new().write(true).create_new(true), bytes)
}

/// As [`write_new`], for a secret: only the owner may read the file (mode 0600).
///
/// # Errors
/// As [`write_new`].
pub(crate) fn write_new_secret(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    create(path, &options, bytes)
}

/// Whether something is there under this name.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether it is a directory.
pub(crate) fn is_directory(path: &Path) -> bool {
    path.is_dir()
}

/// The files in a directory whose names end so, in no order.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn list(path: &Path, extension: &str) -> Result<Vec<PathBuf>, Problem> {
    let mut files = entries(path)?;
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    Ok(files)
}

/// What stands in a directory, by name; of a file, the file.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn entries_or_self(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !is_directory(path) {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = entries(path)?;
    all.sort_unstable();
    Ok(all)
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let listed = std::fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    listed.map_err(|error: io::Error| {
        Problem::of(unread_reason(&error), format!("`{}` cannot be looked at", path.display()))
            .with_help("give a directory that you may read")
            .because(error)
    })
}

/// Makes a directory, and those above it.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_directory(path: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(path).map_err(|error| unwritable("--out", path, error))
}

/// Whether the path means standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn create(path: &Path, options: &OpenOptions, bytes: &[u8]) -> Result<(), Problem> {
    let mut file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => already_there("--out", path),
        _ => unwritable("--out", path, error),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| unwritable("--out", path, error))
}

/// The refusal to overwrite.
pub(crate) fn already_there(flag: &str, path: &Path) -> Problem {
    Problem::of(
        "key-exists",
        format!("`{}` exists, and a file with a key or token is never overwritten", path.display()),
    )
    .with_help(format!("choose another `{flag}`, or move the old file away if it is of no use any more"))
}

/// The refusal to write what nobody but Placet writes.
fn kept(flag: &str, path: &Path) -> Problem {
    let message = format!("`{}` is in a state directory, where Placet alone writes", path.display());
    Problem::of("output-unwritable", message).with_help(format!("give `{flag}` a path outside of it"))
}

/// A file or directory that cannot be written, and the argument that named it.
pub(crate) fn unwritable(flag: &str, path: &Path, error: io::Error) -> Problem {
    Problem::of("output-unwritable", format!("`{}` cannot be written", path.display()))
        .with_help(format!("give `{flag}` a path in a directory that exists and that you may write to"))
        .because(error)
}
