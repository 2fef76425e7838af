//! Reading files anew: when the process is told to (SIGHUP), and when one has changed.
//!
//! Changes are looked for, not waited for: that sees a file that was renamed into place, a link that a Kubernetes mount turned, and a
//! network share alike.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::files::{self, Seen};
use crate::service::Service;

/// Reads the licenses anew. What does not hold changes nothing that does.
pub(crate) async fn reload(service: &Arc<Service>) {
    let service = service.clone();
    let reloaded = spawn_blocking(move || match service.placet.reload() {
        Ok(status) => info!(state = status.state, reason = status.reason, "licenses were read anew"),
        Err(failure) => warn!(reason = failure.reason(), "licenses could not be read anew; what held before holds on"),
    });
    // It panics where the policy's host does, which has told it.
    drop(reloaded.await);
}

/// Files that are looked at for a change.
#[derive(Debug)]
pub(crate) struct Watched {
    paths: Vec<PathBuf>,
    /// As they were when they were read last, or before.
    loaded: Vec<Vec<Seen>>,
}

impl Watched {
    /// As they are now. They are to be read after this: a change in between is seen.
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        let loaded = look_at(&paths);
        Self { paths, loaded }
    }

    /// Reloads whenever one of them changes, for ever: once it stands still for as long as it is looked at again.
    pub(crate) async fn watch(mut self, every: Duration, mut reload: impl AsyncFnMut()) {
        let mut last = self.loaded.clone();
        loop {
            sleep(every).await;
            let seen = look(&self.paths).await;
            if seen == last && seen != self.loaded {
                reload().await;
                self.loaded = seen.clone();
            }
            last = seen;
        }
    }
}

async fn look(paths: &[PathBuf]) -> Vec<Vec<Seen>> {
    let paths = paths.to_vec();
    spawn_blocking(move || look_at(&paths)).await.unwrap_or_default()
}

fn look_at(paths: &[PathBuf]) -> Vec<Vec<Seen>> {
    paths.iter().map(|path| files::look(path)).collect()
}
