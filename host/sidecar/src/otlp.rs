//! The figures of the installation, sent to a collector of OpenTelemetry: OTLP 1.x over HTTP, as protobuf.
//!
//! No request waits for it. What does not arrive is not sent again: all counts are cumulative, so the next export tells it, too.

mod endpoint;
mod exchange;
mod headers;
mod lookup;
mod message;
mod trust;

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::http;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::rustls;
use tracing::{info, warn};

use self::endpoint::Endpoint;
use self::exchange::exchange;
use self::lookup::Lookup;
use self::message::Source;
use crate::log;
use crate::metrics::families;
use crate::service::Service;
use crate::settings::Settings;

/// The longest that an export takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest that the last one takes: a stop waits for it.
const LAST: Duration = Duration::from_secs(3);

/// Figures cannot be sent as it is told. Whose fault: whoever configured it. It never shows a header.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// A file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file has something else than headers in it.
    #[error("line {line} of `{}` is not `NAME: VALUE` of a header that may be set", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// From 1 on.
        line: usize,
    },
    /// Where the collector is, is not told as it has to be. It is not shown: its path may be a secret.
    #[error("`otlp.endpoint` is none: {0}")]
    Endpoint(&'static str),
    /// Nothing tells by what a collector is known that speaks TLS.
    #[error(
        "`otlp.endpoint` begins with https, and `otlp.ca_file` names no certificates by which the collector is known"
    )]
    NoCertificates,
    /// A file is not what it has to be.
    #[error("`{}` is not PEM with certificates of who vouches for others", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[source] io::Error),
}

/// An export did not reach the collector, or was not taken. Whose fault: the collector's, the network's, or whoever changed a file.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Configured(#[from] OtlpError),
    #[error("the name of its host is not known")]
    Unknown(#[source] io::Error),
    #[error("nobody answers there")]
    Silent(#[source] io::Error),
    #[error("no TLS with it by the certificates of `otlp.ca_file`")]
    Tls(#[source] io::Error),
    #[error("these TLS settings cannot be used")]
    Unusable(#[from] rustls::Error),
    #[error("it speaks no HTTP as it is expected here")]
    Http(#[source] Box<dyn Error + Send + Sync>),
    #[error("it answers status {0}")]
    Status(u16),
    #[error("its answer is none of OTLP")]
    Strange,
    #[error("it did not take {0} of the values")]
    Rejected(i64),
    #[error("it takes too long")]
    Late,
    #[error("the installation gives no figures")]
    NoFigures,
}

/// How many exports ended how.
#[derive(Debug, Default)]
pub(crate) struct Exports {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl Exports {
    /// Each outcome with its count.
    pub(crate) fn outcomes(&self) -> [(&'static str, u64); 2] {
        [("delivered", &self.delivered), ("failed", &self.failed)]
            .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }
}

/// Where figures are sent to, and as whose.
#[derive(Debug)]
pub(crate) struct Exporter {
    endpoint: Endpoint,
    lookup: Lookup,
    source: Arc<Source>,
    every: Duration,
    is_failing: bool,
}

impl Exporter {
    /// What is configured; none where nothing is. It is made before anything is counted.
    ///
    /// # Errors
    ///
    /// [`OtlpError`].
    pub(crate) fn configured(settings: &Settings) -> Result<Option<Self>, OtlpError> {
        let standard = || endpoint::standard(settings.otlp_ca.is_some());
        let endpoint = settings.otlp_endpoint.as_ref().map(|text| Endpoint::base(text).map_err(OtlpError::Endpoint));
        let Some(endpoint) = endpoint.transpose()?.or_else(standard) else { return Ok(None) };
        // What is wrong with the files is told at the start.
        headers::read(settings.otlp_headers.as_deref())?;
        if endpoint.is_tls() {
            trust::read(settings.otlp_ca.as_deref())?;
        }
        let source = Source::new().map_err(OtlpError::Random)?;
        let lookup = Lookup::default();
        let exporter =
            Self { endpoint, lookup, source: Arc::new(source), every: settings.otlp_interval, is_failing: false };
        info!(collector = exporter.endpoint.place(), "figures are exported by OTLP");
        Ok(Some(exporter))
    }

    /// Exports at once, and then again and again, for ever.
    pub(crate) async fn run(&mut self, service: &Arc<Service>) {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.export(service, PATIENCE).await;
        }
    }

    /// Exports what was counted since, while the service stops.
    pub(crate) async fn last(&mut self, service: &Arc<Service>) {
        self.export(service, LAST).await;
    }

    async fn export(&mut self, service: &Arc<Service>, patience: Duration) {
        let sent = timeout(patience, self.send(service)).await.unwrap_or(Err(ExportError::Late));
        let count = if sent.is_ok() { &service.exports.delivered } else { &service.exports.failed };
        count.fetch_add(1, Ordering::Relaxed);
        match &sent {
            Err(error) if !self.is_failing => {
                let (error, collector) = (log::chain(error), self.endpoint.place());
                warn!(error, collector, "figures cannot be exported; it is tried on and on");
            }
            Ok(()) if self.is_failing => info!(collector = self.endpoint.place(), "figures are exported again"),
            _ => {}
        }
        self.is_failing = sent.is_err();
    }

    async fn send(&mut self, service: &Arc<Service>) -> Result<(), ExportError> {
        let (service, source, endpoint) = (service.clone(), self.source.clone(), self.endpoint.clone());
        // Figures wait for policy and disk; the files may have been replaced since.
        let prepared = spawn_blocking(move || {
            let settings = &service.settings;
            let families = families(&service.placet.figures(), &service.exports, &service.refusals);
            let body = source.message(families, &settings.metrics_prefix);
            let request = request(&endpoint, headers::read(settings.otlp_headers.as_deref())?, body)?;
            let trust = if endpoint.is_tls() { Some(trust::read(settings.otlp_ca.as_deref())?) } else { None };
            Ok::<_, ExportError>((request, trust))
        });
        let (request, trust) = prepared.await.map_err(|_| ExportError::NoFigures)??;
        let (host, port) = self.endpoint.host_and_port();
        let addresses = self.lookup.addresses(host, port).await.map_err(ExportError::Unknown)?;
        message::taken(&exchange(host, &addresses, trust, request).await?)
    }
}

fn request(endpoint: &Endpoint, headers: http::HeaderMap, body: Vec<u8>) -> Result<Request<Full<Bytes>>, ExportError> {
    let mut request = Request::post(endpoint.path())
        .header(http::header::HOST, endpoint.authority())
        .header(http::header::CONTENT_TYPE, "application/x-protobuf")
        .header(http::header::USER_AGENT, concat!("placet/", env!("CARGO_PKG_VERSION")))
        .body(Full::from(body))
        .map_err(|error| ExportError::Http(error.into()))?;
    request.headers_mut().extend(headers);
    Ok(request)
}
