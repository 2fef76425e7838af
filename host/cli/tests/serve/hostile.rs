//! What a client does wrong, on purpose or not, is refused, and holds nobody else up.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::service::{Service, Site};

fn assert_lives(service: &Service) {
    assert!(service.post("/v1/check", &json!({"feature": "sso"})).json()["allowed"].as_bool().unwrap());
}

#[test]
fn what_is_no_http_is_refused() {
    let site = Site::new();
    let service = site.serve(&[]);
    for bytes in [
        &b"\0\x01\x02\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\nZZ\r\n",
        b"POST /v1/check HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let answer = service.raw(bytes);
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 505");
        assert!(refused, "{}: {answer}", String::from_utf8_lossy(bytes));
    }
    assert_lives(&service);
}

#[test]
fn paths_and_methods_that_there_are_not_are_refused() {
    let site = Site::new();
    let service = site.serve(&[]);
    for path in [
        "/",
        "/v1",
        "/v1/check/",
        "/V1/check",
        "/v1//check",
        "/v1/../v1/check",
        "/v1/%2e%2e/healthz",
        "/v1/check%00",
        "/healthz/..%2f..%2fetc/passwd",
    ] {
        let answer = service.raw(
            format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("route-unknown"), "{path}: {answer}");
    }
    let answer = service.get("/v1/check");
    assert_eq!(
        (answer.status, answer.header("allow"), answer.json()["reason"].clone()),
        (405, "POST", "method-refused".into())
    );
    assert_eq!(service.ask("BREW", "/v1/consume", &[], "").status, 405);
}

#[test]
fn a_body_of_another_type_or_size_is_refused() {
    let site = Site::new();
    let service = site.serve(&["--limits-body-bytes", "2000"]);
    let body = json!({"feature": "sso"}).to_string();
    for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "application/jsonp", ""] {
        let answer = service.ask("POST", "/v1/check", &[("content-type", kind)], &body);
        assert_eq!((answer.status, answer.json()["reason"].clone()), (415, "media-type".into()), "{kind}");
    }
    assert_eq!(
        service.ask("POST", "/v1/check", &[("content-type", "Application/JSON; charset=utf-8")], &body).status,
        200
    );

    let long = json!({"feature": "x".repeat(2_000)});
    let answer = service.post("/v1/check", &long);
    assert_eq!((answer.status, answer.json()["reason"].clone()), (413, "input-too-large".into()));
    // It says that it is short, or says nothing, and goes on and on.
    let head =
        "POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = format!("{head}{}", format!("400\r\n{}\r\n", " ".repeat(1_024)).repeat(64));
    let answer = service.raw(endless.as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // A gigabyte that is announced is not waited for.
    let announced =
        "POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000000\r\n\r\n";
    let refused = service.raw(announced.as_bytes());
    assert!(refused.starts_with("HTTP/1.1 413 ") && refused.contains("connection: close\r\n"), "{refused}");
    assert_lives(&service);
}

