//! The addresses of a host.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::thread;

use tokio::sync::oneshot::{self, Receiver};

/// Asks the system, on a thread that nobody waits for at a stop: it may be held up for long by a name server that is silent.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    /// What is being asked: a second question waits for the answer to the first.
    asked: Option<Receiver<io::Result<Vec<SocketAddr>>>>,
}

impl Lookup {
    /// The addresses, of which there is one at least.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) async fn addresses(&mut self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let asked = match &mut self.asked {
            Some(asked) => asked,
            none => none.insert(ask(host.to_owned(), port)?),
        };
        let found = asked.await;
        self.asked = None;
        found.map_err(io::Error::other)?
    }
}

fn ask(host: String, port: u16) -> io::Result<Receiver<io::Result<Vec<SocketAddr>>>> {
    let (told, asked) = oneshot::channel();
    thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        let found = (&*host, port).to_socket_addrs().map(Iterator::collect);
        // Where nobody waits any more, nobody misses it.
        drop(told.send(found));
    })?;
    Ok(asked)
}
