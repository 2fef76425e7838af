//! What is sent to a collector of OpenTelemetry, as the messages that OpenTelemetry publishes for Python read it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::pause;
use crate::figures::{Families, Values, exported, scraped};
use crate::service::{Answer, Service, Site};
use crate::tls::{P256, certificate};
use crate::tools::tool;

/// A collector that answers as it is told; killed at the end of the test.
struct Collector {
    child: Child,
    lines: Mutex<mpsc::Receiver<String>>,
    port: u64,
}

impl Collector {
    fn start(site: &Site, arguments: &[&str]) -> Self {
        let mut child = Command::new(tool("otlp", "python"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/otlp.py"))
            .args(arguments)
            .current_dir(site.0.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("otlp.py, for which scripts/test installs what it needs: {error}"));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        let mut collector = Self { child, lines: Mutex::new(lines), port: 0 };
        collector.port = collector.next()["port"].as_u64().unwrap();
        collector
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next export.
    fn next(&self) -> Value {
        let line = self.lines.lock().unwrap().recv_timeout(Duration::from_secs(60));
        serde_json::from_str(&line.unwrap_or_else(|error| panic!("nothing came: {error}"))).unwrap()
    }

    /// The last of those that came.
    fn last(&self) -> Option<Value> {
        let lines: Vec<_> = self.lines.lock().unwrap().try_iter().collect();
        lines.last().map(|line| serde_json::from_str(line).unwrap())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const EXPORTS: &str = "placet_license_otlp_exports_total";

/// Without the one figure that each export changes.
fn lasting((families, mut values): (Families, Values)) -> (Families, Values) {
    values.retain(|(name, _), _| name != EXPORTS);
    (families, values)
}

/// How many exports ended so.
fn exports(service: &Service, outcome: &str) -> u64 {
    let (_, values) = scraped(&service.get("/metrics").text);
    let labels = BTreeMap::from([("outcome".to_owned(), outcome.to_owned())]);
    values[&(EXPORTS.to_owned(), labels)].parse().unwrap()
}

fn wait_for_exports(service: &Service, outcome: &str, count: u64) {
    let began = Instant::now();
    while exports(service, outcome) < count {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", service.get("/metrics").text);
        pause(50);
    }
}

fn consume(service: &Service, amount: u64) -> Answer {
    service.post("/v1/consume", &json!({"charges": [{"limit": "tokens", "amount": amount}]}))
}

/// How often this is in what it logged.
fn logged(service: &Service, what: &str) -> usize {
    service.log.matches(what).count()
}

#[test]
fn whatever_stands_at_metrics_is_exported_under_the_same_names_with_the_same_labels_and_values() {
    let site = Site::new();
    let collector = Collector::start(&site, &["ok"]);
    let service = site.serve(&["--otlp-endpoint", &collector.url(), "--otlp-interval", "200ms"]);
    for (path, body) in [
        ("check", json!({"feature": "sso", "context": {"tenant": "t1"}})),
        ("check", json!({"feature": "sso", "context": {"tenant": "t\"1\\\nä{},="}})),
        ("check", json!({"feature": "gold"})),
        ("consume", json!({"charges": [{"limit": "tokens", "amount": 600}]})),
        ("consume", json!({"charges": [{"limit": "tokens", "amount": 600}]})),
        ("seats", json!({"charge": {"limit": "tenants", "amount": 1}, "holder": "t1"})),
    ] {
        assert_eq!(service.post(&format!("/v1/{path}"), &body).status, 200);
    }
    // More than are told apart.
    for n in 0..300 {
        let body = json!({"feature": "sso", "context": {"tenant": format!("tenant-{n}")}});
        assert_eq!(service.post("/v1/check", &body).status, 200);
    }
    wait_for_exports(&service, "delivered", exports(&service, "delivered") + 2);
    let first = collector.next();
    // Between an export and a scrape a commit may fall.
    let mut tries = 0;
    let export = loop {
        let export = collector.next();
        let newest = collector.last().unwrap_or(export);
        let (told, shown) = (lasting(exported(&newest)), lasting(scraped(&service.get("/metrics").text)));
        if told == shown {
            break newest;
        }
        tries += 1;
        assert!(tries < 50, "{told:#?}\n{shown:#?}");
    };

    assert_eq!((&export["path"], &export["scope"]), (&json!("/v1/metrics"), &json!("placet")));
    assert_eq!(export["headers"]["content-type"], "application/x-protobuf");
    let resource = &export["resource"];
    assert_eq!(
        (&resource["service.name"], &resource["service.version"]),
        (&json!("placet"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(resource["service.instance.id"].as_str().map(str::len), Some(36));
    assert_eq!(resource, &first["resource"]);
    let metrics = export["metrics"].as_array().unwrap();
    let named = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("{name}"));
    let value = |name: &str, labels: Value| {
        let points = named(name)["points"].as_array().unwrap();
        points.iter().find(|point| point["labels"] == labels).unwrap_or_else(|| panic!("{points:?}"))["value"].clone()
    };
    let requests = json!({"tenant": "t1", "plan": "enterprise", "outcome": "allowed"});
    assert_eq!(value("placet.license.requests_total", requests), 1);
    assert_eq!(value("placet.license.tenants_active", json!({})), 1);
    assert_eq!(value("placet.license.feature_blocked_total", json!({"feature": "gold"})), 1);
    assert!(value("placet.license.days_until_expiry", json!({})).as_i64().unwrap() > 360);
    assert_eq!(value("license_limit_exceeded_total", json!({"limitCode": "tokens"})), 1);
    assert_eq!(value("placet.license.policy_info", json!({"name": "acme/router", "version": "1.0.0"})), 1);
    let commits = named("placet.license.store_commit_seconds");
    assert_eq!((&commits["kind"], &commits["unit"]), (&json!("histogram"), &json!("s")));
    assert!(commits["points"][0]["count"].as_u64() > Some(2), "{commits}");
    let began = &first["metrics"][0]["points"][0]["start"];
    for point in metrics.iter().flat_map(|metric| metric["points"].as_array().unwrap()) {
        assert!(point["start"] == *began && point["time"].as_u64() > began.as_u64(), "{point}");
    }
    let most = service.memory("VmHWM");
    assert!(most < 64 << 10, "{most} KiB");
}

#[test]
fn a_stop_exports_what_was_counted_last() {
    let site = Site::new();
    let collector = Collector::start(&site, &["ok"]);
    let mut service =
        site.serve(&["--otlp-endpoint", &collector.url(), "--otlp-interval", "1h", "--metrics-prefix", "acme"]);
    collector.next();
    assert_eq!(consume(&service, 7).status, 200);
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    let (_, values) = exported(&collector.next());
    let labels = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    assert_eq!(values[&("acme_limit_used".to_owned(), labels("limit", "tokens"))], "7");
    assert_eq!(values[&("acme_otlp_exports_total".to_owned(), labels("outcome", "delivered"))], "1");
    assert!(collector.last().is_none());
}

#[test]
fn a_collector_that_is_not_there_is_logged_once_and_delays_nothing() {
    let site = Site::new();
    // Nobody listens where somebody listened before.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let mut service = site.serve(&["--otlp-endpoint", &url, "--otlp-interval", "50ms"]);
    service.logged("figures cannot be exported");
    wait_for_exports(&service, "failed", 5);
    assert_quick(&service);
    let began = Instant::now();
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(logged(&service, "cannot be exported"), 1, "{}", service.log);
    assert!(service.log.contains("nobody answers there") && service.log.contains(&url), "{}", service.log);
}

/// Asks for decisions, each of which is answered at once.
fn assert_quick(service: &Service) {
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(consume(service, 1).status, 200);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}

#[test]
fn a_collector_that_fails_and_recovers_is_logged_once_each() {
    let site = Site::new();
    let collector = Collector::start(&site, &["3"]);
    let mut service = site.serve(&["--otlp-endpoint", &collector.url(), "--otlp-interval", "100ms"]);
    service.logged("figures are exported again");
    wait_for_exports(&service, "delivered", 3);
    assert_eq!(exports(&service, "failed"), 3);
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert_eq!((logged(&service, "cannot be exported"), logged(&service, "exported again")), (1, 1), "{}", service.log);
    assert!(service.log.contains("it answers status 500"), "{}", service.log);
}

#[test]
fn a_collector_that_never_answers_delays_no_request_and_a_stop_by_seconds() {
    let site = Site::new();
    let collector = Collector::start(&site, &["silent"]);
    let mut service = site.serve(&["--otlp-endpoint", &collector.url(), "--otlp-interval", "50ms"]);
    collector.next();
    assert_quick(&service);
    service.logged("it takes too long");
    assert_quick(&service);
    let began = Instant::now();
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(logged(&service, "cannot be exported"), 1, "{}", service.log);
}

#[test]
fn an_answer_that_is_none_or_takes_only_a_part_is_a_failure() {
    for (answer, expected) in
        [("rubbish", "its answer is none of OTLP"), ("rejected", "it did not take 7 of the values")]
    {
        let site = Site::new();
        let collector = Collector::start(&site, &[answer]);
        let mut service = site.serve(&["--otlp-endpoint", &collector.url(), "--otlp-interval", "100ms"]);
        service.logged(expected);
        wait_for_exports(&service, "failed", 2);
        assert_eq!(exports(&service, "delivered"), 0, "{answer}");
    }
}

#[test]
fn by_tls_it_is_sent_to_whom_the_certificates_vouch_for_with_the_headers_of_the_file_as_they_are_now() {
    let site = Site::new();
    certificate(&site, "shown", &P256);
    certificate(&site, "other", &P256);
    let collector = Collector::start(&site, &["ok", "shown.pem", "shown.key"]);
    site.0.write("headers", "authorization: Bearer TEST-first\nx-scope: acme\n");
    site.0.write("trusted.pem", site.0.read("other.pem"));
    let url = format!("https://127.0.0.1:{}/tenant", collector.port);
    let mut service = site.serve(&[
        "--otlp-endpoint",
        &url,
        "--otlp-interval",
        "100ms",
        "--otlp-ca-file",
        "trusted.pem",
        "--otlp-headers-file",
        "headers",
    ]);
    service.logged("no TLS with it");
    assert!(collector.last().is_none());
    site.0.write("trusted.pem", site.0.read("shown.pem"));
    service.logged("figures are exported again");
    let export = collector.next();
    assert_eq!(export["path"], "/tenant/v1/metrics");
    let headers = &export["headers"];
    assert_eq!((&headers["authorization"], &headers["x-scope"]), (&json!("Bearer TEST-first"), &json!("acme")));
    site.0.write("headers", "authorization: Bearer TEST-second\n");
    while collector.next()["headers"]["authorization"] != "Bearer TEST-second" {}
    site.0.write("headers", "TEST-third");
    service.logged("line 1 of `headers` is not");
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert!(!service.log.contains("TEST") && !service.log.contains("/tenant"), "{}", service.log);
}

#[test]
fn the_standard_variables_are_taken_where_no_key_is_set() {
    let site = Site::new();
    let collector = Collector::start(&site, &["ok"]);
    let serve = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
        command.args(["serve", "--config", "placet.yaml", "--root", "TEST-root.pub"]).args(more);
        Service::start(&site, command.envs(variables.iter().copied()))
    };
    let (url, metrics) = (collector.url(), format!("{}/as/it/is", collector.url()));
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str());
    let path = |collector: &Collector| collector.next()["path"].clone();
    let mut service = serve(&[base], &[]);
    assert_eq!(path(&collector), "/v1/metrics");
    service.signal("-TERM");
    assert_eq!((service.ended(), path(&collector)), (0, json!("/v1/metrics")));
    drop(service);
    let service = serve(
        &[base, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &metrics)],
        &["--otlp-interval", "100ms"],
    );
    while path(&collector) != "/as/it/is" {}
    drop(service);
    // What other programs are told stops no service.
    for (variables, said) in [
        (vec![base, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "`OTEL_EXPORTER_OTLP_PROTOCOL` is not http/protobuf"),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")], "write http://HOST:PORT"),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:1")], "`otlp.ca_file`"),
    ] {
        let service = serve(&variables, &[]);
        assert!(service.log.contains(said) && !service.log.contains("exported by OTLP"), "{}", service.log);
        assert_eq!(service.get("/readyz").status, 200);
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut service = serve(&[base], &["--otlp-endpoint", &format!("http://127.0.0.1:{port}")]);
    service.logged("nobody answers there");
}

#[test]
fn what_cannot_be_exported_as_it_is_told_is_refused_at_the_start() {
    let site = Site::new();
    site.0.write("headers", "x-scope: acme\nhost: TEST-secret\n");
    site.0.write("empty.pem", "TEST-secret");
    for (more, said) in [
        (&["--otlp-endpoint", "127.0.0.1:4318"][..], "write http://HOST:PORT"),
        (&["--otlp-endpoint", "https://127.0.0.1:4318"], "names no certificates"),
        (&["--otlp-endpoint", "https://127.0.0.1:4318", "--otlp-ca-file", "empty.pem"], "`empty.pem` is not PEM"),
        (&["--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-headers-file", "headers"], "line 2 of `headers`"),
        (&["--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-headers-file", "nowhere"], "`nowhere` cannot be read"),
    ] {
        let (code, log) = site.refused(more);
        assert!(code == 2 && log.contains(said) && !log.contains("TEST-secret"), "{code} {log}");
    }
}
