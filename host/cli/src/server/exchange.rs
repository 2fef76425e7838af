//! One request over HTTP, and its answer.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Place, tls};

/// The longest that is waited for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 64 << 20;

/// What is sent along.
pub(super) enum Body {
    None,
    Json(Vec<u8>),
    Bytes(Vec<u8>),
}

/// What came back.
pub(super) struct Answer {
    pub(super) is_success: bool,
    pub(super) body: Vec<u8>,
}

/// Sends a request, and waits for its answer.
///
/// # Errors
///
/// Where nobody listens, what comes back is no HTTP, or nothing comes in time.
pub(super) fn exchange(
    place: &Place,
    token: Option<&str>,
    method: &Method,
    path: &str,
    body: Body,
) -> io::Result<Answer> {
    let request = request(place, token, method, path, body).map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { timeout(PATIENCE, ask(place, request)).await.map_err(io::Error::from)? })
}

fn request(
    place: &Place,
    token: Option<&str>,
    method: &Method,
    path: &str,
    body: Body,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let host = match place {
        Place::Tcp(address) | Place::Tls { address, .. } => address,
        Place::Unix(_) => "localhost",
    };
    let request = Request::builder().method(method).uri(path).header(header::HOST, host);
    let request = match token {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    let (kind, body) = match body {
        Body::None => (None, Vec::new()),
        Body::Json(body) => (Some("application/json"), body),
        Body::Bytes(body) => (Some("application/octet-stream"), body),
    };
    let request = match kind {
        Some(kind) => request.header(header::CONTENT_TYPE, kind),
        None => request,
    };
    request.body(Full::from(body))
}

async fn ask(place: &Place, request: Request<Full<Bytes>>) -> io::Result<Answer> {
    match place {
        Place::Tcp(address) => over(TcpStream::connect(address).await?, request).await,
        Place::Tls { address, trusted } => over(tls::connect(address, trusted).await?, request).await,
        #[cfg(unix)]
        Place::Unix(path) => over(tokio::net::UnixStream::connect(path).await?, request).await,
        #[cfg(not(unix))]
        Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> io::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // What goes wrong with it is seen by the request.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    read(answer).await
}

async fn read(answer: hyper::Response<Incoming>) -> io::Result<Answer> {
    let is_success = answer.status().is_success();
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(io::Error::other)?;
    Ok(Answer { is_success, body: body.to_bytes().to_vec() })
}
