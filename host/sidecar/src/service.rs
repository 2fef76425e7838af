//! What all requests share.

use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use placet::Placet;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::api;
use crate::credentials::Credentials;
use crate::problem::Problem;
use crate::request_id::RequestIds;
use crate::settings::Settings;

/// The installation, and how it is to be asked.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) placet: Placet,
    pub(crate) settings: Settings,
    pub(crate) credentials: Credentials,
    pub(crate) ids: RequestIds,
    /// What describes it.
    pub(crate) openapi: Bytes,
}

impl Service {
    pub(crate) fn new(placet: Placet, settings: Settings, credentials: Credentials) -> io::Result<Self> {
        let openapi = api::description(&settings);
        Ok(Self { placet, settings, credentials, ids: RequestIds::new()?, openapi })
    }

    /// Asks the installation, which waits for policy and disk, on a thread that may wait.
    ///
    /// # Errors
    ///
    /// What the question ends with; 503 where it takes too long, and then goes on unheard.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let service = self.clone();
        match timeout(self.settings.request_time, spawn_blocking(move || question(&service))).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => {
                Err(Problem::no_decision("answer-late", "no answer came in time; it may yet have been counted"))
            }
        }
    }
}
