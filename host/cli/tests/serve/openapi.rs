//! The document that describes the service says what is so: of each route, and of what is asked and answered, as another tool reads it.

use std::collections::BTreeSet;
#[cfg(target_os = "linux")]
use std::process::Command;

use serde_json::Value;

use crate::access::ROUTES;
use crate::service::{Service, Site};
#[cfg(target_os = "linux")]
use crate::tools::tool;

/// The methods that a document can name.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// The paths that take any method.
const ANY: [&str; 3] = ["/v1/enforce/request", "/v1/enforce/request/", "/v1/enforce/request/{path}"];

#[test]
fn every_route_stands_in_the_document_with_who_may() {
    let site = Site::new();
    let document = site.serve(&[]).get("/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let named = |(method, path, _): &(&str, &str, &str)| {
        (method.to_lowercase(), path.split('?').next().unwrap_or_default().to_owned())
    };
    let mut expected: BTreeSet<_> = ROUTES.iter().map(named).filter(|(method, _)| method != "purge").collect();
    expected.extend(ANY.iter().flat_map(|path| METHODS.map(|method| (method.to_owned(), (*path).to_owned()))));
    let mut found = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(found.insert((method.clone(), path.clone())));
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path} is not described");
            let route = ROUTES
                .iter()
                .find(|route| named(route).1 == *path && (ANY.contains(&path.as_str()) || named(route).0 == *method));
            let role = route.unwrap_or_else(|| panic!("{method} {path}")).2;
            let who = operation["description"].as_str().unwrap();
            let expected =
                if role == "open" { "Open.".to_owned() } else { format!("For the role `{role}` and higher ones.") };
            assert_eq!(who, expected, "{method} {path}");
            let answers = operation["responses"].as_object().unwrap();
            assert_eq!(answers.contains_key("401"), role != "open", "{method} {path}");
            assert_eq!(operation["security"].as_array().unwrap().is_empty(), role == "open", "{method} {path}");
        }
    }
    assert_eq!(found, expected);
    assert_references(&document, &document);
    let amount = &document["components"]["schemas"]["Charge"]["properties"]["amount"];
    assert_eq!((amount["minimum"].as_u64(), amount["maximum"].as_u64()), (Some(0), Some(u64::MAX)));
}

/// Every `$ref` leads to something.
fn assert_references(document: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|member| assert_references(document, member));
        }
        Value::Array(elements) => elements.iter().for_each(|element| assert_references(document, element)),
        _ => {}
    }
}

#[test]
fn it_says_which_routes_are_open_as_they_are_set() {
    let site = Site::new();
    let security = |service: &Service| {
        service.get("/v1/openapi.json").json()["paths"]["/metrics"]["get"]["security"].as_array().unwrap().len()
    };
    assert_eq!(security(&site.serve(&[])), 2);
    assert_eq!(security(&site.serve(&["--metrics-open", "true"])), 0);
}

/// What schemathesis looks at in each answer.
#[cfg(target_os = "linux")]
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,allow_header_conformance,\
    use_after_free,ignored_auth";

#[cfg(target_os = "linux")]
#[test]
fn schemathesis_finds_nothing_that_is_not_as_the_document_says() {
    let site = Site::new();
    let service = site.serve(&[]);
    let report = site.0.path("schemathesis.json");
    let run = Command::new("timeout")
        .arg("180")
        .arg(tool("schemathesis", "schemathesis"))
        .args(["run", &format!("{}/v1/openapi.json", service.address)])
        .args(["--header", &format!("Authorization: Bearer {}", service.token)])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--mode", "all"])
        .args(["--seed", "7", "--max-examples", "20", "--workers", "1"])
        .args(["--generation-database", "none", "--suppress-health-check", "all", "--no-color"])
        .args(["--report", "json", "--report-json-path", report.to_str().unwrap()])
        .current_dir(site.0.path(""))
        .output()
        .unwrap_or_else(|error| panic!("schemathesis, which scripts/test installs: {error}"));
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_str(&site.0.read("schemathesis.json")).unwrap();
    let (operations, cases) = (&report["operations"], &report["test_cases"]);
    assert_eq!(operations["tested"], operations["total"], "{operations}");
    assert!(cases["generated"].as_u64().unwrap() > 500 && report["complete"] == true, "{report}");
    assert_eq!((&report["test_cases"]["errored"], &report["seed"]), (&0.into(), &7.into()), "{report}");
}
