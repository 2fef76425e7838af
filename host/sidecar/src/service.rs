//! What all requests share.

use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use placet::{Placet, while_waiting};
use tokio::spawn;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, block_in_place, spawn_blocking};
use tokio::time::timeout;

use crate::api;
use crate::known::Known;
use crate::otlp::Exports;
use crate::problem::Problem;
use crate::request_id::RequestIds;
use crate::settings::Settings;

/// The installation, and how it is to be asked.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) placet: Placet,
    pub(crate) settings: Settings,
    pub(crate) known: Arc<Known>,
    pub(crate) ids: RequestIds,
    pub(crate) exports: Exports,
    /// What describes it.
    pub(crate) openapi: Bytes,
    /// Places for who asks the installation.
    places: Arc<Semaphore>,
}

/// So many ask the installation at one time, or have it do something. The policy has 16 instances at most; further ones would wait for these.
pub(crate) const PLACES: usize = 32;

impl Service {
    pub(crate) fn new(placet: Placet, settings: Settings, known: Arc<Known>) -> io::Result<Self> {
        let openapi = api::description(&settings);
        let places = Arc::new(Semaphore::new(PLACES));
        let ids = RequestIds::new()?;
        Ok(Self { placet, settings, known, ids, exports: Exports::default(), openapi, places })
    }

    /// Asks the installation for what is computed at once, as decisions are, on the thread that has the request: handing it to another takes
    /// longer than a decision. Where it has to wait after all, for the disk or the policy, another thread goes on with what this one had.
    ///
    /// # Errors
    ///
    /// What the question ends with; 503 where it takes too long, and then goes on unheard.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.in_time(async {
            let ask = self.placed(question).await;
            // A task of its own: the client is answered in time, and when it has gone, what it asked for is counted yet.
            spawn(async { while_waiting(|wait| block_in_place(wait), ask) }).await
        })
        .await
    }

    /// Has the installation do what takes its time, on a thread that may wait.
    ///
    /// # Errors
    ///
    /// As [`Service::ask`].
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.in_time(async { spawn_blocking(self.placed(work).await).await }).await
    }

    /// What is to be asked, once there is a place for it.
    async fn placed<T>(
        self: &Arc<Self>,
        ask: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> impl FnOnce() -> T + Send + 'static {
        let service = self.clone();
        let place = self.places.clone().acquire_owned().await;
        move || {
            let answer = ask(&service);
            drop(place);
            answer
        }
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<Result<T, Problem>, JoinError>>,
    ) -> Result<T, Problem> {
        match timeout(self.settings.request_time, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => {
                Err(Problem::no_decision("answer-late", "no answer came in time; it may yet have been counted"))
            }
        }
    }
}
