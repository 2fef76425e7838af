//! The clients that are connected, and for how long each may take.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tracing::warn;

use crate::api::Api;
use crate::awake::Awake;
use crate::listener::{Client, Listener, Stream};
use crate::owed::Owed;
use crate::places::{Place, Places};
use crate::settings::Settings;

/// Serves clients.
pub(crate) struct Connections {
    api: Api,
    http: http1::Builder,
    places: Arc<Places>,
    header_time: Duration,
    write_time: Duration,
}

/// How long a stop goes on taking clients, and waits for the next request of each: longer than a client takes that asks one after the other, or
/// that has connected and sends its first, and short enough for whoever waits for the stop.
const DRAIN: Duration = Duration::from_millis(800);

/// How long who is connecting when nobody else can takes to have done so: a round trip of a network.
const HANDSHAKE: Duration = Duration::from_millis(100);

impl Connections {
    pub(crate) fn new(settings: &Settings, api: Api) -> Self {
        let mut http = http1::Builder::new();
        http.max_header_size(settings.header_bytes).max_buf_size(settings.header_bytes.max(SMALLEST_BUFFER));
        Self {
            api,
            http,
            places: Arc::new(Places::new(room(settings.connections))),
            header_time: settings.header_time,
            write_time: settings.request_time,
        }
    }

    /// Takes clients as they come, until a stop has let in those who had connected.
    pub(crate) async fn take(&self, listener: Listener) {
        let mut drained = pin!(async {
            self.places.closed().await;
            sleep(DRAIN).await;
            listener.hide();
            sleep(HANDSHAKE).await;
        });
        loop {
            tokio::select! {
                biased;
                () = &mut drained => break,
                accepted = listener.accept() => match accepted {
                    Ok(client) => self.connect(client, self.places.take().await),
                    Err(error) => {
                        // The next one would fail alike where the process has no more files to open: some end meanwhile.
                        warn!(%error, "a client could not be accepted");
                        sleep(RETRY).await;
                    }
                },
            }
        }
        self.places.tell();
        while let Some(client) = listener.waiting() {
            self.connect(client, self.places.take().await);
        }
    }

    /// Stops taking clients, by the end of what takes them, and lets what was asked be answered, for so long: has it ended?
    pub(crate) async fn stop(&self, taking: impl Future<Output = ()>, time: Duration) -> bool {
        self.places.close();
        let ended = async {
            taking.await;
            self.places.emptied().await;
        };
        timeout(DRAIN + HANDSHAKE + time, ended).await.is_ok()
    }

    fn connect(&self, client: Client, place: Place) {
        let (api, http, places) = (self.api.clone(), self.http.clone(), self.places.clone());
        let (header_time, write_time) = (self.header_time, self.write_time);
        tokio::spawn(async move {
            let (guest, places) = (&place.guest, &*places);
            let patience = || if places.is_closing() { header_time.min(DRAIN) } else { header_time };
            let stream = match client {
                Client::Ready(stream) => stream,
                Client::Handshake(stream, tls) => tokio::select! {
                    agreed = tls.handshake(stream) => match agreed {
                        Ok(stream) => Stream::Tls(Box::new(stream)),
                        Err(_) => return,
                    },
                    () = guest.is_over(patience) => return,
                },
            };
            let mut stream = TimeoutStream::new(stream);
            // Who does not take the answer is not waited for.
            stream.set_write_timeout(Some(write_time));
            let answer = service_fn(|request: Request<Incoming>| {
                guest.asks();
                let answer = api.answer(request.map(|body| Owed::new(body, guest.clone())));
                async move {
                    let mut answer = answer.await;
                    guest.is_answered();
                    // What is left of a body is not waited for, and another request could not be told from it.
                    if guest.had_more() || places.ends_answered() {
                        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, Infallible>(answer)
                }
            });
            let connection = pin!(http.serve_connection(TokioIo::new(Box::pin(stream)), answer));
            let mut connection = Awake::new(connection);
            // What a client does wrong, or that it went away, is no event of ours. What has come from it is read before it is let go.
            tokio::select! {
                biased;
                _ = &mut connection => return,
                () = guest.is_over(patience) => {}
            }
            if places.is_closing() {
                // It ends here, unless the client has begun to ask.
                connection.future().as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    _ = &mut connection => {}
                    () = guest.is_over(|| header_time) => {}
                }
            }
        });
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
