//! The file in the state directory: made whole or not at all, locked, checked.

use std::cell::Cell;
use std::io;
use std::path::{self, Path, PathBuf};
use std::sync::Mutex;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase};
#[cfg(target_os = "linux")]
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use super::blocks::Moves;
use super::chain::Commit;
use super::error::RowError;
use super::rows;
use super::sealed::{Digest, Seals, Txn, View};
use crate::install_key::{self, InstallKey};
use crate::store::StoreError;
use crate::store::block::Blocks;
use crate::vault::Vault;

/// The file's name in the state directory.
pub(crate) const NAME: &str = "counters.redb";

/// The audit log's folder beside it.
const AUDIT: &str = "audit";

/// Bytes that redb may hold in memory. Its own default is 1 GiB; the rows that are in use fit into this.
const CACHE: usize = 16 << 20;

/// What a store lies on, opened anew after each failure.
pub(super) trait Opener: Send + 'static {
    /// Where it lies, for errors.
    fn path(&self) -> &Path;

    /// Opens and checks it; `again` after a failure: nothing that is only in the system's memory is trusted.
    fn open(&self, again: bool) -> Result<Opened, StoreError>;

    /// # Errors
    ///
    /// Where what was opened is no longer what is found: what is written to it would be gone with the process.
    fn check_there(&self, opened: &Opened) -> Result<(), StoreError>;
}

/// An open file, and what its rows are sealed by.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) seals: Seals,
    /// Its last commit, once that was looked at or made.
    pub(super) last: Mutex<Option<Commit>>,
    /// Which file it is; none: it is in no directory, or this system does not say.
    pub(super) file: Option<FileId>,
}

/// What tells files apart: the device and the number on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl Opened {
    /// Looks at what was committed.
    pub(super) fn view(&self) -> Result<View<'_>, RowError> {
        Ok(View { view: self.database.begin_read()?, seals: &self.seals })
    }

    /// Begins to change it.
    pub(super) fn begin<'s>(&'s self, digest: Digest, blocks: &'s Blocks) -> Result<Txn<'s>, RowError> {
        let moves = Moves::new(blocks);
        Ok(Txn {
            txn: self.database.begin_write()?,
            seals: &self.seals,
            digest: digest.into(),
            moves,
            anchored: Cell::default(),
            reserved: Cell::default(),
        })
    }
}

/// The file of a state directory.
#[derive(Debug)]
pub(super) struct StateFile {
    directory: PathBuf,
    path: PathBuf,
    /// The directory, wherever the process goes.
    place: PathBuf,
    vault: Vault,
}

impl StateFile {
    /// The vault opens the install key.
    pub(super) fn new(directory: &Path, vault: Vault) -> Self {
        let place = path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        Self { directory: directory.to_owned(), path: directory.join(NAME), place, vault }
    }

    fn failed(&self, error: io::Error) -> StoreError {
        StoreError::from_io(error, self.path.clone())
    }

    /// The file, and what its rows are sealed by. Both are made where there is neither, and never one of them for the other.
    fn find(&self, dir: &Dir, again: bool) -> Result<(File, Seals), StoreError> {
        let path = self.directory.join(install_key::NAME);
        let failed = |error| StoreError::from_io(error, path.clone());
        // In this order: whoever makes both names the key last.
        let key = InstallKey::read(dir, &self.vault).map_err(failed)?;
        let (key, file) = match (key, self.open_existing(dir)?) {
            // A file that was there and is gone is not made anew under a running process.
            (_, None) if again => return Err(StoreError::Missing { path: self.path.clone() }),
            (Some(_), None) => return Err(StoreError::Missing { path: self.path.clone() }),
            (None, None) if has_audit_log(dir).map_err(failed)? => {
                return Err(StoreError::Missing { path: self.path.clone() });
            }
            (None, None) => {
                self.create(dir, &Seals::new(&InstallKey::begin(dir, &self.vault).map_err(failed)?))?;
                (InstallKey::settle(dir, &self.vault).map_err(failed)?, self.open_existing(dir)?)
            }
            (None, file) => (InstallKey::settle(dir, &self.vault).map_err(failed)?, file),
            both => both,
        };
        let file = file.ok_or_else(|| self.failed(io::ErrorKind::NotFound.into()))?;
        Ok((file, Seals::new(&key.ok_or(StoreError::KeyMissing { path })?)))
    }

