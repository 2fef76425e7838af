//! Why the store gave no answer.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::bindings::placet::policy::counters::Error;

/// The store gave no answer, and counted nothing, unless it says otherwise.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another part of this one, has the state directory.
    #[error(
        "the state directory `{}` is in use by another process; ask that one through its sidecar, or wait until it ends",
        directory.display()
    )]
    Locked {
        /// The state directory.
        directory: PathBuf,
    },
    /// No space is left, or none of the quota.
    #[error("no space is left to count in `{}`; make room on that file system", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file may not be written.
    #[error("cannot write `{}`; give the user that runs this the right to write there", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The content of the file is not what was written into it.
    #[error("`{}` is damaged ({detail}); restore the state directory from a copy, or move it away to begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, for a log.
        detail: String,
    },
    /// Something else than this installation wrote into the file, took a row away, or put one back as it once was.
    #[error("`{}` was edited by another program (table `{table}`); restore the state directory from a copy that was not", path.display())]
    Edited {
        /// The file.
        path: PathBuf,
        /// The table it was noticed in; `chain`: in the sum of all.
        table: &'static str,
    },
    /// The file belongs to another installation: another install key sealed it.
    #[error("`{}` belongs to another installation; put back the file that belongs here, with its own `install.key`", path.display())]
    Swapped {
        /// The file.
        path: PathBuf,
    },
    /// The file is gone, and what lies beside it says that there was one. It is not made anew: what was counted would be forgotten.
    #[error(
        "`{}` is gone, and the install key or the audit log beside it says that there were counters; restore the state directory from a copy",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The install key is not there, and the file was sealed with one.
    #[error("`{}` is missing, and the counters beside it are sealed with it; restore it from a copy", path.display())]
    KeyMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file was written by a newer release.
    #[error("`{}` has format {format}, which is newer than this release reads; use the newer release", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// The disk failed in another way.
    #[error("cannot read or write `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The disk failed while it was told to keep a change: the change may have happened or not. What is read from now on is
    /// what the disk holds; ask again with the same `once` key.
    #[error("`{}` failed during a commit, and whether it counted is not known; ask again with the same `once` key", path.display())]
    CommitUnknown {
        /// The file.
        path: PathBuf,
    },
}

impl StoreError {
    /// The reason, as in the table of reasons: `locked`, `disk-full`, `read-only`, `damaged`, `edited`, `swapped`,
    /// `counters-missing`, `install-key-missing`, `newer-format`, `io` or `commit-unknown`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "locked",
            Self::DiskFull { .. } => "disk-full",
            Self::ReadOnly { .. } => "read-only",
            Self::Damaged { .. } => "damaged",
            Self::Edited { .. } => "edited",
            Self::Swapped { .. } => "swapped",
            Self::Missing { .. } => "counters-missing",
            Self::KeyMissing { .. } => "install-key-missing",
            Self::Newer { .. } => "newer-format",
            Self::Io { .. } => "io",
            Self::CommitUnknown { .. } => "commit-unknown",
        }
    }

    pub(super) fn from_io(source: io::Error, path: PathBuf) -> Self {
        use io::ErrorKind;
        let source = Arc::new(source);
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::DiskFull { path, source }
            }
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly { path, source },
            // What redb says of a file that is none of its own, or too short.
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Self::Damaged { path, detail: source.to_string() },
            _ => Self::Io { path, source },
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.reason().to_owned())
    }
}
