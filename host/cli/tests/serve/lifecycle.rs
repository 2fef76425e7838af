//! Starting and stopping, without losing what was asked or counted.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::service::Site;

#[test]
fn a_stop_finishes_what_is_under_way_and_closes_the_installation() {
    for signal in ["-TERM", "-INT"] {
        let site = Site::new();
        let mut service = site.serve(&["--log-format", "json"]);
        let body = json!({"charges": [{"limit": "tokens", "amount": 5}]}).to_string();
        let mut stream = service.connect();
        let head = format!(
            "POST /v1/consume HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let (first, rest) = body.split_at(9);
        stream.write_all(service.authorized(&format!("{head}{first}")).as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(300));
        service.signal(signal);
        service.logged("stopping");
        stream.write_all(rest.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"used\":5"), "{answer}");
        assert_eq!(service.ended(), 0, "{}", service.log);
        for line in service.log.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
        // The state directory is free, and holds what was counted.
        let usage = site.0.json(&["usage", "--state", "state", "--license", "license.json", "--root", "TEST-root.pub"]);
        let tokens = usage.as_array().unwrap().iter().find(|usage| usage["limit"] == "tokens").unwrap();
        assert_eq!(tokens["used"], 5);
    }
}

#[test]
fn a_client_that_never_ends_does_not_keep_it_from_stopping() {
    let site = Site::new();
    let mut service = site.serve(&["--limits-stop-time", "500ms"]);
    let mut stream = service.connect();
    stream
        .write_all(
            service
                .authorized("POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{")
                .as_bytes(),
        )
        .unwrap();
    thread::sleep(Duration::from_millis(300));
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert!(service.log.contains("still under way"), "{}", service.log);
}

#[test]
fn what_was_acknowledged_under_load_is_counted_after_a_stop_and_after_a_kill() {
    let site = Site::without_license();
    site.license("license.json", &["--expires", "1y", "--limit", "plenty=quota:1000000"]);
    let counted = AtomicU64::new(0);
    for signal in ["-TERM", "-KILL"] {
        let mut service = site.serve(&[]);
        let place = service.address.trim_start_matches("http://").to_owned();
        let token = service.token.clone();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let body = json!({"charges": [{"limit": "plenty", "amount": 1}]}).to_string();
                    // Until it is gone.
                    loop {
                        let Ok(mut stream) = std::net::TcpStream::connect(&place) else { return };
                        let request = format!(
                            "POST /v1/consume HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        let mut answer = String::new();
                        let read = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
                        if answer.contains("\"allowed\":true") {
                            counted.fetch_add(1, Ordering::SeqCst);
                        }
                        if read.is_err() || answer.is_empty() {
                            return;
                        }
                        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                    }
                });
            }
            thread::sleep(Duration::from_millis(1_500));
            service.signal(signal);
            service.ended();
        });
    }
    let service = site.serve(&[]);
    let used = service.post("/v1/preview", &json!({"charges": [{"limit": "plenty", "amount": 1}]})).json()["usage"][0]
        ["used"]
        .as_u64()
        .unwrap();
    let counted = counted.load(Ordering::SeqCst);
    // What was counted and not told may be one for each client of the kill.
    assert!(counted > 20 && (counted..=counted + 4).contains(&used), "{counted} acknowledged, {used} counted");
}

#[test]
#[cfg(target_os = "linux")]
fn it_never_takes_64_mib_whoever_asks() {
    let site = Site::without_license();
    site.license("license.json", &["--expires", "1y", "--limit", "plenty=quota:1000000,slack=100"]);
    // The first start compiles the policy.
    drop(site.serve(&[]));
    let service = site.serve(&[]);
    thread::scope(|scope| {
        for limit in ["tokens", "plenty"].into_iter().cycle().take(32) {
            let service = &service;
            scope.spawn(move || {
                let mut client = Client::connect(service);
                let body = format!(r#"{{"charges":[{{"limit":"{limit}","amount":1}}]}}"#);
                for _ in 0..100 {
                    assert_eq!(client.post("/v1/check", r#"{"feature":"sso"}"#).unwrap().0, 200);
                    assert_eq!(client.post("/v1/consume", &body).unwrap().0, 200);
                }
            });
        }
    });
    let most = service.memory("VmHWM");
    assert!(most < 64 << 10, "{most} KiB");
}

#[test]
#[cfg(target_os = "linux")]
fn it_never_takes_96_mib_though_it_compiles_a_policy_at_its_start_and_another_that_is_uploaded() {
    let site = Site::new();
    let service = site.serve(&[]);
    let pack =
        ["policy", "pack", "--name", "acme/router", "--version", "1.0.1", "--sequence", "2", "--out", "next.wasm"];
    site.0.done(&[&pack[..], &["--trust", "TEST-license.pub", "--key", "TEST-root.key"]].concat());
    let url = format!("{}/v1/policy", service.address);
    let upload = ureq::post(url).header("authorization", format!("Bearer {}", service.token));
    let answer = upload.send(&*std::fs::read(site.0.path("next.wasm")).unwrap()).unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(service.get("/v1/policy").json().as_array().unwrap().len(), 2);
    let most = service.memory("VmHWM");
    assert!(most < 96 << 10, "{most} KiB");
}
