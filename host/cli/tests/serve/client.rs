//! A client that keeps its connection.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::service::Service;

/// One connection, for one request after the other.
pub(crate) struct Client<S = TcpStream> {
    reader: BufReader<S>,
    token: String,
    /// The last answer said that it is the last.
    pub(crate) is_closed: bool,
}

impl Client {
    pub(crate) fn connect(service: &Service) -> Self {
        Self::over(service.connect(), &service.token)
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S, token: &str) -> Self {
        Self { reader: BufReader::new(stream), token: token.to_owned(), is_closed: false }
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<(u16, String)> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))?;
        self.answer()
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> io::Result<(u16, String)> {
        self.send(&self.posted(path, "", body))?;
        self.answer()
    }

    /// A request with these headers besides, each with its line end.
    pub(crate) fn posted(&self, path: &str, headers: &str, body: &str) -> String {
        let (token, length) = (&self.token, body.len());
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }

    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        self.reader.get_mut().write_all(text.as_bytes())
    }

    /// The next answer: its status and its body.
    pub(crate) fn answer(&mut self) -> io::Result<(u16, String)> {
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            } else if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest.split(' ').next().unwrap().parse().unwrap();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            } else if line == "connection: close" {
                self.is_closed = true;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok((status, String::from_utf8(body).unwrap()))
    }
}

/// A pause that lets others get ahead.
pub(crate) fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}