    fn open_existing(&self, dir: &Dir) -> Result<Option<File>, StoreError> {
        match dir.open_with(NAME, OpenOptions::new().read(true).write(true)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Makes the file under another name and links it into its place: a crash on the way leaves no file that is half made,
    /// and where two processes do it at once, one file wins.
    fn create(&self, dir: &Dir, seals: &Seals) -> Result<(), StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let (name, file) = (0_u32..)
            .map(|attempt| format!(".{NAME}.{}.{attempt}", std::process::id()))
            .map(|name| dir.open_with(&name, &options).map(|file| (name, file)))
            // What a crashed process of the same number left behind stands in no one's way.
            .find(|made| !matches!(made, Err(error) if error.kind() == io::ErrorKind::AlreadyExists))
            .unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))
            .map_err(|error| self.failed(error))?;
        let linked = self.fill(file, seals).and_then(|()| match dir.hard_link(&name, dir, NAME) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(self.failed(error)),
            _ => Ok(()),
        });
        // The handle of the directory itself is for finding names only: the system does not sync through it.
        let removed = dir.remove_file(&name).and_then(|()| dir.open(".")?.sync_all());
        linked.and(removed.map_err(|error| self.failed(error)))
    }

    fn fill(&self, file: File, seals: &Seals) -> Result<(), StoreError> {
        let fill = || -> Result<(), RowError> {
            let mut database = Builder::new();
            database.set_cache_size(CACHE);
            let backend = FileBackend::new(file.into_std()).map_err(redb::Error::from)?;
            let database = database.create_with_backend(backend).map_err(redb::Error::from)?;
            let opened = Opened { database, seals: seals.clone(), last: Mutex::default(), file: None };
            initialize(&opened)?;
            Ok(opened.database.close().map_err(redb::Error::from)?)
        };
        fill().map_err(|error| row_error(error, &self.path))
    }
}

impl Opener for StateFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self, again: bool) -> Result<Opened, StoreError> {
        let dir = Dir::open_ambient_dir(&self.place, ambient_authority()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if again => StoreError::Missing { path: self.path.clone() },
            _ => self.failed(error),
        })?;
        let (file, seals) = self.find(&dir, again)?;
        let metadata = file.metadata().map_err(|error| self.failed(error))?;
        if !metadata.is_file() {
            return Err(damaged(&self.path, "it is not a regular file"));
        }
        let file = file.into_std();
        if again {
            drop_cached(&file).map_err(|error| self.failed(error))?;
        }
        let (length, id) = (metadata.len(), id(&file).map_err(|error| self.failed(error))?);
        let backend = FileBackend::new(file).map_err(|error| store_error(error.into(), &self.path))?;
        Ok(Opened { file: id, ..open_database(backend, length, &self.path, seals)? })
    }

    fn check_there(&self, opened: &Opened) -> Result<(), StoreError> {
        match id_at(&self.place.join(NAME)) {
            Ok(found) if found == opened.file => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(error)),
            _ => Err(StoreError::Missing { path: self.path.clone() }),
        }
    }
}

