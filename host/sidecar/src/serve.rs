//! The service from its start to its end.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use placet::{Builder, OpenError, Placet, Status};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::connections::Connections;
use crate::credentials::{Credentials, CredentialsError};
use crate::known::Known;
use crate::listener::{ListenError, Listener};
use crate::otlp::{Exporter, OtlpError};
use crate::reload::Watched;
use crate::service::{PLACES, Service};
use crate::settings::{FailMode, OnNoLicense, Settings, Uploads};
use crate::tls::{Tls, TlsError};
use crate::{api, credentials, environment, files, log, reload, settings};

/// Threads for what reads files by itself, beside those that [`PLACES`] take: licenses, certificates.
const OTHERS: usize = 8;

/// The service cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The installation cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No license is usable, and the operator wants the service to exit then.
    #[error("no license is usable: {} ({})", .0.state, .0.reason)]
    NotUsable(Box<Status>),
    /// Who may ask is told wrongly.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// It cannot speak TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It cannot send its figures as it is told.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The variable that `license.token_env` names is not set.
    #[error("`license.token_env` names the variable `{0}`, which is not set or empty")]
    NoVariable(String),
    /// A file that a key names cannot be read.
    #[error("`{}` cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no threads, signals or random bytes.
    #[error("the system does not let the service run")]
    System(#[source] io::Error),
}

