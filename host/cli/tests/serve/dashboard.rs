//! The dashboard asks for what there is, in a language that Prometheus reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::metrics::{Prometheus, monitoring};
use crate::service::{Service, Site};

fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(monitoring("dashboard.json")).unwrap()).unwrap()
}

/// The expression of each target of each panel, and what the variables ask.
fn expressions(dashboard: &Value) -> Vec<String> {
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The names of metrics in it: all of ours begin so, and nothing else does.
fn names(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("placet_") || word.starts_with("license_")).map(str::to_owned).collect()
}

/// As Grafana fills in what it knows.
fn filled(expression: &str) -> String {
    expression.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*")
}

fn ask_for_decisions(service: &Service) {
    for (path, body) in [
        ("check", json!({"feature": "sso", "context": {"tenant": "t1"}})),
        ("check", json!({"feature": "gold"})),
        ("consume", json!({"charges": [{"limit": "tokens", "amount": 600}]})),
        ("consume", json!({"charges": [{"limit": "tokens", "amount": 600}]})),
        ("seats", json!({"charge": {"limit": "tenants", "amount": 1}, "holder": "t1"})),
    ] {
        assert_eq!(service.post(&format!("/v1/{path}"), &body).status, 200);
    }
}

#[test]
fn each_panel_of_the_dashboard_has_a_place_and_says_what_it_shows() {
    let dashboard = dashboard();
    let (mut ids, mut titles, mut taken) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()) && titles.insert(panel["title"].as_str().unwrap()),
            "{panel}"
        );
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{panel}");
        let [x, y, width, height] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + width <= 24, "{panel}");
        for place in (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y))) {
            assert!(taken.insert(place), "{panel} lies over another");
        }
        for source in panel["targets"].as_array().unwrap().iter().chain([panel]) {
            assert_eq!(source["datasource"]["uid"], "${datasource}", "{source}");
        }
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let named: Vec<_> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["datasource", "job", "instance"]);
}

#[test]
fn each_expression_of_the_dashboard_names_what_is_exported_and_finds_something_in_a_real_prometheus() {
    let site = Site::new();
    let service = site.serve(&[]);
    let prometheus = Prometheus::start(&site, &service);
    // A rate is one of series that were there before.
    prometheus.finds("placet_license_usable", "1");
    ask_for_decisions(&service);
    let page = service.get("/metrics").text;
    let shown: BTreeSet<_> = page.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    let dashboard = dashboard();
    let mut asked = BTreeSet::new();
    for expression in expressions(&dashboard) {
        let found = names(&expression);
        assert!(!found.is_empty(), "{expression}");
        for name in &found {
            assert!(shown.contains(name.as_str()), "`{name}` is not exported, and `{expression}` names it");
        }
        asked.extend(found);
        assert!(expression.matches(r#"{job=~"$job",instance=~"$instance""#).count() >= 1, "{expression}");
        prometheus.knows(&filled(&expression));
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let query = variable["definition"].as_str().unwrap_or_default();
        assert!(names(query).iter().all(|name| shown.contains(name.as_str())), "{query}");
    }
    for needed in [
        "state",
        "days_until_expiry",
        "limit_used",
        "limit_max",
        "requests_total",
        "denials_total",
        "tenants_active",
        "reloads_total",
        "store_commit_seconds_bucket",
        "policy_info",
    ] {
        assert!(asked.contains(&format!("placet_license_{needed}")), "{needed}");
    }
}
