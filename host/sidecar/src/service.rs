//! What all requests share.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::body::Bytes;
use placet::Placet;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::api;
use crate::known::Known;
use crate::otlp::Exports;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::request_id::RequestIds;
use crate::settings::Settings;
use crate::waits::Waits;

/// The installation, and how it is to be asked.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) placet: Placet,
    pub(crate) settings: Settings,
    pub(crate) known: Arc<Known>,
    pub(crate) ids: RequestIds,
    pub(crate) exports: Exports,
    pub(crate) refusals: Refusals,
    /// It was told to stop.
    pub(crate) is_stopping: AtomicBool,
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
        let is_stopping = AtomicBool::new(false);
        Ok(Self {
            placet,
            settings,
            known,
            ids,
            exports: Exports::default(),
            refusals: Refusals::new(),
            is_stopping,
            openapi,
            places,
        })
    }

    /// Asks the installation about what `waits` is known of: on the thread that has the request, since handing it to another takes longer
    /// than a decision; on one that may wait where what was asked last about that subject had to wait, for the disk or the policy.
    ///
    /// # Errors
    ///
    /// What the question ends with; 503 where it takes too long, and then goes on unheard.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        waits: Waits,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        if !waits.expected()
            && let Ok(_place) = self.places.try_acquire()
        {
            return waits.noted(|| question(self));
        }
        self.work(move |service| waits.noted(|| question(service))).await
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
        let service = self.clone();
        let done = async {
            let place = self.places.clone().acquire_owned().await;
            let work = move || {
                let answer = work(&service);
                drop(place);
                answer
            };
            spawn_blocking(work).await
        };
        match timeout(self.settings.request_time, done).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => {
                Err(Problem::no_decision("answer-late", "no answer came in time; it may yet have been counted"))
            }
        }
    }
}
