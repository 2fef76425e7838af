//! The clients that are connected: how many, and for how long each may take.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tracing::warn;

use crate::api::Api;
use crate::listener::{Client, Listener, Stream};
use crate::settings::Settings;

/// Serves clients.
pub(crate) struct Connections {
    api: Api,
    http: http1::Builder,
    graceful: GracefulShutdown,
    free: Arc<Semaphore>,
    header_time: Duration,
    write_time: Duration,
}

/// What counts as a connection, for as long as it is kept.
type Place = OwnedSemaphorePermit;

impl Connections {
    pub(crate) fn new(settings: &Settings, api: Api) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(settings.header_time)
            .max_header_size(settings.header_bytes)
            .max_buf_size(settings.header_bytes.max(SMALLEST_BUFFER));
        Self {
            api,
            http,
            graceful: GracefulShutdown::new(),
            free: Arc::new(Semaphore::new(room(settings.connections))),
            header_time: settings.header_time,
            write_time: settings.request_time,
        }
    }

    /// Takes clients as they come, for ever.
    pub(crate) async fn take(&self, listener: &Listener) {
        // Whoever is still agreeing on a secret when this ends has asked nothing yet.
        let mut handshakes = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.accept(listener) => match accepted {
                    Ok((Client::Ready(stream), place)) => self.connect(stream, place),
                    Ok((Client::Handshake(stream, tls), place)) => {
                        let agreed = timeout(self.header_time, async move { tls.handshake(stream).await });
                        handshakes.spawn(async move { Some((Stream::Tls(Box::new(agreed.await.ok()?.ok()?)), place)) });
                    }
                    Err(error) => {
                        // The next one would fail alike where the process has no more files to open: some end meanwhile.
                        warn!(%error, "a client could not be accepted");
                        sleep(RETRY).await;
                    }
                },
                Some(agreed) = handshakes.join_next() => {
                    if let Ok(Some((stream, place))) = agreed {
                        self.connect(stream, place);
                    }
                }
            }
        }
    }

    /// The next client, when there is a place for it.
    async fn accept(&self, listener: &Listener) -> io::Result<(Client, Place)> {
        let place = self.free.clone().acquire_owned().await.map_err(io::Error::other)?;
        Ok((listener.accept().await?, place))
    }

    fn connect(&self, stream: Stream, place: Place) {
        let mut stream = TimeoutStream::new(stream);
        // Who does not take the answer is not waited for.
        stream.set_write_timeout(Some(self.write_time));
        let api = self.api.clone();
        let answer = service_fn(move |request| api.clone().answer(request));
        let connection = self.http.serve_connection(TokioIo::new(Box::pin(stream)), answer);
        let watched = self.graceful.watch(connection);
        tokio::spawn(async move {
            // What a client does wrong, or that it went away, is no event of ours.
            drop(pin!(watched).await);
            drop(place);
        });
    }

    /// Lets what is under way end, for so long: has it ended?
    pub(crate) async fn stop(self, time: Duration) -> bool {
        timeout(time, self.graceful.shutdown()).await.is_ok()
    }
}

/// Lets the process have as many files open as so many connections take: how many of these it can have.
fn room(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let needed = OTHER_FILES.saturating_add(connections as u64);
    let Some(current) = limit.current.filter(|current| *current < needed) else { return connections };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let current = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
        Ok(()) => raised,
        Err(_) => current,
    };
    let places = usize::try_from(current.saturating_sub(OTHER_FILES)).unwrap_or(connections).clamp(1, connections);
    if places < connections {
        warn!(places, "the process may not open as many files as `limits.connections` takes: it has fewer connections");
    }
    places
}

/// What the process has open beside connections, at the most.
const OTHER_FILES: u64 = 128;

/// The least that hyper reads into, in bytes.
const SMALLEST_BUFFER: usize = 8_192;

/// After a client could not be accepted.
const RETRY: Duration = Duration::from_millis(100);
