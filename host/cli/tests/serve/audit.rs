//! The audit log, as a console reads it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{Service, Site};

/// Asks until a line is written that fits.
fn awaited(service: &Service, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let answer = service.get("/v1/audit");
        assert_eq!(answer.status, 200, "{answer:?}");
        let lines = answer.json().as_array().unwrap().clone();
        if lines.iter().any(&fits) {
            return lines;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{lines:#?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn numbers(service: &Service, query: &str) -> Vec<u64> {
    let answer = service.get(&format!("/v1/audit?{query}"));
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json().as_array().unwrap().iter().map(|line| line["number"].as_u64().unwrap()).collect()
}

#[test]
fn a_sealed_log_is_told_newest_first_and_a_page_at_a_time() {
    let site = Site::new();
    site.0.write("storage.secret", "TEST storage secret of 32 bytes or more\n");
    let service = site.serve(&["--storage-secret-file", "storage.secret"]);
    for feature in 0..5 {
        assert_eq!(service.post("/v1/check", &json!({"feature": format!("f{feature}")})).status, 200);
    }
    let charge = json!({"charges": [{"limit": "objects", "amount": 6}], "context": {"tenant": "t1"}});
    assert_eq!(service.post("/v1/consume", &charge).json()["allowed"], false);
    let lines = awaited(&service, |line| line["event"] == "license.limit_exceeded");
    let newest = &lines[0];
    for (name, value) in [
        ("number", json!(lines.len())),
        ("event", json!("license.limit_exceeded")),
        ("subject", json!("objects")),
        ("tenant", json!("t1")),
        ("reason", json!("limit-exceeded")),
    ] {
        assert_eq!(newest[name], value, "{newest}");
    }
    assert_eq!(newest["previous"].as_str().unwrap().len(), 64);
    assert!(newest["time"].as_u64().unwrap() > 1_700_000_000_000 && newest["head"].is_string(), "{newest}");
    assert_eq!(lines.last().unwrap()["event"], "installation.opened");

    let last = lines.len() as u64;
    assert_eq!(numbers(&service, "limit=2"), [last, last - 1]);
    assert_eq!(numbers(&service, &format!("limit=3&before={}", last - 1)), [last - 2, last - 3, last - 4]);
    assert_eq!(numbers(&service, "before=3&limit=1000"), [2, 1]);
    assert_eq!(numbers(&service, "before=1"), [0; 0]);
    for query in ["limit=0", "limit=1001", "limit=100000", "limit=many", "before=-1", "after=1"] {
        let answer = service.get(&format!("/v1/audit?{query}"));
        assert_eq!((answer.status, answer.json()["reason"].clone()), (422, "input-invalid".into()), "{query}");
    }
}

#[test]
fn a_damaged_line_is_told_and_the_others_with_it() {
    let site = Site::new();
    let service = site.serve(&[]);
    assert_eq!(service.post("/v1/check", &json!({"feature": "audit"})).status, 200);
    let lines = awaited(&service, |line| line["event"] == "license.feature_blocked");
    let path = site.0.path("state/audit/00000000000000000001.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"number\":2", "\"number\";2", 1)).unwrap();
    let told = service.get("/v1/audit").json();
    let damaged = told.as_array().unwrap().iter().find(|line| line["number"] == 2).unwrap();
    assert!(damaged["damage"].as_str().unwrap().contains("not a line of an audit log"), "{damaged}");
    let whole = |lines: &[Value]| lines.iter().filter(|line| line["number"] != 2).cloned().collect::<Vec<_>>();
    assert_eq!(whole(told.as_array().unwrap()), whole(&lines));
}
