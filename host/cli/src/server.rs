//! A `placet serve` that runs, asked in place of an installation that is opened here.

mod exchange;
mod tls;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::Method;
use placet::{Status, Usage};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_rustls::rustls::pki_types::CertificateDer;

use self::exchange::{Body, exchange};
use crate::problem::Problem;
use crate::{environment, files};

/// Where the service is, and what it knows us by. Flags go before the environment.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct ServerOptions {
    /// Ask the `placet serve` that runs there, whatever is said of an installation: http://HOST:PORT, https://HOST:PORT or unix:PATH
    #[arg(long, env = "PLACET_SERVER", value_name = "URL", value_parser = place)]
    server: Option<Place>,
    /// The certificates, as PEM, by which a service is known whose place begins with https
    #[arg(long, env = "PLACET_SERVER_CA", value_name = "FILE")]
    server_ca: Option<PathBuf>,
    /// A file with a token that the service knows; or the token itself in PLACET_SERVER_TOKEN
    #[arg(long, env = "PLACET_SERVER_TOKEN_FILE", value_name = "FILE")]
    server_token_file: Option<PathBuf>,
}

impl ServerOptions {
    /// The service, where one is to be asked.
    pub(crate) fn server(&self) -> anyhow::Result<Option<Server>> {
        let Some(mut place) = self.server.clone() else { return Ok(None) };
        if let Place::Tls { trusted, .. } = &mut place {
            let file = self.server_ca.as_ref().ok_or_else(|| {
                let help = "name the file with its certificate, or with those of who issued it";
                Problem::usage("--server-ca: nothing tells by what the service is known", help)
            })?;
            let certificates = tls::certificates(&files::read(file)?).ok_or_else(|| {
                let help = "name the file with its certificate, or with those of who issued it, as PEM";
                Problem::usage(format!("--server-ca: `{}` is not PEM with certificates", file.display()), help)
            })?;
            *trusted = certificates.into();
        }
        let token = match &self.server_token_file {
            Some(file) => Some(files::read_text(file)?.trim().to_owned()),
            None => environment::variable("PLACET_SERVER_TOKEN"),
        };
        if token.as_ref().is_some_and(|token| token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            let help = "give what `placet token new --out FILE` wrote into that file, or the content of `admin.token`";
            return Err(Problem::usage(
                "the token for the service is none: it is one word of letters and digits",
                help,
            )
            .into());
        }
        Ok(Some(Server { place, token }))
    }
}

/// Where a service listens.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// `HOST:PORT`.
    Tcp(String),
    /// The same, and the certificates by which it is known.
    Tls {
        address: String,
        trusted: Arc<[CertificateDer<'static>]>,
    },
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Tls { address, .. } => write!(f, "https://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn place(text: &str) -> Result<Place, String> {
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(Place::Unix(path.into()));
    }
    let (scheme, address) = text.split_once("://").unwrap_or_default();
    let address = address.strip_suffix('/').unwrap_or(address);
    let has_port = || {
        let port = address.rsplit_once(':').map(|(host, port)| (!host.is_empty(), port.parse::<u16>().is_ok()));
        port == Some((true, true)) && !address.contains(['/', '@', '?', '#'])
    };
    match scheme {
        "http" if has_port() => Ok(Place::Tcp(address.to_owned())),
        "https" if has_port() => Ok(Place::Tls { address: address.to_owned(), trusted: Arc::default() }),
        _ => Err("write http://HOST:PORT, https://HOST:PORT or unix:PATH".to_owned()),
    }
}

/// A service that is asked.
pub(crate) struct Server {
    place: Place,
    /// Not for logs.
    token: Option<String>,
}

/// The service did not answer what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// It is not there, or went away.
    #[error("the service at `{place}` does not answer")]
    Silent {
        /// Where.
        place: Place,
        /// Why.
        source: io::Error,
    },
    /// Nobody there shows a certificate that is trusted.
    #[error("no TLS with what answers at `{place}` by the certificates of `--server-ca`")]
    Untrusted {
        /// Where.
        place: Place,
        /// Why.
        source: io::Error,
    },
    /// Something else is there, or another release.
    #[error("what answers at `{place}` is not this release of `placet serve`")]
    Strange {
        /// Where.
        place: Place,
    },
    /// It refused.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
}

