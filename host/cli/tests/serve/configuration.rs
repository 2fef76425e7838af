//! What is set where, and what is said of what is wrong.

use std::process::Command;

use crate::service::{Service, Site};

#[test]
fn the_whole_configuration_is_shown_and_can_be_used_as_it_is() {
    let site = Site::new();
    let shown = site.0.done(&["serve", "--print-config"]);
    for (key, default) in [("address", "\"127.0.0.1:7077\""), ("on_no_license", "refuse"), ("recheck_interval", "1h")] {
        assert!(shown.contains(&format!("{key}: {default}\n")), "{key}\n{shown}");
    }
    site.0.write("placet.yaml", shown);
    let service = site.serve(&[
        "--listen",
        "127.0.0.1:0",
        "--state",
        "state",
        "--policy",
        "policy.wasm",
        "--license",
        "license.json",
    ]);
    assert_eq!(service.get("/readyz").status, 200);
}

#[test]
fn a_wrong_key_names_the_nearest_right_one_and_a_wrong_value_its_key() {
    let site = Site::new();
    for (config, error) in [
        ("licence: {path: x}", "there is no key `licence.path`; did you mean `license.path`?"),
        ("license: {enabled: false}", "no key turns enforcement off"),
        ("limits: {connections: none}", "invalid value 'none' for `limits.connections`"),
        ("listen: {address: localhost}", "invalid value 'localhost' for `listen.address`"),
        ("port: 7077", "there is no key `port`; `placet serve --print-config` shows all keys"),
        ("on_no_license: allow", "invalid value 'allow' for `on_no_license`; it is one of refuse, exit"),
        ("license: [", "line 1, column "),
        ("license.token: TEST-secret\nlicense.token: TEST-secret", "it is not YAML as it is expected"),
        ("license: {token: {TEST-secret: [x]}}", "`license.token` has a value of a form that it cannot have"),
        (
            "license: {token_env: NOT_SET_ANYWHERE}\nlicense.state_path: state\npolicy.path: policy.wasm",
            "`NOT_SET_ANYWHERE`, which is not set",
        ),
    ] {
        site.0.write("placet.yaml", config);
        let (code, said) = site.refused(&[]);
        assert!(code == 2 && said.contains(error) && said.contains("help: "), "{config}: {code} {said}");
        assert!(!said.contains("TEST-secret"), "{said}");
    }
}

#[test]
fn a_variable_that_sets_nothing_is_warned_of_and_stops_nothing() {
    let site = Site::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
    command.args(["serve", "--config", "placet.yaml", "--root", "TEST-root.pub"]);
    command.env("PLACET_LICENSE_PATH", "TEST-value").env("PLACET_SERVICE_HOST", "10.0.0.1");
    let service = Service::start(&site, &mut command);
    for said in ["PLACET_LICENSE_PATH", "did you mean `PLACET_LICENSE`?", "PLACET_SERVICE_HOST"] {
        assert!(service.log.contains(said), "{said}: {}", service.log);
    }
    assert!(!service.log.contains("TEST-value"));
}

#[test]
fn flags_go_before_variables_and_variables_before_the_file() {
    let site = Site::new();
    site.0.write("placet.yaml", "listen: {address: \"192.0.2.1:1\"}\npolicy: {path: nowhere.wasm}\nlicense: {state_path: state, path: license.json}");
    // The address of the file is nobody's.
    let (code, said) = site.refused(&["--policy", "policy.wasm"]);
    assert!(code == 2 && said.contains("cannot listen on 192.0.2.1:1"), "{said}");
    let service = site.serve(&["--policy-path=policy.wasm", "--listen-address=127.0.0.1:0"]);
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn without_a_usable_license_it_denies_or_exits_as_it_is_told() {
    let site = Site::without_license();
    let mut service = site.serve(&[]);
    assert!(service.log.contains("no license is usable"), "{}", service.log);
    assert_eq!(service.get("/healthz").status, 200);
    let ready = service.get("/readyz");
    assert_eq!(
        (ready.status, ready.json()["state"].clone(), ready.json()["reason"].clone()),
        (503, "missing".into(), "missing".into())
    );
    let decision = service.post("/v1/check", &serde_json::json!({"feature": "sso"}));
    assert_eq!((decision.status, decision.json()["allowed"].clone()), (200, false.into()));
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);

    let (code, said) = site.refused(&["--on-no-license", "exit"]);
    assert!(code == 1 && said.contains("no license is usable: missing"), "{code} {said}");
}

#[test]
fn expired_it_is_ready_for_reading_unless_told() {
    let site = Site::without_license();
    site.license("license.json", &["--starts", "2020-01-01", "--expires", "2021-01-01"]);
    let service = site.serve(&[]);
    let ready = service.get("/readyz");
    assert_eq!((ready.status, ready.json()["state"].clone()), (200, "expired".into()), "{ready:?}");
    drop(service);
    assert_eq!(site.serve(&["--ready-when-expired", "false"]).get("/readyz").status, 503);
}

#[test]
fn it_is_ready_while_it_is_of_use_and_says_how_it_stands() {
    let site = Site::without_license();
    for (term, state, told, status) in [
        (&["--expires", "20d"][..], "expiring", "expiring_soon", 200),
        (&["--starts", "2020-01-01", "--expires", "2021-01-01", "--grace-expiry", "36500d"], "grace", "grace", 200),
        (&["--starts", "2100-01-01", "--expires", "2101-01-01"], "pending", "pending", 503),
        (&["--expires", "1y", "--scope-environment", "elsewhere"], "invalid", "invalid", 503),
    ] {
        site.license("license.json", &[term, &["--id", state]].concat());
        let service = site.serve(&[]);
        let ready = service.get("/readyz");
        assert_eq!((ready.status, ready.json()["state"].clone()), (status, state.into()), "{ready:?}");
        assert_eq!(ready.json()["ready"], status == 200);
        assert!(!ready.json()["reason"].as_str().unwrap().is_empty());
        assert_eq!(service.get("/v1/license").json()["status"], told);
    }
}

#[test]
fn it_listens_on_a_unix_socket_instead() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::new();
    for _ in 0..2 {
        let service = site.serve(&["--listen-unix", "placet.sock"]);
        assert_eq!(service.address, "unix:placet.sock");
        let path = site.0.path("placet.sock");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // It is killed here, and leaves its socket behind.
    }
    site.0.write("file", "mine");
    let (code, said) = site.refused(&["--listen-unix", "file"]);
    assert!(code == 2 && said.contains("something else than a socket"), "{said}");
    assert_eq!(site.0.read("file"), "mine");
}
