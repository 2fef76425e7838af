//! By what a collector is known that speaks TLS.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{ExportError, OtlpError};
use crate::files;

/// Those that vouch for it.
pub(super) fn read(path: Option<&Path>) -> Result<RootCertStore, OtlpError> {
    let path = path.ok_or(OtlpError::NoCertificates)?;
    let text = files::read_text(path).map_err(|source| OtlpError::File { path: path.to_owned(), source })?;
    let mut roots = RootCertStore::empty();
    let added = CertificateDer::pem_slice_iter(text.as_bytes())
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    if !added || roots.is_empty() {
        return Err(OtlpError::Certificates { path: path.to_owned() });
    }
    Ok(roots)
}

/// How to speak TLS with whom they vouch for.
pub(super) fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, ExportError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
