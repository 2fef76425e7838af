//! What two readers could understand differently is understood in one way, or refused: nothing comes in behind something else.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, pause};
use crate::service::{Service, Site};

const BODY: &str = r#"{"feature":"sso"}"#;
const CHUNKED: &str = "11\r\n{\"feature\":\"sso\"}\r\n0\r\n\r\n";
/// What must never be answered where it stands inside something else.
const SMUGGLED: &str = "GET /readyz HTTP/1.1\r\nhost: x\r\nx-request-id: smuggled\r\nconnection: close\r\n\r\n";

/// A check with these header lines and this body, with the token of the run.
fn check(headers: &str, body: &str) -> String {
    format!("POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n{body}")
}

/// How many answers there are, and how the first begins.
fn answers(service: &Service, request: &str) -> (usize, String) {
    let answer = service.raw(request.as_bytes());
    assert!(!answer.contains("smuggled"), "{request}\n{answer}");
    let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
    (answer.matches("HTTP/1.1 ").count(), status)
}

#[test]
fn a_body_of_two_lengths_is_read_once_and_nothing_after_it() {
    let site = Site::new();
    let service = site.serve(&[]);
    // RFC 9112, section 6.1: the chunks count, and the connection ends.
    for headers in [
        "content-length: 6\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 6\r\n",
        "Transfer-Encoding:\tchunked\r\nCONTENT-LENGTH: 27\r\nconnection: keep-alive\r\n",
    ] {
        let (count, status) = answers(&service, &(check(headers, CHUNKED) + SMUGGLED));
        assert_eq!((count, &*status), (1, "200"), "{headers}");
    }
    let length = BODY.len();
    for headers in [
        format!("content-length: {length}\r\ncontent-length: {}\r\n", length + 1),
        format!("content-length: {length}, {length}\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("content-length: {length}.0\r\n"),
        "content-length: 0x11\r\n".to_owned(),
        "content-length: 18446744073709551633\r\n".to_owned(),
        format!("content-length : {length}\r\n"),
        format!("content-length:\r\n {length}\r\n"),
        format!("x: y\r\n content-length: 3\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}\r\n\ttransfer-encoding: chunked\r\n"),
        "transfer-encoding: identity\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "transfer-encoding: chunked;q=1\r\n".to_owned(),
        "transfer-encoding: \u{b}chunked\r\n".to_owned(),
        "transfer-encoding\0: chunked\r\n".to_owned(),
        format!(": y\r\ncontent-length: {length}\r\n"),
        format!("x\r\ncontent-length: {length}\r\n"),
        format!("x: a\rcontent-length: 3\r\ncontent-length: {length}\r\n"),
    ] {
        let (count, status) = answers(&service, &(check(&headers, BODY) + SMUGGLED));
        assert!(count == 1 && status == "400", "{headers}: {count} {status}");
    }
    // A version that knows no chunks.
    let old = check("transfer-encoding: chunked\r\n", CHUNKED).replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(answers(&service, &(old + SMUGGLED)).1, "400");
    assert_eq!(service.post("/v1/check", &json!({"feature": "sso"})).status, 200);
}

#[test]
fn chunks_that_are_none_are_no_body() {
    let site = Site::new();
    let service = site.serve(&["--limits-request-time", "2s"]);
    assert_eq!(answers(&service, &check("transfer-encoding: chunked\r\nconnection: close\r\n", CHUNKED)).1, "200");
    let (size, rest) = ("11\r\n", "{\"feature\":\"sso\"}\r\n0\r\n\r\n");
    for chunks in [
        format!("-11\r\n{rest}"),
        format!("0x11\r\n{rest}"),
        format!("+11\r\n{rest}"),
        format!("10000000000000011\r\n{rest}"),
        format!("ffffffffffffffff\r\n{rest}"),
        format!("\r\n{size}{rest}"),
        format!("11;{}\r\n{rest}", "x".repeat(1 << 17)),
        format!("{size}{{\"feature\":\"sso\"}}0\r\n\r\n"),
        format!("{size}{{\"feature\":\"sso\"}} \r\n0\r\n\r\n"),
        format!("{size}{{\"feature\":\"sso\"}}\r\n0\r\n{}\r\n", "x: y\r\n".repeat(1 << 14)),
        "12\r\n{\"feature\":\"sso\"}\r\n0\r\n\r\n".to_owned(),
    ] {
        let (count, status) = answers(&service, &(check("transfer-encoding: chunked\r\n", &chunks) + SMUGGLED));
        let told: String = chunks.chars().take(60).collect();
        assert!(count <= 1 && (status.is_empty() || status.starts_with('4')), "{told:?}: {count} {status}");
    }
    // One that breaks off is told as that, not as too long.
    let broken = service.raw(check("transfer-encoding: chunked\r\n", "11\r\n{\"feature\"\r\nZZ\r\n\r\n").as_bytes());
    assert!(broken.contains("input-invalid") && !broken.contains("input-too-large"), "{broken}");
}

#[test]
fn a_body_that_nobody_reads_is_not_taken_for_the_next_request() {
    let site = Site::new();
    let service = site.serve(&[]);
    let length = SMUGGLED.len();
    for line in ["GET /healthz", "HEAD /healthz", "GET /nowhere", "DELETE /v1/check", "POST /v1/license/rollback"] {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}");
        let closing = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let (count, _) = answers(&service, &(request + closing));
        assert!((1..=2).contains(&count), "{line}: {count}");
    }
}

#[test]
fn requests_in_a_row_are_answered_in_a_row_up_to_the_first_that_is_none() {
    let site = Site::new();
    let service = site.serve(&[]);
    let answer = service.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nhost: x\r\n\r\nrubbish\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    let statuses: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|one| one.get(..3).unwrap()).collect();
    assert_eq!(statuses, ["200", "404", "400"], "{answer}");
}

