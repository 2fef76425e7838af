//! Why a step within a transaction failed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::file::damaged;
use crate::store::StoreError;

/// A row was not read or not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    /// What redb says.
    #[error(transparent)]
    Redb(redb::Error),
    /// Something else than this installation wrote into a table.
    #[error("the table `{table}` holds what this installation did not write")]
    Edited {
        /// The table.
        table: &'static str,
    },
}

impl From<redb::Error> for RowError {
    fn from(error: redb::Error) -> Self {
        Self::Redb(error)
    }
}

impl From<redb::TableError> for RowError {
    fn from(error: redb::TableError) -> Self {
        Self::Redb(error.into())
    }
}

impl From<redb::StorageError> for RowError {
    fn from(error: redb::StorageError) -> Self {
        Self::Redb(error.into())
    }
}

impl From<redb::TransactionError> for RowError {
    fn from(error: redb::TransactionError) -> Self {
        Self::Redb(error.into())
    }
}

impl From<redb::CommitError> for RowError {
    fn from(error: redb::CommitError) -> Self {
        Self::Redb(error.into())
    }
}

/// redb may panic over a file that others altered: then the file is damaged, and the process goes on.
pub(super) fn guarded<T>(path: &Path, act: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| Err(damaged(path, message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "a panic without a message",
    }
}
