//! Where a collector takes metrics.

use std::str::FromStr as _;

use hyper::Uri;
use tracing::warn;

use crate::environment;

/// What stands behind the address that a collector has for all signals (OTLP 1.x, section "OTLP/HTTP Request").
const PATH: &str = "/v1/metrics";

/// The URL of a collector for metrics. Its path may be a secret, as some services have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    is_tls: bool,
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl Endpoint {
    /// The one for metrics, of a collector that has this one for all signals.
    ///
    /// # Errors
    ///
    /// What to write instead.
    pub(crate) fn base(text: &str) -> Result<Self, &'static str> {
        let mut endpoint = Self::exact(text)?;
        endpoint.path = endpoint.path.trim_end_matches('/').to_owned() + PATH;
        Ok(endpoint)
    }

    /// The one that is named.
    fn exact(text: &str) -> Result<Self, &'static str> {
        let wrong = || "write http://HOST:PORT or https://HOST:PORT, and a path where the collector has one";
        let uri = Uri::from_str(text).map_err(|_| wrong())?;
        let (is_tls, usual) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(wrong()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => usual,
            after => after.and_then(|after| after.strip_prefix(':')?.parse().ok()).ok_or_else(wrong)?,
        };
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self { is_tls, authority: authority.to_string(), host: host.to_owned(), port, path: uri.path().to_owned() })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// As a request names it.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// As the log may show it.
    pub(super) fn place(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.authority)
    }
}

/// The one that the standard variables name, where they name one that is spoken with here (OpenTelemetry Protocol Exporter, section
/// "Configuration Options"). A machine may set them for whatever runs on it: what is wrong with them stops no service.
pub(super) fn standard(has_certificates: bool) -> Option<Endpoint> {
    let one_of = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| environment::variable(name).map(|value| (name, value)))
    };
    let (name, text) = one_of(["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])?;
    let protocol = one_of(["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]);
    if let Some((protocol, _)) = protocol.filter(|(_, protocol)| protocol != "http/protobuf") {
        warn!("figures are not exported to what `{name}` names: `{protocol}` is not http/protobuf");
        return None;
    }
    let endpoint = if name == "OTEL_EXPORTER_OTLP_ENDPOINT" { Endpoint::base(&text) } else { Endpoint::exact(&text) };
    let endpoint = endpoint.and_then(|endpoint| match endpoint.is_tls && !has_certificates {
        true => Err("name the certificates by which it is known in `otlp.ca_file`"),
        false => Ok(endpoint),
    });
    endpoint.inspect_err(|help| warn!("figures are not exported to what `{name}` names: {help}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_without_credentials_or_a_query() {
        for (text, place, host, path) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318", ("127.0.0.1", 4318), "/v1/metrics"),
            ("http://[::1]:4318/", "http://[::1]:4318", ("::1", 4318), "/v1/metrics"),
            ("https://otlp.example/a/b/", "https://otlp.example", ("otlp.example", 443), "/a/b/v1/metrics"),
            ("http://collector", "http://collector", ("collector", 80), "/v1/metrics"),
        ] {
            let endpoint = Endpoint::base(text).unwrap();
            assert_eq!((&*endpoint.place(), endpoint.host_and_port(), endpoint.path()), (place, host, path));
        }
        assert_eq!(Endpoint::exact("http://x:1/a").unwrap().path(), "/a");
        assert_eq!(Endpoint::exact("http://x:1").unwrap().path(), "/");
        for text in [
            "",
            "x:4318",
            "127.0.0.1:4318",
            "http://",
            "http://:1",
            "http://x:",
            "http://x:99999",
            "ftp://x",
            "/v1",
            "http://a:b@x:1",
            "http://x:1/?a=b",
            "http://x y",
        ] {
            assert!(Endpoint::base(text).is_err(), "{text}");
        }
    }
}
