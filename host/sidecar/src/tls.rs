//! TLS: the certificate that the service shows, and showing another one while it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use tracing::{info, warn};

use crate::settings::Settings;
use crate::{files, log};

/// The service cannot speak TLS as it is told. Whose fault: whoever configured it, or made the certificate. It never shows the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of the two is set without the other.
    #[error("`listen.tls_certificate` and `listen.tls_key` are set together or not at all")]
    Half,
    /// A socket has no names that a certificate could stand for.
    #[error("TLS is for an address; `listen.unix` has permissions instead")]
    Socket,
    /// A file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what it has to be.
    #[error("`{}` is not PEM with {what}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it has to hold.
        what: &'static str,
    },
    /// They are of a kind that is not known, or do not belong together.
    #[error("the certificate `{}` cannot be used with its key", path.display())]
    Unusable {
        /// The certificate.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// A certificate with its key, as they lie in files.
#[derive(Debug)]
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    shown: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// What is configured; none where nothing is.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    pub(crate) fn configured(settings: &Settings) -> Result<Option<Self>, TlsError> {
        let (certificate, key) = match (&settings.tls_certificate, &settings.tls_key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => return Err(TlsError::Half),
        };
        if settings.unix.is_some() {
            return Err(TlsError::Socket);
        }
        let shown = RwLock::new(read(&certificate, &key)?);
        Ok(Some(Self { certificate, key, shown }))
    }

    /// Reads them anew. New connections see what they hold then; where that cannot be used, what they held before.
    pub(crate) async fn reload(self: &Arc<Self>) {
        let tls = self.clone();
        // It does not panic.
        drop(spawn_blocking(move || tls.read_anew()).await);
    }

    fn read_anew(&self) {
        match read(&self.certificate, &self.key) {
            Ok(config) => {
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = config;
                info!("the certificate was read anew");
            }
            Err(error) => {
                warn!(
                    error = log::chain(&error),
                    "the certificate could not be read anew; what was shown before is shown on"
                );
            }
        }
    }

    /// Agrees with a client on a secret.
    ///
    /// # Errors
    ///
    /// Where it speaks another protocol, or goes away.
    pub(crate) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(config).accept(stream).await
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let text = |path: &Path| files::read_text(path).map_err(|source| TlsError::File { path: path.to_owned(), source });
    let not_pem = |path: &Path, what| TlsError::Pem { path: path.to_owned(), what };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text(certificate)?.as_bytes()).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| not_pem(certificate, "a certificate"))?;
    let private = PrivateKeyDer::from_pem_slice(text(key)?.as_bytes()).map_err(|_| not_pem(key, "a private key"))?;
    let unusable = |source| TlsError::Unusable { path: certificate.to_owned(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
