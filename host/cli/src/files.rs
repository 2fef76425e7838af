//! The one place where the CLI reads and writes files; `-` is standard input and output.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::problem::Problem;

/// Nothing that the CLI reads whole is longer: policies have 4 MiB at most, documents 1 MiB.
const MAX_INPUT: u64 = 16 << 20;

/// Reads a file whole.
///
/// # Errors
/// When it cannot be read, or is longer than anything that could be meant.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = if is_standard(path) {
        io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(length) if length as u64 > MAX_INPUT => Err(Problem::new(
            format!("`{}` is longer than {MAX_INPUT} bytes", path.display()),
            "give the right file: keys, licenses and policies are all shorter",
        )),
        Ok(_) => Ok(bytes),
        Err(error) => Err(Problem::new(
            format!("`{}` cannot be read", path.display()),
            "give the path of a file that exists and that you may read, or `-` for standard input",
        )
        .because(error)),
    }
}

/// Reads a text file whole.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    String::from_utf8(read(path)?).map_err(|_| {
        Problem::new(
            format!("`{}` is not a text file", path.display()),
            "give a file in PEM or JSON, which are UTF-8 text",
        )
    })
}

/// Writes a file, in place of one that is there.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let written = if is_standard(path) { io::stdout().lock().write_all(bytes) } else { std::fs::write(path, bytes) };
    written.map_err(|error| unwritable(path, error))
}

/// Writes a file, in place of one that is there: whole, or not at all.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    if is_standard(path) {
        return write(path, bytes);
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&new, path)).map_err(|error| {
        // The first error is the one to tell.
        drop(std::fs::remove_file(&new));
        unwritable(path, error)
    })
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
        Problem::new(format!("`{}` cannot be looked at", path.display()), "give a directory that you may read")
            .because(error)
    })
}

/// Makes a directory, and those above it.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_directory(path: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(path).map_err(|error| unwritable(path, error))
}

/// Whether the path means standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn create(path: &Path, options: &OpenOptions, bytes: &[u8]) -> Result<(), Problem> {
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => already_there(path),
        _ => unwritable(path, error),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| unwritable(path, error))
}

/// The refusal to overwrite.
pub(crate) fn already_there(path: &Path) -> Problem {
    Problem::new(
        format!("`{}` exists, and a key is never overwritten", path.display()),
        "choose another `--out`, or move the old key away if nothing was signed with it",
    )
}

fn unwritable(path: &Path, error: io::Error) -> Problem {
    Problem::new(
        format!("`{}` cannot be written", path.display()),
        "give `--out` a path in a directory that exists and that you may write to",
    )
    .because(error)
}
