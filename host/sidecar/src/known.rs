//! Who may ask, as it is told now: the file of credentials is read anew while the service runs.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::HeaderMap;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::credentials::{Credentials, CredentialsError, Identity};
use crate::log;

/// The credentials that count.
#[derive(Debug)]
pub(crate) struct Known {
    /// Where they are told; none: they are of this run.
    file: Option<PathBuf>,
    now: RwLock<Credentials>,
}

impl Known {
    /// Those of a file.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`].
    pub(crate) fn read(file: PathBuf) -> Result<Self, CredentialsError> {
        let credentials = Credentials::read(&file)?;
        if credentials.is_empty() {
            warn!(file = %file.display(), "the credentials list nobody: every request that takes a token is refused");
        }
        Ok(Self { now: RwLock::new(credentials), file: Some(file) })
    }

    /// These, for this run.
    pub(crate) fn of_this_run(credentials: Credentials) -> Self {
        Self { file: None, now: RwLock::new(credentials) }
    }

    /// Who shows a token with these headers. None: nobody that is known now.
    pub(crate) fn who(&self, headers: &HeaderMap) -> Option<Identity> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).who(headers).cloned()
    }

    /// Reads the file anew. Who is no longer in it is nobody from then on; where it cannot be used, those before are known on.
    pub(crate) async fn reload(self: &Arc<Self>) {
        let known = self.clone();
        // It does not panic.
        drop(spawn_blocking(move || known.read_anew()).await);
    }

    fn read_anew(&self) {
        let Some(file) = &self.file else { return };
        match Credentials::read(file) {
            Ok(credentials) => {
                *self.now.write().unwrap_or_else(PoisonError::into_inner) = credentials;
                info!("the credentials were read anew");
            }
            Err(error) => {
                warn!(
                    error = log::chain(&error),
                    "the credentials could not be read anew; who was known before is known on"
                );
            }
        }
    }
}
