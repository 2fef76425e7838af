//! Licenses and policies, installed and taken back over HTTP.

use serde_json::{Value, json};
use sha2::Digest as _;

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
fn every_field_is_told_of_the_license_that_leads() {
    let site = Site::without_license();
    let vendor = ["--issuer", "https://licensing.acme.example", "--subject", "org_globex", "--sku", "ROUTER-ENT-1Y"];
    let term = ["--id", "lic_1", "--starts", "2026-01-01", "--expires", "2126-01-01", "--metadata", "contract=C-1881"];
    site.license("license.json", &[&vendor[..], &term].concat());
    // What is sold beside it lasts longer.
    let extra = ["license", "new", "--id", "lic_2", "--kind", "topup", "--customer", "Globex GmbH", "--plan", "extra"];
    let grant = ["--product", "acme/router", "--expires", "never", "--limit", "tokens=quota:500"];
    let sign = ["--key", "TEST-license.key", "--out", "topup.json"];
    site.0.done(&[&extra[..], &grant, &sign].concat());
    let service = site.serve(&["--license", "license.json", "--license", "topup.json"]);
    let mut told = service.get("/v1/license").json();
    let days = told["days_until_expiry"].take().as_i64().unwrap();
    assert!((36_000..36_600).contains(&days), "{days}");
    let usage = told["usage"].take();
    assert!(
        usage.as_array().unwrap().iter().any(|usage| usage["limit"] == "tokens" && usage["max"] == 1_500),
        "{usage}"
    );
    let hash = sha2::Sha256::digest(site.0.read("license.json"));
    let fingerprint: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let limits = json!({"tokens": 1500, "objects": 5, "users": 2, "requests": 3, "tenants": 2, "cores": 64});
    assert_eq!(
        told,
        json!({
            "status": "valid", "state": "active", "reason": "active", "usable": true,
            "edition": "enterprise", "plan": "enterprise",
            "expires": "2126-01-01T00:00:00Z", "days_until_expiry": null, "grace_active": false,
            "features": {"sso": true}, "limits": limits, "usage": null,
            "metadata": {"contract": "C-1881"}, "fingerprint": fingerprint,
        })
    );
    let mut flat = service.get("/admin/license/status").json();
    assert!(flat["issued"].take().as_str().unwrap().ends_with('Z'));
    assert_eq!(flat["key_id"].take().as_str().unwrap().len(), 43);
    assert_eq!(
        flat,
        json!({
            "status": "valid", "reason": "active", "license_id": "lic_1", "customer_id": "org_globex",
            "sku": "ROUTER-ENT-1Y", "key_id": null, "issuer": "https://licensing.acme.example", "issued": null,
            "not_before": "2026-01-01T00:00:00Z", "expiry": "2126-01-01T00:00:00Z", "grace_active": false,
            "features": ["sso"], "limits": limits, "version": "1.0.0",
        })
    );
}