/// The log begins after the counters do.
fn has_audit_log(dir: &Dir) -> io::Result<bool> {
    match dir.read_dir(AUDIT) {
        Ok(mut files) => Ok(files.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// After a failed sync the system may hold pages as clean that never reached the disk: what is read next comes from there.
#[cfg(target_os = "linux")]
fn drop_cached(file: impl std::os::fd::AsFd) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?)
}

/// Which file is open.
#[cfg(target_os = "linux")]
fn id(file: impl std::os::fd::AsFd) -> io::Result<Option<FileId>> {
    looked_at(file, Path::new(""), AtFlags::EMPTY_PATH)
}

/// Which file is found there.
#[cfg(target_os = "linux")]
fn id_at(path: &Path) -> io::Result<Option<FileId>> {
    looked_at(CWD, path, AtFlags::empty())
}

/// Its times are not asked for: the next write to a file whose times somebody has seen must set them, which costs a good part of a commit.
#[cfg(target_os = "linux")]
fn looked_at(from: impl std::os::fd::AsFd, path: &Path, how: AtFlags) -> io::Result<Option<FileId>> {
    let seen = statx(from, path, how, StatxFlags::INO)?;
    let device = u64::from(seen.stx_dev_major) << 32 | u64::from(seen.stx_dev_minor);
    Ok(Some(FileId(device, seen.stx_ino)))
}

/// No other system lets a program ask for that.
#[cfg(not(target_os = "linux"))]
fn drop_cached(_: impl std::os::fd::AsFd) -> io::Result<()> {
    Ok(())
}

/// Not asked elsewhere.
#[cfg(not(target_os = "linux"))]
fn id(_: impl std::os::fd::AsFd) -> io::Result<Option<FileId>> {
    Ok(None)
}

/// Not asked elsewhere.
#[cfg(not(target_os = "linux"))]
fn id_at(_: &Path) -> io::Result<Option<FileId>> {
    Ok(None)
}

/// Opens what holds a store already, of so many bytes. All of it is read and checked, whatever its size: of what is told to be absent
/// there is no other proof.
pub(super) fn open_database(
    backend: impl redb::StorageBackend,
    length: u64,
    path: &Path,
    seals: Seals,
) -> Result<Opened, StoreError> {
    // redb would make a new store of it.
    if length == 0 {
        return Err(damaged(path, "it is empty"));
    }
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    let opened = builder.create_with_backend(backend).map_err(redb::Error::from);
    let database = opened.map_err(|error| store_error(error, path))?;
    let opened = Opened { database, seals, last: Mutex::default(), file: None };
    let failed = |error| row_error(error, path);
    {
        let view = opened.view().map_err(failed)?;
        match rows::format(&view).map_err(failed)? {
            Some(rows::FORMAT) => {}
            Some(format) if format > rows::FORMAT => return Err(StoreError::Newer { path: path.to_owned(), format }),
            _ => return Err(damaged(path, "it has no format number")),
        }
        if !rows::is_own(&view).map_err(failed)? {
            return Err(StoreError::Swapped { path: path.to_owned() });
        }
        rows::check(&view).map_err(failed)?;
    }
    Ok(opened)
}

/// Makes the tables of a new file.
pub(super) fn initialize(opened: &Opened) -> Result<(), RowError> {
    let blocks = Blocks::default();
    let txn = opened.begin(Digest::default(), &blocks)?;
    rows::create(&txn)?;
    Ok(txn.txn.commit()?)
}

/// In words of ours.
pub(super) fn row_error(error: RowError, path: &Path) -> StoreError {
    match error {
        RowError::Redb(error) => store_error(error, path),
        RowError::Edited { table } => StoreError::Edited { path: path.to_owned(), table },
    }
}

/// In words of ours.
fn store_error(error: redb::Error, path: &Path) -> StoreError {
    match error {
        redb::Error::Io(error) => StoreError::from_io(error, path.to_owned()),
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
            StoreError::Locked { directory: path.parent().unwrap_or(path).to_owned() }
        }
        error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::Unsupported) => {
            StoreError::from_io(io::Error::other(error.to_string()), path.to_owned())
        }
        error => damaged(path, &error.to_string()),
    }
}

/// A file that is not what was written.
pub(super) fn damaged(path: &Path, detail: &str) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), detail: detail.to_owned() }
}
