//! Starting and stopping, without losing what was asked or counted.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

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

/// Charges one unit after the other until nobody listens any more, each by a connection of its own or by one as long as it is kept: how many were
/// acknowledged, and what became of those that were sent and not answered.
fn charge<S: Read + Write>(token: &str, connect: impl Fn() -> io::Result<S>, keeps: bool) -> (u64, Vec<io::Error>) {
    let body = json!({"charges": [{"limit": "plenty", "amount": 1}]}).to_string();
    let headers = if keeps { "" } else { "connection: close\r\n" };
    let (mut acknowledged, mut lost) = (0, Vec::new());
    while let Ok(stream) = connect() {
        let mut client = Client::over(stream, token);
        let request = client.posted("/v1/consume", headers, &body);
        while !client.is_closed && client.send(&request).is_ok() {
            match client.answer() {
                Ok((status, text)) => {
                    assert!(status == 200 && text.contains("\"allowed\":true"), "{status} {text}");
                    acknowledged += 1;
                }
                Err(error) => {
                    lost.push(error);
                    break;
                }
            }
        }
    }
    (acknowledged, lost)
}

#[test]
fn what_was_acknowledged_under_load_is_counted_after_a_stop_and_after_a_kill_and_a_stop_answers_all_that_was_sent() {
    const CLIENTS: usize = 8;
    let site = Site::without_license();
    site.license("license.json", &["--expires", "1y", "--limit", "plenty=quota:1000000"]);
    let socket = site.0.path("placet.sock");
    let mut counted = 0;
    for (signal, arguments) in
        [("-TERM", &[][..]), ("-TERM", &["--listen-unix", "placet.sock"]), ("-TERM", &[]), ("-KILL", &[])]
    {
        let mut service = site.serve(arguments);
        let (place, token) = (service.address.trim_start_matches("http://").to_owned(), service.token.clone());
        let ended: Vec<_> = thread::scope(|scope| {
            let (place, token, socket) = (&*place, &*token, &socket);
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let keeps = client % 2 == 0;
                    scope.spawn(move || match arguments {
                        [] => charge(token, || TcpStream::connect(place), keeps),
                        _ => charge(token, || UnixStream::connect(socket), keeps),
                    })
                })
                .collect();
            thread::sleep(Duration::from_millis(1_000));
            service.signal(signal);
            service.ended();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        for (acknowledged, lost) in ended {
            counted += acknowledged;
            assert!(signal == "-KILL" || lost.is_empty(), "{arguments:?}: {lost:?}");
        }
    }
    let service = site.serve(&[]);
    let used = service.post("/v1/preview", &json!({"charges": [{"limit": "plenty", "amount": 1}]})).json()["usage"][0]
        ["used"]
        .as_u64()
        .unwrap();
    // The preview's own, and what was counted and not told: one for each client of the kill at the most.
    let most = counted + 1 + CLIENTS as u64;
    assert!(counted > 20 && (counted + 1..=most).contains(&used), "{counted} acknowledged, {used} counted");
}

#[test]
fn from_a_stop_on_it_is_not_ready_and_each_answer_is_the_last_of_its_connection() {
    let site = Site::new();
    let mut service = site.serve(&[]);
    let [mut silent, mut idle, mut half] = [(); 3].map(|()| Client::connect(&service));
    assert_eq!(idle.get("/readyz").unwrap().0, 200);
    assert!(!idle.is_closed);
    half.send("GET /readyz HT").unwrap();
    thread::sleep(Duration::from_millis(100));
    service.signal("-TERM");
    service.logged("stopping");
    let mut late = Client::connect(&service);
    for client in [&mut silent, &mut idle, &mut late] {
        let (status, text) = client.get("/readyz").unwrap();
        assert!(status == 503 && text.contains("\"reason\":\"stopping\""), "{status} {text}");
        assert!(client.is_closed);
    }
    // Who has begun to ask is waited for, also when nobody else is.
    thread::sleep(Duration::from_millis(1_500));
    half.send("TP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(half.answer().unwrap().0 == 503 && half.is_closed);
    assert_eq!(service.ended(), 0);
}

#[test]
fn clients_that_ask_nothing_do_not_hold_up_a_stop() {
    let site = Site::new();
    let mut service = site.serve(&[]);
    let mut idle = Client::connect(&service);
    assert_eq!(idle.get("/healthz").unwrap().0, 200);
    let _silent = service.connect();
    thread::sleep(Duration::from_millis(100));
    let began = Instant::now();
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
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
