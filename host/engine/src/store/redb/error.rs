//! Why a step within a transaction failed.

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
