//! The clients that are connected: how many, and for how long each may take.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tracing::warn;

use crate::api::Api;
use crate::awake::Awake;
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
        http.max_header_size(settings.header_bytes).max_buf_size(settings.header_bytes.max(SMALLEST_BUFFER));
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
        let silence = Arc::new(Silence::new());
        let answer = service_fn({
            let (api, silence) = (self.api.clone(), silence.clone());
            move |request| {
                let (api, silence) = (api.clone(), silence.clone());
                silence.ends();
                async move {
                    let answer = api.answer(request).await;
                    silence.begins();
                    answer
                }
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(Box::pin(stream)), answer);
        let watched = self.graceful.watch(connection);
        let most = self.header_time;
        tokio::spawn(async move {
            let watched = pin!(watched);
            let mut watched = Awake::new(watched);
            // What a client does wrong, or that it went away, is no event of ours.
            let mut until = most;
            while timeout(until, &mut watched).await.is_err() {
                match most.checked_sub(silence.lasts()) {
                    Some(left) if !left.is_zero() => until = left,
                    _ => break,
                }
            }
            drop(place);
        });
    }

    /// Lets what is under way end, for so long: has it ended?
    pub(crate) async fn stop(self, time: Duration) -> bool {
        timeout(time, self.graceful.shutdown()).await.is_ok()
    }
}

/// How long a client has been silent: since it connected, or was answered, until the head of a request is there. It is looked at when it may
/// have been too long; a timer for each request would cost more than a decision.
#[derive(Debug)]
struct Silence {
    connected: Instant,
    /// Milliseconds from then to the last answer; [`Silence::NONE`] while a request is answered.
    since: AtomicU64,
}

impl Silence {
    const NONE: u64 = u64::MAX;

    fn new() -> Self {
        Self { connected: Instant::now(), since: AtomicU64::new(0) }
    }

    fn ends(&self) {
        self.since.store(Self::NONE, Ordering::Relaxed);
    }

    fn begins(&self) {
        self.since.store(self.age(), Ordering::Relaxed);
    }

    fn lasts(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            Self::NONE => Duration::ZERO,
            since => Duration::from_millis(self.age().saturating_sub(since)),
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.connected.elapsed().as_millis()).unwrap_or(Self::NONE - 1)
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
