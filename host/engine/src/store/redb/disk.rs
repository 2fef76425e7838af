//! A disk that fails on demand and can be cut at any moment.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Builder, StorageBackend};

use super::StoreError;
use super::file::{Opened, Opener, initialize, open_database};
use super::sealed::Seals;
use crate::install_key::InstallKey;

pub(super) const ENOSPC: i32 = 28;
pub(super) const EIO: i32 = 5;
pub(super) const EROFS: i32 = 30;

/// What a disk was told to change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// A disk with a cache: what was written is read back at once, and is kept only by a sync.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cache: Vec<u8>,
    durable: Vec<u8>,
    log: Vec<Change>,
    /// Fails the changes with these numbers, counted from the last [`Disk::fail`], with this error.
    failing: Option<(std::ops::Range<u64>, i32)>,
    /// They come about all the same.
    comes_about: bool,
    changes: u64,
    /// The same of what only looks, counted from the last [`Disk::fail_looks`].
    blind: Option<(std::ops::Range<u64>, i32)>,
    looks: u64,
}

impl Disk {
    /// A disk with a new store on it.
    pub(super) fn new() -> Self {
        let disk = Self::default();
        let database = Builder::new().create_with_backend(disk.clone()).unwrap();
        let opened = Opened { database, seals: seals(), last: Mutex::default(), file: None };
        initialize(&opened).unwrap();
        opened.database.close().unwrap();
        disk.state().log.clear();
        disk
    }

    pub(super) fn holding(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { cache: image.clone(), durable: image, ..State::default() })))
    }

    pub(super) fn image(&self) -> Vec<u8> {
        self.state().cache.clone()
    }

    pub(super) fn fail(&self, changes: std::ops::Range<u64>, error: i32) {
        let mut state = self.state();
        state.failing = Some((changes, error));
        state.changes = 0;
    }

    /// The same of changes that come about, and are told as failed.
    pub(super) fn fail_late(&self, changes: std::ops::Range<u64>, error: i32) {
        self.fail(changes, error);
        self.state().comes_about = true;
    }

    /// Fails reads, and questions for the length.
    pub(super) fn fail_looks(&self, looks: std::ops::Range<u64>, error: i32) {
        let mut state = self.state();
        state.blind = Some((looks, error));
        state.looks = 0;
    }

    pub(super) fn heal(&self) {
        let mut state = self.state();
        (state.failing, state.blind, state.comes_about) = (None, None, false);
    }

    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let number = state.looks;
        state.looks += 1;
        match &state.blind {
            Some((looks, error)) if looks.contains(&number) => Err(io::Error::from_raw_os_error(*error)),
            _ => Ok(state),
        }
    }

    pub(super) fn log(&self) -> Vec<Change> {
        self.state().log.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.state();
        let number = state.changes;
        state.changes += 1;
        let failing = state.failing.as_ref().filter(|(failing, _)| failing.contains(&number));
        let failed = failing.map_or(Ok(()), |(_, error)| Err(io::Error::from_raw_os_error(*error)));
        if failed.is_err() && !state.comes_about {
            return failed;
        }
        change.apply(&mut state.cache);
        if matches!(change, Change::Sync) {
            state.durable = state.cache.clone();
        }
        state.log.push(change);
        failed
    }
}

impl Change {
    pub(super) fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let offset = *offset as usize;
                image[offset..offset + data.len()].copy_from_slice(data);
            }
            Self::Length(length) => image.resize(*length as usize, 0),
            Self::Sync => {}
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.look()?.cache.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.look()?;
        let end = offset.checked_add(out.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        let read = state.cache.get(offset as usize..end as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(read);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(Change::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(Change::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset, data.to_vec()))
    }
}

impl Opener for Disk {
    fn path(&self) -> &Path {
        Path::new("state/counters.redb")
    }

    fn open(&self, again: bool) -> Result<Opened, StoreError> {
        let length = {
            let mut state = self.state();
            if again {
                state.cache = state.durable.clone();
            }
            state.cache.len() as u64
        };
        open_database(self.clone(), length, self.path(), seals())
    }

    fn check_there(&self, _: &Opened) -> Result<(), StoreError> {
        Ok(())
    }
}

fn seals() -> Seals {
    Seals::new(&InstallKey::test(7))
}
