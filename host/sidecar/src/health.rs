//! Asking a running service whether it lives, as an image without any other program has to.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use crate::settings::Settings;

/// The service does not live, or lives elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Nobody answers there, or not in time.
    #[error("nobody answers")]
    Silent(#[from] io::Error),
    /// No TLS with it.
    #[error("it speaks no TLS that this client speaks")]
    Tls(#[from] rustls::Error),
    /// Something answers, and not as a service that lives.
    #[error("the answer is not 200")]
    Answer,
}

/// How long each step may take.
const TIME: Duration = Duration::from_secs(2);

/// Asks the service that these settings start, at `/healthz`. It sends no token, so that it matters little who answers: the certificate is
/// not looked at.
///
/// # Errors
///
/// [`HealthError`].
pub fn health(settings: &Settings) -> Result<(), HealthError> {
    if let Some(path) = &settings.unix {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(TIME))?;
        stream.set_write_timeout(Some(TIME))?;
        return ask(stream);
    }
    let stream = TcpStream::connect_timeout(&near(settings.address), TIME)?;
    stream.set_read_timeout(Some(TIME))?;
    stream.set_write_timeout(Some(TIME))?;
    if settings.tls_certificate.is_none() {
        return ask(stream);
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    let name = ServerName::from(near(settings.address).ip());
    ask(StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, stream))
}

fn ask(mut stream: impl Read + Write) -> Result<(), HealthError> {
    const YES: &[u8] = b"HTTP/1.1 200 ";
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut start = [0; YES.len()];
    stream.read_exact(&mut start)?;
    if start == YES { Ok(()) } else { Err(HealthError::Answer) }
}

/// Where this machine finds it.
fn near(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Takes whatever certificate is shown, and holds who shows it to its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