/// The problem document that came in place of an answer.
#[derive(Debug, Deserialize, thiserror::Error)]
#[error("{}", if *status == 503 { format!("no decision: {reason}") } else { detail.clone() })]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: String,
    detail: String,
    #[serde(rename = "limitCode")]
    pub(crate) limit: Option<String>,
    pub(crate) feature: Option<String>,
    #[serde(default)]
    pub(crate) usage: Vec<Usage>,
}

impl ServerError {
    /// The reason, as in the table of reasons.
    fn reason(&self) -> &str {
        match self {
            Self::Silent { .. } => "service-silent",
            Self::Untrusted { .. } => "service-untrusted",
            Self::Strange { .. } => "service-strange",
            Self::Refused(refusal) => &refusal.reason,
        }
    }

    /// The refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// In terms of a command: what did not happen, and the next step.
    pub(crate) fn problem(self, message: impl Into<String>) -> Problem {
        let is_of_who_asks = self.refusal().is_some_and(|refusal| matches!(refusal.status, 401 | 403));
        let message = if is_of_who_asks { "the service refused".to_owned() } else { message.into() };
        Problem::of(self.reason(), message).because(self)
    }
}

impl Server {
    /// Asks for what there is.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ServerError> {
        self.ask(&Method::GET, path, Body::None)
    }

    /// Asks with a JSON text.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ServerError> {
        self.ask(&Method::POST, path, Body::Json(body.to_string().into_bytes()))
    }

    /// Asks with a document.
    pub(crate) fn upload<T: DeserializeOwned>(&self, path: &str, document: Vec<u8>) -> Result<T, ServerError> {
        self.ask(&Method::POST, path, Body::Bytes(document))
    }

    /// The same, where what is answered is told elsewhere.
    pub(crate) fn change(&self, path: &str, document: Vec<u8>) -> Result<(), ServerError> {
        self.upload(path, document).map(|_: serde::de::IgnoredAny| ())
    }

    /// Asks for something to end.
    pub(crate) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ServerError> {
        self.ask(&Method::DELETE, path, Body::None)
    }

    /// The whole of how it stands.
    pub(crate) fn status(&self) -> Result<Status, Problem> {
        self.get("/v1/status").map_err(|error| error.problem("the service does not tell how it stands"))
    }

    fn ask<T: DeserializeOwned>(&self, method: &Method, path: &str, body: Body) -> Result<T, ServerError> {
        let answer = exchange(&self.place, self.token.as_deref(), method, path, body);
        let answer = answer.map_err(|source| {
            let place = self.place.clone();
            let is_tls = source.get_ref().is_some_and(|inner| inner.is::<tokio_rustls::rustls::Error>());
            if is_tls { ServerError::Untrusted { place, source } } else { ServerError::Silent { place, source } }
        })?;
        let strange = |_| ServerError::Strange { place: self.place.clone() };
        if answer.is_success {
            return serde_json::from_slice(&answer.body).map_err(strange);
        }
        Err(serde_json::from_slice::<Box<Refusal>>(&answer.body).map_err(strange)?.into())
    }
}

/// A path with a query, of those that have a value.
pub(crate) fn query(path: &str, members: &[(&str, Option<&str>)]) -> String {
    let mut text = path.to_owned();
    for (name, value) in members {
        if let Some(value) = value {
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(&format!("{name}={}", encoded(value)));
        }
    }
    text
}

/// Percent-encoded: all but what is unreserved (RFC 3986, section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_socket() {
        for (text, shown) in [
            ("http://127.0.0.1:7077", "http://127.0.0.1:7077"),
            ("http://[::1]:7077/", "http://[::1]:7077"),
            ("https://placet.example:7077", "https://placet.example:7077"),
            ("unix:/run/placet.sock", "unix:/run/placet.sock"),
        ] {
            assert_eq!(place(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "unix:",
            "127.0.0.1:7077",
            "http://x",
            "http://:1",
            "https://x",
            "ftp://x:1",
            "http://a@x:1",
            "http://x:1/v1",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_sent_in_a_query_is_encoded() {
        assert_eq!(query("/x", &[("a", Some("b c&d")), ("e", None), ("f", Some("ä"))]), "/x?a=b%20c%26d&f=%C3%A4");
    }
}