#[test]
fn a_target_is_one_path_however_it_is_written() {
    let site = Site::new();
    let service = site.serve(&[]);
    let ask = |line: &str| {
        let answer = service.raw(format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for (line, status) in [
        // RFC 9112, section 3.2.2.
        ("GET http://other.example/healthz", "200"),
        ("GET http://other.example:99/v1/license?x", "200"),
        ("HEAD /healthz", "200"),
        ("GET /healthz?/../v1/license", "200"),
        ("GET http://x//healthz", "404"),
        ("GET //v1/license", "404"),
        ("GET /v1/../admin/license/status", "404"),
        ("GET /healthz/../admin/license/status", "404"),
        ("GET /%2e%2e/admin/license/status", "404"),
        ("GET /%76%31/license", "404"),
        ("GET /v1%2flicense", "404"),
        ("GET /v1\\license", "404"),
        ("GET /v1/license;x", "404"),
        ("GET /v1/license%00", "404"),
        ("POST /v1/reserve/%2e%2e%2f%2e%2e/settle", "415"),
        ("POST /v1/reserve/%00/release", "404"),
        ("GET /v1/\0license", "400"),
        ("GET /v1/\u{1b}license", "400"),
        ("GET v1/license", "400"),
        ("GET /v1/li cense", "400"),
        ("get /healthz", "405"),
        ("TRACE /v1/license", "405"),
        ("OPTIONS /v1/license", "405"),
        ("OPTIONS *", "404"),
        ("CONNECT x:443", "404"),
        ("PUT /v1/license", "405"),
        ("G\u{e4}T /healthz", "400"),
    ] {
        assert_eq!(ask(line), status, "{line:?}");
    }
    assert!(ask("POST /v1/reserve/%ff/release").starts_with('4'));
    let long = ask(&format!("GET /{}", "x".repeat(70_000)));
    assert!(long.starts_with('4'), "{long}");
    // What is meant for another protocol is answered as what it is.
    let upgrade = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n";
    assert!(service.raw(upgrade.as_bytes()).starts_with("HTTP/1.1 200 "));
    let second = service.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(second.is_empty() || second.starts_with("HTTP/1.1 4") || second.starts_with("HTTP/1.1 505"), "{second}");
}

#[test]
fn json_that_two_readers_could_take_differently_is_refused() {
    let site = Site::new();
    let service = site.serve(&[]);
    let ask = |body: &[u8]| {
        let mut head = service
            .authorized(&check(&format!("connection: close\r\ncontent-length: {}\r\n", body.len()), ""))
            .into_bytes();
        head.extend_from_slice(body);
        let mut client = service.connect();
        client.write_all(&head).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut client, &mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(ask(BODY.as_bytes()), "200");
    for body in [
        &br#"{"feature":"sso","feature":"audit"}"#[..],
        br#"{"feature":"sso","Feature":"audit"}"#,
        br#"{"feature":"sso"}{"feature":"audit"}"#,
        br#"{"feature":"sso"} x"#,
        br#"{"feature":null}"#,
        br#"{"feature":"\ud800"}"#,
        b"{\"feature\":\"s\xffo\"}",
        b"\xef\xbb\xbf{\"feature\":\"sso\"}",
        b"{\"feature\":\"s\0o\"}",
        br#"{'feature':'sso'}"#,
        br#"{"feature":"sso",}"#,
        b"",
        b"null",
    ] {
        assert_eq!(ask(body), "422", "{}", String::from_utf8_lossy(body));
    }
    for deep in ["[", "{\"feature\":", "[{\"feature\":\"sso\",\"context\":{\"details\":["] {
        assert_eq!(ask(deep.repeat(60_000 / deep.len()).as_bytes()), "422", "{deep}");
    }
    for amount in ["-1", "1.0", "1e3", "18446744073709551616", "\"1\"", "1e999", "NaN"] {
        let body = format!(r#"{{"charges":[{{"limit":"tokens","amount":{amount}}}]}}"#);
        let answer = service.ask("POST", "/v1/consume", &[("content-type", "application/json")], &body);
        assert_eq!(answer.status, 422, "{amount}: {answer:?}");
    }
    assert_eq!(service.tokens(), 0);
}

#[test]
fn who_sends_byte_by_byte_is_let_go_in_time_and_holds_nobody_up() {
    let site = Site::new();
    let service = site.serve(&["--limits-header-time", "2s", "--limits-request-time", "2s"]);
    let head = service.authorized(&check("content-length: 1000\r\n", ""));
    let began = Instant::now();
    let mut slow: Vec<_> = (0..60)
        .map(|index| {
            let mut stream = service.connect();
            // A header, or a body behind a whole one.
            let first: &[u8] = if index % 2 == 0 { b"GET /healthz HTTP/1.1\r\nx: " } else { head.as_bytes() };
            stream.write_all(first).unwrap();
            Some(stream)
        })
        .collect();
    let mut client = Client::connect(&service);
    let mut longest = Duration::ZERO;
    while slow.iter().any(Option::is_some) {
        assert!(began.elapsed() < Duration::from_secs(20), "they are still waited for");
        for stream in &mut slow {
            if stream.as_mut().is_some_and(|stream| stream.write_all(b" ").is_err()) {
                *stream = None;
            }
        }
        let asked = Instant::now();
        assert_eq!(client.post("/v1/check", BODY).unwrap().0, 200);
        assert_eq!(client.get("/healthz").unwrap().0, 200);
        longest = longest.max(asked.elapsed());
        pause(50);
    }
    assert!(began.elapsed() > Duration::from_millis(1_500), "{:?}", began.elapsed());
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}