/// Opens the installation and answers requests until the process is told to stop (SIGTERM, SIGINT). The builder says whom to trust.
///
/// # Errors
///
/// [`ServeError`] where it cannot start.
pub fn serve(settings: &Settings, trust: Builder) -> Result<(), ServeError> {
    log::start(settings.log_format, settings.log_level);
    warn_of_unknown_variables(settings);
    let watching = Watching::new(settings);
    let configured = settings.credentials.clone().map(Known::read).transpose()?;
    let tls = Tls::configured(settings)?.map(Arc::new);
    let exporter = Exporter::configured(settings)?;
    let placet = open(settings, trust)?;
    let known = Arc::new(configured.map_or_else(|| one_time(settings), Ok)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(PLACES + OTHERS)
        .build()
        .map_err(ServeError::System)?;
    let service = Service::new(placet, settings.clone(), known).map_err(ServeError::System)?;
    let served = runtime.block_on(run(Arc::new(service), settings, tls, watching, exporter));
    // Waits for what is being counted; then the last owner of the installation is gone, and it is closed.
    drop(runtime);
    settings.one_time_token().iter().for_each(|path| files::remove_secret(path));
    info!("stopped");
    served
}

/// Kubernetes sets some of them by itself, for a service named placet.
fn warn_of_unknown_variables(settings: &Settings) {
    for (variable, nearest) in settings::unknown(environment::names()) {
        match nearest {
            _ if settings.token_env.as_ref() == Some(&variable) => {}
            Some(nearest) => warn!(variable, "no setting has this variable; did you mean `{nearest}`?"),
            None => warn!(variable, "no setting has this variable; `placet serve --print-config` shows all"),
        }
    }
}

fn open(settings: &Settings, trust: Builder) -> Result<Placet, ServeError> {
    let placet = builder(settings, trust)?.subscribe(log::event).open()?;
    let status = placet.status();
    let told = (&*status.state, &*status.reason);
    match settings.on_no_license {
        _ if status.usable => info!(state = told.0, reason = told.1, "the license is usable"),
        OnNoLicense::Refuse => {
            warn!(state = told.0, reason = told.1, "no license is usable: decisions are denied until one is")
        }
        OnNoLicense::Exit => return Err(ServeError::NotUsable(Box::new(status))),
    }
    Ok(placet)
}

/// A token for this run, which only who may read the state directory finds.
fn one_time(settings: &Settings) -> Result<Known, ServeError> {
    let token = credentials::random_token().map_err(ServeError::System)?;
    if let Some(path) = settings.one_time_token() {
        files::write_secret(&path, &token).map_err(|source| ServeError::File { path: path.clone(), source })?;
        warn!(file = %path.display(), "no credentials are configured: a token for this run is in a file");
    }
    Ok(Known::of_this_run(Credentials::admin(&token)))
}

fn builder(settings: &Settings, trust: Builder) -> Result<Builder, ServeError> {
    let mut builder = trust.recheck_interval(settings.recheck).fail_mode(match settings.fail_mode {
        FailMode::Error => placet::FailMode::Error,
        FailMode::Closed => placet::FailMode::Closed,
    });
    builder = builder.uploads(match settings.uploads {
        Uploads::State => placet::Uploads::State,
        Uploads::Memory => placet::Uploads::Memory,
    });
    if let Some(time) = settings.validation_grace {
        builder = builder.validation_grace(time);
    }
    if let Some(path) = &settings.policy {
        builder = builder.policy(path);
    }
    if let Some(path) = &settings.state {
        builder = builder.state(path);
    }
    builder = settings.licenses.iter().chain(&settings.token_file).fold(builder, Builder::licenses);
    builder = settings.token.iter().fold(builder, Builder::license_token);
    if let Some(name) = &settings.token_env {
        let token = environment::variable(name).ok_or_else(|| ServeError::NoVariable(name.clone()))?;
        builder = builder.license_token(token);
    }
    builder = settings.facts.iter().fold(builder, |builder, fact| builder.fact(&fact.name, &fact.value));
    builder = match &settings.storage_secret {
        Some(path) => builder.storage_secret_file(path),
        None => builder.storage_secret_from_env(),
    };
    for secret in &settings.secret_files {
        let path = PathBuf::from(&secret.value);
        let value = files::read_text(&path).map_err(|source| ServeError::File { path, source })?;
        builder = builder.secret(&secret.name, value.trim());
    }
    Ok(builder)
}

/// What is looked at for changes.
struct Watching {
    licenses: Watched,
    credentials: Watched,
    certificate: Watched,
}

impl Watching {
    /// Before any of it is read.
    fn new(settings: &Settings) -> Self {
        let licenses = settings.licenses.iter().chain(&settings.token_file);
        let certificate = settings.tls_certificate.iter().chain(&settings.tls_key);
        Self {
            licenses: Watched::new(licenses.cloned().collect()),
            credentials: Watched::new(settings.credentials.iter().cloned().collect()),
            certificate: Watched::new(certificate.cloned().collect()),
        }
    }
}

async fn run(
    service: Arc<Service>,
    settings: &Settings,
    tls: Option<Arc<Tls>>,
    watching: Watching,
    mut exporter: Option<Exporter>,
) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::System)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::System)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(ServeError::System)?;
    let connections = Connections::new(settings, api::api(service.clone()));
    let listener = Listener::bind(settings, tls.clone()).await?;
    info!(address = listener.place(), "listening");
    if listener.is_exposed() {
        warn!(
            "tokens and answers cross the network unencrypted: set `listen.tls_certificate`, or listen on a loopback address"
        );
    }

    let reloading = async {
        while hangup.recv().await.is_some() {
            reload::reload(&service).await;
            service.known.reload().await;
            if let Some(tls) = &tls {
                tls.reload().await;
            }
        }
    };
    let certificate = async {
        match &tls {
            Some(tls) => watching.certificate.watch(settings.watch, async || tls.reload().await).await,
            None => pending().await,
        }
    };
    let exporting = async {
        match &mut exporter {
            Some(exporter) => exporter.run(&service).await,
            None => pending().await,
        }
    };

    let mut taking = pin!(connections.take(listener));
    tokio::select! {
        () = &mut taking => {}
        () = reloading => {}
        () = watching.licenses.watch(settings.watch, async || reload::reload(&service).await) => {}
        () = watching.credentials.watch(settings.watch, async || service.known.reload().await) => {}
        () = certificate => {}
        () = exporting => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("stopping");
    service.is_stopping.store(true, Ordering::Relaxed);
    if !connections.stop(taking, settings.stop_time).await {
        warn!("requests were still under way when the time to stop was over");
    }
    if let Some(exporter) = &mut exporter {
        exporter.last(&service).await;
    }
    Ok(())
}