#[test]
fn what_is_wrong_with_a_query_or_an_offered_key_is_said_by_name() {
    let site = Site::new();
    let service = site.serve(&[]);
    let document = site.0.read("license.json");
    let value = json!({"licenseKey": document, "TEST": 1}).to_string();
    for (path, body, said) in [
        ("/v1/license?dry_run=1", &*document, "dry_run: the value is neither `true` nor `false`"),
        ("/v1/license?dryrun=true", &document, "unknown field `dryrun`"),
        ("/v1/license", r#"{"licenseKey": 5}"#, "expected a string"),
        ("/v1/license", r#"{"licenseKey": 5}"#, "licenseKey"),
        ("/v1/license", &value, "unknown field `TEST`"),
    ] {
        let refused = install(&service, path, body);
        assert_eq!((refused.status, refused.json()["reason"].clone()), (422, "input-invalid".into()), "{path}");
        assert!(refused.json()["detail"].as_str().unwrap().contains(said), "{path}: {refused:?}");
    }
    let since = service.get("/v1/usage/history?since=TESTabc");
    assert!(
        since.status == 422 && since.text.contains("since: invalid digit") && !since.text.contains("TEST"),
        "{since:?}"
    );
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
    let fingerprint = preview.json()["fingerprint"].as_str().unwrap().to_owned();
    assert_eq!(tokens(&install(&service, "/v1/license?dry_run", &site.0.read("first.json"))), 1000);
    assert_eq!(service.get("/v1/license").json()["status"], "missing");

    let installed = install(&service, "/v1/license", &site.0.read("first.json"));
    assert_eq!((tokens(&installed), installed.json()["status"].clone()), (1000.into(), "valid".into()));
    assert_eq!(installed.json()["fingerprint"], *fingerprint);
    let other = install(&service, "/v1/license?dry_run=true", &site.0.read("second.json")).json();
    assert!(other["fingerprint"].is_string() && other["fingerprint"] != *fingerprint, "{other}");
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

#[test]
fn where_none_holds_that_one_leads_by_which_it_stands_so() {
    let site = Site::without_license();
    site.license("license.json", &["--id", "lic_1", "--starts", "2020-01-01", "--expires", "2021-01-01"]);
    site.license("other.json", &["--id", "lic_2", "--expires", "2126-01-01", "--scope-environment", "elsewhere"]);
    let service = site.serve(&["--license", "license.json", "--license", "other.json"]);
    let flat = service.get("/admin/license/status").json();
    assert_eq!((&flat["status"], &flat["license_id"]), (&"expired".into(), &"lic_1".into()), "{flat}");
    let days = service.get("/v1/license").json()["days_until_expiry"].as_i64().unwrap();
    assert!(days < -1_000, "{days}");
}

#[test]
fn what_is_to_be_expected_is_told_of_the_limit_that_is_asked_for() {
    let site = Site::new();
    let service = site.serve(&[]);
    let expected = |query: &str| {
        let told = service.get(&format!("/v1/usage/history{query}")).json();
        let limits = told["forecast"].as_array().unwrap().iter().map(|forecast| forecast["limit"].clone());
        limits.collect::<Vec<_>>()
    };
    assert_eq!(expected("?limit=tokens"), ["tokens"]);
    assert!(expected("").len() > 1 && expected("?limit=none").is_empty());
}

/// Every file below a directory, with what of its content is text.
fn files(folder: &std::path::Path, found: &mut Vec<(std::path::PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else if entry.file_type().unwrap().is_file() {
            let content = std::fs::read(entry.path()).unwrap();
            found.push((entry.path(), String::from_utf8_lossy(&content).into_owned()));
        }
    }
}

#[test]
fn what_is_uploaded_into_memory_holds_for_this_run_and_is_never_written() {
    let site = Site::without_license();
    site.license("first.json", &["--expires", "1y", "--id", "lic_1"]);
    site.license("second.json", &["--expires", "2y", "--id", "lic_1", "--limit", "extra=quota:5"]);
    let mut service = site.serve(&["--uploads", "memory"]);
    assert_eq!(tokens(&install(&service, "/v1/license", &site.0.read("first.json"))), 1000);
    assert!(service.post("/v1/check", &json!({"feature": "sso"})).json()["allowed"].as_bool().unwrap());
    let second = install(&service, "/v1/license", &site.0.read("second.json"));
    assert_eq!(second.json()["limits"]["extra"], 5, "{second:?}");
    // It is read anew from where it is, taken back, and stands again.
    service.signal("-HUP");
    service.logged("read anew");
    assert_eq!(service.get("/v1/license").json()["limits"]["extra"], 5);
    assert_eq!(service.post("/v1/license/rollback", &json!({})).json()["limits"].get("extra"), None);
    assert_eq!(service.post("/v1/license/rollback", &json!({})).json()["limits"]["extra"], 5);
    assert_eq!(install(&service, "/v1/license", &site.0.read("second.json").replacen("ey", "ez", 1)).status, 422);
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    let mut written = Vec::new();
    files(&site.0.path("state"), &mut written);
    assert!(written.len() > 2);
    for name in ["first.json", "second.json"] {
        let license: Value = serde_json::from_str(&site.0.read(name)).unwrap();
        for secret in ["payload", "signature"].map(|member| license[member].as_str().unwrap().to_owned()) {
            let found = written.iter().find(|(_, content)| content.contains(&secret));
            assert!(found.is_none(), "{name} was written to {:?}", found.unwrap().0);
        }
    }
    let service = site.serve(&["--uploads", "memory"]);
    assert_eq!(service.get("/v1/license").json()["status"], "missing");
    assert_eq!(service.post("/v1/license/rollback", &json!({})).json()["reason"], "nothing-replaced");
}

#[test]
fn the_first_license_in_memory_is_taken_back_and_one_of_the_state_directory_stands_behind_it() {
    let site = Site::without_license();
    site.license("first.json", &["--expires", "1y", "--id", "lic_1"]);
    site.license("second.json", &["--expires", "2y", "--id", "lic_1", "--limit", "extra=quota:5"]);
    let stored = site.serve(&[]);
    install(&stored, "/v1/license", &site.0.read("first.json"));
    drop(stored);
    let service = site.serve(&["--uploads", "memory"]);
    assert_eq!(service.get("/v1/license").json()["status"], "valid");
    assert_eq!(install(&service, "/v1/license", &site.0.read("second.json")).json()["limits"]["extra"], 5);
    let back = service.post("/v1/license/rollback", &json!({}));
    assert_eq!((back.json()["status"].clone(), back.json()["limits"].get("extra")), ("valid".into(), None), "{back:?}");
    let forth = service.post("/v1/license/rollback", &json!({}));
    assert_eq!(forth.json()["limits"]["extra"], 5, "{forth:?}");
    drop(service);
    assert_eq!(site.serve(&[]).get("/v1/license").json()["limits"].get("extra"), None);
}

#[test]
fn a_grace_after_damage_is_shortened_as_it_is_set_and_never_made_longer() {
    let site = Site::without_license();
    let good = |grace: &[&str]| site.license("license.json", &[&["--expires", "1y"], grace].concat());
    let shortened = ["--license-grace-period-on-validation-error", "3s", "--license-watch-interval", "100ms"];
    good(&["--grace-validation", "72h"]);
    let license = site.0.read("license.json");
    let service = site.serve(&shortened);
    let state = |service: &Service| service.get("/v1/license").json()["state"].as_str().unwrap().to_owned();
    let await_state = |service: &Service, wanted: &str| {
        let began = std::time::Instant::now();
        while state(service) != wanted {
            assert!(began.elapsed() < std::time::Duration::from_secs(20), "{wanted}: {}", state(service));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        began.elapsed()
    };
    assert_eq!(state(&service), "active");
    site.0.write("license.json", "damaged");
    await_state(&service, "grace");
    assert!(service.post("/v1/check", &json!({"feature": "sso"})).json()["allowed"].as_bool().unwrap());
    let lasted = await_state(&service, "invalid");
    assert!(lasted.as_millis() > 1_500, "{lasted:?}");
    assert!(!service.post("/v1/check", &json!({"feature": "sso"})).json()["allowed"].as_bool().unwrap());
    drop(service);
    // Neither a restart nor a longer time gives it back; the document itself does.
    assert_eq!(state(&site.serve(&shortened)), "invalid");
    let service = site.serve(&["--license-watch-interval", "100ms"]);
    assert_eq!(state(&service), "invalid");
    site.0.write("license.json", &license);
    await_state(&service, "active");
    drop(service);
    // What the license does not grant is not given.
    good(&[]);
    let service =
        site.serve(&["--license-grace-period-on-validation-error", "72h", "--license-watch-interval", "100ms"]);
    assert_eq!(state(&service), "active");
    site.0.write("license.json", "damaged");
    await_state(&service, "invalid");
}
