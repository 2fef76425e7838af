//! The secret that seals what is kept in a state directory.

use std::path::{Path, PathBuf};

use placet::{Builder, Placet, Vault};

use crate::files;
use crate::problem::Problem;
use crate::site::not_opened;

/// Where the storage secret comes from. Flags go before the environment.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StorageOptions {
    /// A file with the secret, of at least 32 bytes, that seals installed licenses and the audit log in the state directory
    ///
    /// Or its path in PLACET_STORAGE_SECRET_FILE, or the secret itself in PLACET_STORAGE_SECRET.
    #[arg(long, value_name = "FILE")]
    storage_secret_file: Option<PathBuf>,
    /// The same, from an open file descriptor
    #[arg(long, value_name = "NUMBER", conflicts_with = "storage_secret_file")]
    storage_secret_fd: Option<u32>,
}

impl StorageOptions {
    /// With the secret, if there is one. It is read here and nowhere again: a pipe gives it once.
    pub(crate) fn add_to(&self, builder: Builder) -> Result<Builder, Problem> {
        Ok(match (&self.storage_secret_file, self.storage_secret_fd) {
            (Some(path), _) => builder.storage_secret(files::read(path)?),
            // A descriptor of its own, closed with the reading; the one that was inherited is left as it is.
            (None, Some(number)) => builder.storage_secret(files::read(Path::new(&format!("/dev/fd/{number}")))?),
            (None, None) => builder.storage_secret_from_env(),
        })
    }

    /// What opens the sealed things of a state directory.
    pub(crate) fn vault(&self, state: &Path) -> Result<Vault, Problem> {
        self.add_to(Placet::builder().state(state))?.vault().map_err(not_opened)
    }
}
