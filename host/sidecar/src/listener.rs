//! Where clients connect: an address, with TLS or without, or a unix socket.

use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::AsFd as _;
use std::os::unix;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

#[cfg(target_os = "linux")]
use socket2::{SockFilter, SockRef};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::server::TlsStream;

use crate::files;
use crate::settings::Settings;
use crate::tls::Tls;

/// The service cannot listen. Whose fault: whoever chose the place, or another program has it.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, or not of this machine, or its port needs rights.
    #[error("cannot listen on {address}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Another program listens on the socket, or it cannot be made.
    #[error("cannot listen on the socket `{}`", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A place that clients connect to.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener, Option<Arc<Tls>>),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub(crate) async fn bind(settings: &Settings, tls: Option<Arc<Tls>>) -> Result<Self, ListenError> {
        match &settings.unix {
            Some(path) => {
                let socket = bind_socket(path).await;
                socket
                    .map(|listener| Self::Unix(listener, path.clone()))
                    .map_err(|source| ListenError::Socket { path: path.clone(), source })
            }
            None => {
                let address = settings.address;
                TcpListener::bind(address)
                    .await
                    .map(|listener| Self::Tcp(listener, tls))
                    .map_err(|source| ListenError::Address { address, source })
            }
        }
    }

    /// Where it listens, as a client names it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Tcp(listener, tls) => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                let address = listener.local_addr();
                address.map_or_else(|_| "an address".to_owned(), |address| format!("{scheme}://{address}"))
            }
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    /// Whether others than this machine's processes can reach it, and read what is said to it.
    pub(crate) fn is_exposed(&self) -> bool {
        match self {
            Self::Tcp(listener, None) => {
                listener.local_addr().is_ok_and(|address| !address.ip().to_canonical().is_loopback())
            }
            Self::Tcp(_, Some(_)) | Self::Unix(..) => false,
        }
    }

    /// The next client.
    ///
    /// # Errors
    ///
    /// What the system says; the next may be fine.
    pub(crate) async fn accept(&self) -> io::Result<Client> {
        match self {
            Self::Tcp(listener, tls) => {
                let (stream, _) = listener.accept().await?;
                connected(stream, tls.as_ref())
            }
            Self::Unix(listener, _) => Ok(Client::Ready(Stream::Unix(listener.accept().await?.0))),
        }
    }

    /// Lets nobody else connect without turning away who waits: nobody finds a socket any more, and who asks an address for a connection is not
    /// answered, where the system can do so (Linux); it asks again, and is refused once the listener is gone.
    pub(crate) fn hide(&self) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Tcp(listener, _) => drop(
                SockRef::from(listener)
                    .attach_filter(&NO_SYN.map(|(code, yes, no, value)| SockFilter::new(code, yes, no, value))),
            ),
            #[cfg(not(target_os = "linux"))]
            Self::Tcp(..) => {}
            // What stays is taken away by the next start.
            Self::Unix(_, path) => drop(files::remove_socket(path)),
        }
    }

    /// The next client, where one has connected: the system says so, since the runtime may not have heard of it yet. Who could not be accepted is
    /// none.
    pub(crate) fn waiting(&self) -> Option<Client> {
        let client = match self {
            Self::Tcp(listener, tls) => {
                let listener = net::TcpListener::from(listener.as_fd().try_clone_to_owned().ok()?);
                let (stream, _) = listener.accept().ok()?;
                stream.set_nonblocking(true).and_then(|()| connected(TcpStream::from_std(stream)?, tls.as_ref()))
            }
            Self::Unix(listener, _) => {
                let listener = unix::net::UnixListener::from(listener.as_fd().try_clone_to_owned().ok()?);
                let (stream, _) = listener.accept().ok()?;
                let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
                stream.map(|stream| Client::Ready(Stream::Unix(stream)))
            }
        };
        client.ok()
    }
}

/// The kernel's filter (classic BPF) for what reaches a listening socket: the packet from its TCP header on. The byte with the flags is loaded, and
/// where SYN is among them (RFC 9293, section 3.1), nothing of the packet is kept; else all is.
#[cfg(target_os = "linux")]
const NO_SYN: [(u16, u8, u8, u32); 4] = [(0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, u32::MAX)];

fn connected(stream: TcpStream, tls: Option<&Arc<Tls>>) -> io::Result<Client> {
    // Answers are written whole; waiting for more to send would only delay them.
    stream.set_nodelay(true)?;
    Ok(match tls {
        Some(tls) => Client::Handshake(stream, tls.clone()),
        None => Client::Ready(Stream::Tcp(stream)),
    })
}

async fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on it"));
    }
    files::remove_socket(path)?;
    let listener = UnixListener::bind(path)?;
    files::restrict_socket(path)?;
    Ok(listener)
}

/// Who has connected.
#[derive(Debug)]
pub(crate) enum Client {
    Ready(Stream),
    /// It has yet to agree on a secret.
    Handshake(TcpStream, Arc<Tls>),
}

/// A connected client.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_connects_before_it_is_hidden_is_let_in_and_who_comes_later_is_refused_when_it_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = Listener::Tcp(listener, None);
        let _early = net::TcpStream::connect(address).unwrap();
        listener.hide();
        let late = tokio::spawn(TcpStream::connect(address));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!late.is_finished());
        assert!(matches!(listener.waiting(), Some(Client::Ready(_))) && listener.waiting().is_none());
        drop(listener);
        assert_eq!(late.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
