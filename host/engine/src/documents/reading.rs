//! Reading one file that somebody may be writing.

use std::io::Read;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::{DocumentError, MAX_DOCUMENT};
use crate::vault::{OVERHEAD, Piece, Vault};

/// How often a file that changes under the reader is read again, and how long it is given in between.
const REREADS: u32 = 5;
const REREAD_PAUSE: Duration = Duration::from_millis(20);

/// Reads a document; one of the state directory may be sealed.
pub(super) fn read_opened(dir: &Dir, name: &str, vault: Option<&Vault>) -> Result<Arc<[u8]>, DocumentError> {
    let Some(vault) = vault else { return read_stable(dir, name, MAX_DOCUMENT) };
    let kept = read_stable(dir, name, MAX_DOCUMENT + OVERHEAD)?;
    let content =
        vault.open(Piece::Document(name), &kept).map_err(|_| DocumentError::Other("sealed-damaged".into()))?;
    if content.len() as u64 > MAX_DOCUMENT {
        return Err(DocumentError::TooLarge);
    }
    Ok(content.into())
}

/// Reads until two looks at the file agree that nobody wrote in between.
fn read_stable(dir: &Dir, name: &str, max: u64) -> Result<Arc<[u8]>, DocumentError> {
    for attempt in 0..REREADS {
        if attempt > 0 {
            thread::sleep(REREAD_PAUSE);
        }
        if let Some(content) = read_once(dir, name, max)? {
            return Ok(content);
        }
    }
    Err(DocumentError::Other("changing".into()))
}

/// None: it changed while it was read.
fn read_once(dir: &Dir, name: &str, max: u64) -> Result<Option<Arc<[u8]>>, DocumentError> {
    // A FIFO must not block the opening, a device not be touched: the kind is asked before and after.
    let kind = dir.metadata(name).map_err(|error| error_of(&error))?;
    if !kind.is_file() {
        return Err(DocumentError::Other("not-a-file".into()));
    }
    let mut options = OpenOptions::new();
    options.read(true).nonblock(true);
    let mut file = dir.open_with(name, &options).map_err(|error| error_of(&error))?;
    let before = file.metadata().map_err(|error| error_of(&error))?;
    if !before.is_file() {
        return Err(DocumentError::Other("not-a-file".into()));
    }
    if before.len() > max {
        return Err(DocumentError::TooLarge);
    }
    let mut content = Vec::new();
    (&mut file).take(max + 1).read_to_end(&mut content).map_err(|error| error_of(&error))?;
    if content.len() as u64 > max {
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
        reason => DocumentError::Other(reason.into()),
    }
}

pub(super) fn reason_of(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "not-found",
        // cap-std refuses a way out with this kind as well, and says so in the text alone.
        ErrorKind::PermissionDenied if error.raw_os_error().is_none() => "outside",
        ErrorKind::PermissionDenied => "permission-denied",
        _ => "io",
    }
}
