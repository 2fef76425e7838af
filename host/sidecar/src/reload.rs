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

/// Reloads whenever one of these changes, for ever: once it stands still for as long as it is looked at again.
pub(crate) async fn watch(paths: &[PathBuf], every: Duration, mut reload: impl AsyncFnMut()) {
    let mut loaded = look(paths).await;
    let mut last = loaded.clone();
    loop {
        sleep(every).await;
        let seen = look(paths).await;
        if seen == last && seen != loaded {
            reload().await;
            loaded = seen.clone();
        }
        last = seen;
    }
}

async fn look(paths: &[PathBuf]) -> Vec<Vec<Seen>> {
    let paths = paths.to_vec();
    spawn_blocking(move || paths.iter().map(|path| files::look(path)).collect()).await.unwrap_or_default()
}
