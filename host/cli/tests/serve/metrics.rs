//! What is measured: scraped by a real Prometheus, and compared with what was asked.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{Service, Site};

/// A Prometheus that scrapes a service every second; killed at the end of the test.
pub(crate) struct Prometheus {
    child: Child,
    address: String,
}

impl Prometheus {
    pub(crate) fn start(site: &Site, service: &Service) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let target = service.address.trim_start_matches("http://");
        site.0.write("TEST-token", &service.token);
        site.0.write(
            "prometheus.yml",
            format!(
                "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [\"{}\"]\nscrape_configs:\n- job_name: placet\n  authorization: {{credentials_file: TEST-token}}\n  \
                 static_configs: [{{targets: [\"{target}\"]}}]\n",
                rules()
            ),
        );
        let address = format!("127.0.0.1:{port}");
        let child = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--log.level=error"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(site.0.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("install `prometheus` (Debian: apt install prometheus): {error}"));
        Self { child, address }
    }

    fn ask(&self, path: &str) -> Option<Value> {
        let text = ureq::get(format!("http://{}{path}", self.address)).call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Waits until a query has this value alone.
    pub(crate) fn finds(&self, query: &str, expected: &str) {
        self.wait_for(query, |found| found.len() == 1 && found[0]["value"][1] == expected, expected);
    }

    /// Waits until a query finds any number.
    pub(crate) fn knows(&self, query: &str) {
        self.wait_for(query, |found| found.iter().any(|one| one["value"][1] != "NaN"), "found");
    }

    fn wait_for(&self, query: &str, is_enough: impl Fn(&[Value]) -> bool, expected: &str) {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/api/v1/query?query={escaped}");
        let until = Instant::now() + Duration::from_secs(60);
        let mut last = None;
        while Instant::now() < until {
            last = self.ask(&path);
            let found = last.as_ref().and_then(|answer| answer["data"]["result"].as_array());
            if found.is_some_and(|found| is_enough(found)) {
                return;
            }
            sleep(Duration::from_millis(200));
        }
        panic!("`{query}` is not {expected}: {last:?}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn rules() -> String {
    monitoring("alerts.yml")
}

/// A file that is shipped for who watches the service.
pub(crate) fn monitoring(name: &str) -> String {
    format!("{}/../sidecar/monitoring/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_real_prometheus_finds_what_was_asked_and_how_the_license_stands() {
    let site = Site::new();
    let service = site.serve(&[]);
    let prometheus = Prometheus::start(&site, &service);
    let hostile = "t\"1\\\n";
    for (path, body) in [
        ("check", json!({"feature": "sso", "context": {"tenant": "t1"}})),
        ("check", json!({"feature": "sso", "context": {"tenant": "t1"}})),
        ("check", json!({"feature": "sso", "context": {"tenant": hostile}})),
        ("check", json!({"feature": "gold"})),
        ("consume", json!({"charges": [{"limit": "tokens", "amount": 600}]})),
        ("consume", json!({"charges": [{"limit": "tokens", "amount": 600}]})),
        ("seats", json!({"charge": {"limit": "tenants", "amount": 1}, "holder": "t1"})),
    ] {
        let answer = service.post(&format!("/v1/{path}"), &body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    for (query, expected) in [
        (r#"placet_license_requests_total{tenant="t1",plan="enterprise",outcome="allowed"}"#, "2"),
        ("sum(placet_license_requests_total)", "7"),
        ("sum(placet_license_decisions_total)", "7"),
        (r#"placet_license_decisions_total{kind="consume",outcome="denied"}"#, "1"),
        (r#"placet_license_denials_total{reason="not-licensed"}"#, "1"),
        ("sum(placet_license_failures_total)", "0"),
        (r#"placet_license_feature_blocked_total{feature="gold"}"#, "1"),
        (r#"license_limit_exceeded_total{limitCode="tokens"}"#, "1"),
        ("placet_license_tenants_active", "1"),
        ("placet_license_days_until_expiry >bool 360", "1"),
        (r#"placet_license_state{state="active"}"#, "1"),
        ("sum(placet_license_state)", "1"),
        ("placet_license_usable", "1"),
        ("placet_license_grace_active", "0"),
        (r#"placet_license_limit_used{limit="tokens"}"#, "600"),
        (r#"placet_license_limit_max{limit="tokens"}"#, "1000"),
        ("placet_license_policy_sequence", "1"),
        (r#"placet_license_policy_info{name="acme/router",version="1.0.0"}"#, "1"),
        (r#"placet_license_reloads_total{outcome="failed"}"#, "0"),
        ("placet_license_documents_refused", "0"),
        ("placet_license_store_commit_seconds_count >bool 2", "1"),
        ("placet_license_store_errors_total", "0"),
        ("placet_license_build_info", "1"),
    ] {
        prometheus.finds(query, expected);
    }
    assert_eq!(service.post("/v1/consume", &json!({"charges": [{"limit": "tokens", "amount": 1}]})).status, 200);
    prometheus.finds(r#"placet_license_limit_used{limit="tokens"}"#, "601");
    let groups = prometheus.ask("/api/v1/rules").unwrap()["data"]["groups"].clone();
    assert!(
        groups[0]["rules"].as_array().is_some_and(|rules| rules.iter().all(|rule| rule["health"] == "ok")),
        "{groups}"
    );
}

#[test]
fn the_alert_rules_fire_when_they_are_to() {
    let run = |command: &str, file: &str| {
        let run = Command::new("promtool").args([command, "rules", &monitoring(file)]).output();
        let run = run.unwrap_or_else(|error| panic!("install `promtool` (Debian: apt install prometheus): {error}"));
        assert!(
            run.status.success(),
            "{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
    };
    run("check", "alerts.yml");
    run("test", "alerts.test.yml");
}

#[test]
fn metrics_are_open_where_that_is_set_and_named_as_that_is_set() {
    let site = Site::new();
    let service = site.serve(&["--metrics-open", "true", "--metrics-prefix", "acme.license"]);
    let open = service.ask("GET", "/metrics", &[("authorization", "")], "");
    assert_eq!((open.status, open.header("content-type").contains("openmetrics-text")), (200, true), "{open:?}");
    assert!(open.text.contains("\nacme_license_usable 1\n") && open.text.ends_with("# EOF\n"), "{}", open.text);
    assert!(!open.text.contains("placet"), "{}", open.text);
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let site = Site::new();
    let text = site.serve(&["--metrics-open", "true"]).get("/metrics").text;
    let exported: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| match kind {
            "counter" => format!("{name}_total {kind}"),
            "info" => format!("{name}_info {kind}"),
            _ => format!("{name} {kind}"),
        })
        .collect();
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/telemetry.md")).unwrap();
    let documented: Vec<_> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, rest)| format!("{name} {}", rest.split(" | ").next().unwrap_or_default()))
        .collect();
    assert_eq!(exported, documented);
}
