//! One request to a collector, and its answer.

use std::io;
use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{ExportError, trust};

/// The longest answer, in bytes: one of OTLP says little.
const MAX_ANSWER: usize = 64 << 10;

/// Sends a request to the first of these addresses where somebody listens, over a connection of its own: the body of the answer. By TLS,
/// where there is something to trust.
///
/// # Errors
///
/// Where nobody listens, nobody is vouched for, or what comes back is no success.
pub(super) async fn exchange(
    host: &str,
    addresses: &[SocketAddr],
    trust: Option<RootCertStore>,
    request: Request<Full<Bytes>>,
) -> Result<Bytes, ExportError> {
    let stream = TcpStream::connect(addresses).await.map_err(ExportError::Silent)?;
    let Some(roots) = trust else { return over(stream, request).await };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| ExportError::Tls(io::Error::other(error)))?;
    let connector = TlsConnector::from(trust::config(roots)?);
    over(connector.connect(name, stream).await.map_err(ExportError::Tls)?, request).await
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Bytes, ExportError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let strange = |error: hyper::Error| ExportError::Http(error.into());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(strange)?;
    // It ends with this exchange; what goes wrong with it is seen by the request.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let answer = sender.send_request(request).await.map_err(strange)?;
    if !answer.status().is_success() {
        return Err(ExportError::Status(answer.status().as_u16()));
    }
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(ExportError::Http)?;
    Ok(body.to_bytes())
}
