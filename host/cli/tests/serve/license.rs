//! Licenses and policies, installed and taken back over HTTP.

use serde_json::{Value, json};

use crate::service::{Answer, Service, Site};

fn install(service: &Service, path: &str, body: &str) -> Answer {
    service.ask("POST", path, &[("content-type", "application/octet-stream")], body)
}

fn tokens(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["limits"]["tokens"].clone()
}

#[test]
fn a_license_is_told_as_people_and_support_ask_for_it() {
    let site = Site::new();
    let service = site.serve(&[]);
    let told = service.get("/v1/license").json();
    for (name, value) in [
        ("status", json!("valid")),
        ("state", json!("active")),
        ("usable", json!(true)),
        ("plan", json!("enterprise")),
        ("grace_active", json!(false)),
        ("features", json!({"sso": true})),
    ] {
        assert_eq!(told[name], value, "{name}: {told}");
    }
    assert_eq!(told["limits"]["tokens"], 1000);
    assert!(told["days_until_expiry"].as_i64().unwrap() > 300 && told["expires"].as_str().unwrap().ends_with('Z'));
    assert_eq!(told["fingerprint"].as_str().unwrap().len(), 64);
    assert!(told["usage"].as_array().unwrap().iter().any(|usage| usage["limit"] == "tokens"));
    let flat = service.get("/admin/license/status").json();
    assert_eq!((flat["status"].clone(), flat["customer_id"].clone()), ("valid".into(), "Globex GmbH".into()), "{flat}");
    assert_eq!(flat["version"], "1.0.0");
}

#[test]
fn a_license_is_previewed_installed_and_taken_back() {
    let site = Site::without_license();
    let service = site.serve(&[]);
    site.license("first.json", &["--expires", "1y", "--id", "lic_1"]);
    site.license("second.json", &["--expires", "2y", "--id", "lic_1", "--limit", "extra=quota:5"]);
    assert_eq!(service.get("/v1/license").json()["status"], "missing");
    assert_eq!(service.post("/v1/license/rollback", &json!({})).json()["reason"], "nothing-replaced");

    let preview = install(&service, "/v1/license?dry_run=true", &site.0.read("first.json"));
    assert_eq!(tokens(&preview), 1000);
    assert_eq!(service.get("/v1/license").json()["status"], "missing");

    let installed = install(&service, "/v1/license", &site.0.read("first.json"));
    assert_eq!((tokens(&installed), installed.json()["status"].clone()), (1000.into(), "valid".into()));
    // The same endpoint takes it by value.
    let key = json!({"licenseKey": site.0.read("second.json")}).to_string();
    let installed = install(&service, "/v1/license", &key);
    assert_eq!(installed.json()["limits"]["extra"], 5, "{installed:?}");

    // Back, and forth.
    let back = service.post("/v1/license/rollback", &json!({}));
    assert_eq!((tokens(&back), back.json()["limits"].get("extra")), (1000.into(), None));
    let forth = service.post("/v1/license/rollback", &json!({}));
    assert_eq!(forth.json()["limits"]["extra"], 5);

    for (body, reason) in [("rubbish", "json-invalid"), (&*site.0.read("second.json").replacen("ey", "ez", 1), "")] {
        let refused = install(&service, "/v1/license", body);
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(reason.is_empty() || !refused.json()["reason"].as_str().unwrap().is_empty(), "{refused:?}");
    }
    assert_eq!(service.get("/v1/license").json()["limits"]["extra"], 5);
    drop(service);
    // It stands in the state directory, and the command takes it back as well.
    let at = ["--state", "state", "--root", "TEST-root.pub"];
    let status = site.0.json(&[&["license", "rollback"][..], &at].concat());
    assert!(status["limits"].as_array().unwrap().iter().all(|limit| limit["name"] != "extra"), "{status}");
}

#[test]
fn the_first_license_is_taken_back_to_none_and_stands_again() {
    let site = Site::without_license();
    site.0.write("storage.secret", "TEST storage secret of 32 bytes or more\n");
    let service = site.serve(&["--storage-secret-file", "storage.secret"]);
    site.license("first.json", &["--expires", "1y", "--id", "lic_1"]);
    install(&service, "/v1/license", &site.0.read("first.json"));
    assert_eq!(service.post("/v1/license/rollback", &json!({})).json()["status"], "missing");
    assert_eq!(service.post("/v1/license/rollback", &json!({})).json()["status"], "valid");
    assert_eq!(service.post("/v1/license/rollback", &json!({})).json()["status"], "missing");
    let stored = std::fs::read(site.0.path("state/replaced/lic_1.json")).unwrap();
    assert!(!stored.is_empty() && !String::from_utf8_lossy(&stored).contains("signature"), "it is kept readable");
}

#[test]
fn a_policy_is_installed_listed_and_gone_back_from() {
    let site = Site::new();
    let service = site.serve(&[]);
    let pack = ["policy", "pack", "--name", "acme/router", "--version", "1.1.0", "--sequence", "2"];
    site.0
        .done(&[&pack[..], &["--trust", "TEST-license.pub", "--key", "TEST-root.key", "--out", "next.wasm"]].concat());
    let upload = |bytes: Vec<u8>| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(format!("{}/v1/policy", service.address));
        let mut answer = request.header("authorization", format!("Bearer {}", service.token)).send(&bytes).unwrap();
        (answer.status().as_u16(), serde_json::from_str::<Value>(&answer.body_mut().read_to_string().unwrap()).unwrap())
    };
    let next = std::fs::read(site.0.path("next.wasm")).unwrap();
    let mut damaged = next.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert_eq!(upload(damaged).0, 422);
    let (status, adopted) = upload(next);
    assert_eq!((status, adopted["version"].clone()), (200, "1.1.0".into()), "{adopted}");

    let listed = service.get("/v1/policy").json();
    let of = |version: &str| listed.as_array().unwrap().iter().find(|one| one["version"] == version).unwrap().clone();
    assert_eq!((of("1.0.0")["active"].clone(), of("1.1.0")["active"].clone()), (false.into(), true.into()), "{listed}");
    let back = service.post("/v1/policy/rollback", &json!({"hash": of("1.0.0")["hash"]}));
    assert_eq!((back.status, back.json()["rolled_back"].clone()), (200, true.into()), "{back:?}");
    assert_eq!(service.get("/admin/license/status").json()["version"], "1.0.0");
    assert_eq!(service.post("/v1/policy/rollback", &json!({"hash": "none"})).status, 404);
}