#[test]
fn a_connection_goes_on_behind_a_body_that_is_whole_or_little_and_says_so_where_it_ends() {
    let site = Site::new();
    let service = site.serve(&["--request-rate", "none"]);
    let json = "host: x\r\ncontent-type: application/json\r\n";
    let last = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let (chunk, long) = (r#"{"feature":"audit"}"#, "x".repeat(100_000));
    for (asked, answer) in [
        (
            format!(
                "POST /v1/enforce/check HTTP/1.1\r\n{json}transfer-encoding: chunked\r\n\r\n13\r\n{chunk}\r\n0\r\n\r\n"
            ),
            "403",
        ),
        ("POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nlost".to_owned(), "415"),
        (
            "POST /v1/enforce/request HTTP/1.1\r\nhost: x\r\nplacet-tenant: t1\r\ncontent-length: 4\r\n\r\nlost"
                .to_owned(),
            "204",
        ),
    ] {
        let answers = service.raw(format!("{asked}{last}").as_bytes());
        assert!(
            answers.starts_with(&format!("HTTP/1.1 {answer} ")) && answers.ends_with(r#"{"status":"ok"}"#),
            "{answers}"
        );
        assert_eq!(answers.matches("connection: close").count(), 1, "{answers}");
    }
    for framing in ["content-length: 200000", "transfer-encoding: chunked"] {
        let rest = if framing.ends_with("chunked") { format!("186a0\r\n{long}\r\n") } else { long.clone() };
        let cut = service.raw(
            format!("POST /v1/enforce/request HTTP/1.1\r\nhost: x\r\nplacet-tenant: t1\r\n{framing}\r\n\r\n{rest}")
                .as_bytes(),
        );
        assert!(cut.starts_with("HTTP/1.1 204 ") && cut.contains("connection: close\r\n"), "{framing}: {cut}");
    }
    assert_lives(&service);
}

#[test]
fn a_header_that_is_too_long_is_refused() {
    let site = Site::new();
    let service = site.serve(&["--limits-header-bytes", "2048"]);
    let fits =
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-long: {}\r\n\r\n", "x".repeat(1_500));
    assert!(service.raw(fits.as_bytes()).starts_with("HTTP/1.1 200 "));
    for header in [
        format!("x-long: {}\r\n", "x".repeat(3_000)),
        "a: b\r\n".repeat(1_000),
        format!("x-endless: {}", "x".repeat(1 << 20)),
    ] {
        let answer = service.raw(format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{header}\r\n").as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    assert!(service.raw(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 17)).as_bytes()).starts_with("HTTP/1.1 4"));
    assert_lives(&service);
}

/// So many clients, each of which has sent one of these and sends no more.
fn begun_by(clients: usize, service: &Service, beginnings: &[&str]) -> Vec<TcpStream> {
    let begin = |beginning: &&str| {
        let mut stream = service.connect();
        stream.write_all(beginning.as_bytes()).unwrap();
        stream
    };
    beginnings.iter().cycle().take(clients).map(begin).collect()
}

#[test]
fn a_body_that_is_packed_is_refused_as_that() {
    let site = Site::new();
    let service = site.serve(&[]);
    let bearer = format!("Bearer {}", service.token);
    for path in ["/v1/check", "/v1/license", "/v1/policy"] {
        let headers = |encoding| {
            [("authorization", &*bearer), ("content-type", "application/json"), ("content-encoding", encoding)]
        };
        let answer = service.ask("POST", path, &headers("gzip"), "packed");
        assert_eq!((answer.status, answer.json()["reason"].clone()), (415, "media-type".into()), "{path}: {answer:?}");
        assert_ne!(service.ask("POST", path, &headers("identity"), "plain").status, 415, "{path}");
    }
}

#[test]
fn slow_clients_are_let_go_and_hold_nobody_up() {
    let site = Site::new();
    let service = site.serve(&["--limits-request-time", "2s", "--limits-connections", "100"]);
    let begun = "POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 17\r\n";
    let begun = &service.authorized(begun);
    let body = format!("{begun}\r\n{{\"feature\":");
    let beginnings = ["", "GET /hea", begun, &body];
    let mut slow = begun_by(200, &service, &beginnings);
    // There are twice as many as places. Who asks nothing makes room for who does, long before its time is over.
    let began = Instant::now();
    for _ in 0..50 {
        assert_lives(&service);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // In the end each is let go; the half body with an answer, unless it made room.
    let mut answered = 0;
    for (index, stream) in slow.iter_mut().enumerate() {
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{index}: {answer}");
        answered += usize::from(index % 4 == 3 && !answer.is_empty());
    }
    assert!(answered > 0 && began.elapsed() < Duration::from_secs(40), "{answered} {:?}", began.elapsed());
}

#[test]
fn clients_that_owe_their_bodies_hold_nobody_up() {
    let site = Site::new();
    let service = site.serve(&["--limits-request-time", "30s", "--limits-connections", "8"]);
    let begun = "POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 17\r\n";
    let begun = service.authorized(begun);
    let owing = begun_by(16, &service, &[&format!("{begun}\r\n"), &format!("{begun}\r\n{{\"feature\":")]);
    let began = Instant::now();
    for _ in 0..20 {
        assert_lives(&service);
    }
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    drop(owing);
    // A body in two pieces is one, where nobody needs the place.
    let mut client = service.connect();
    client.write_all(format!("{begun}connection: close\r\n\r\n{{\"feature\":").as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(700));
    client.write_all(b"\"sso\"}").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn more_clients_than_there_are_places_wait_and_are_served() {
    let site = Site::new();
    let service = site.serve(&["--limits-connections", "4", "--limits-header-time", "1s"]);
    let idle: Vec<_> = (0..8).map(|_| service.connect()).collect();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_lives(&service));
        }
    });
    drop(idle);
}

#[test]
fn busy_clients_that_take_all_places_let_others_in_and_lose_no_request() {
    let site = Site::new();
    let service = site.serve(&["--limits-connections", "2"]);
    let (served, began) = (AtomicUsize::new(0), Instant::now());
    let is_over = || served.load(Ordering::Relaxed) == 4 || began.elapsed() > Duration::from_secs(20);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut is_served = false;
                // Each asks without a pause until all have been answered.
                while !is_over() {
                    let mut client = Client::connect(&service);
                    while !client.is_closed && !is_over() {
                        assert_eq!(client.post("/v1/check", r#"{"feature":"sso"}"#).unwrap().0, 200);
                        served.fetch_add(usize::from(!is_served), Ordering::Relaxed);
                        is_served = true;
                    }
                }
            });
        }
    });
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn who_does_not_take_the_answer_is_let_go() {
    let site = Site::new();
    let service = site.serve(&["--limits-request-time", "1s", "--limits-header-time", "1s"]);
    let mut stream = service.connect();
    stream.set_nonblocking(true).unwrap();
    let many = "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let began = Instant::now();
    // Asks without end and reads nothing, until the service has had enough.
    loop {
        match stream.write(many.as_bytes()) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(10)),
            Err(_) => break,
        }
        assert!(began.elapsed() < Duration::from_secs(120), "it is still waited for");
    }
    assert_lives(&service);
}
