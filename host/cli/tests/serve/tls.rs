//! TLS, spoken by curl.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::service::{Service, Site};

/// A certificate of its own for this machine, and its key: `NAME.pem` and `NAME.key`.
pub(crate) fn certificate(site: &Site, name: &str, key: &[&str]) {
    marked_certificate(site, name, key, "FALSE");
}

/// The same, marked as one that vouches for others (`TRUE`) or not.
pub(crate) fn marked_certificate(site: &Site, name: &str, key: &[&str], marked: &str) {
    let (pem, private) = (format!("{name}.pem"), format!("{name}.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=placet", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", &format!("basicConstraints=critical,CA:{marked}")])
        .args(["-keyout", &private, "-out", &pem, "-newkey"])
        .args(key)
        .current_dir(site.0.path(""))
        .output()
        .unwrap_or_else(|error| panic!("openssl: {error}"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

pub(crate) const P256: [&str; 3] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const TLS: [&str; 4] = ["--listen-tls-certificate", "shown.pem", "--listen-tls-key", "shown.key"];

/// A site whose service shows `shown.pem`.
fn site() -> Site {
    let site = Site::new();
    certificate(&site, "shown", &P256);
    site
}

/// Asks with curl, which trusts this certificate alone: what it answers, or its exit code.
fn curl(site: &Site, service: &Service, trusted: &str, path: &str, more: &[&str]) -> Result<String, i32> {
    let run = Command::new("curl")
        .args(["--silent", "--max-time", "30", "--write-out", " %{http_code}", "--cacert", trusted])
        .args(more)
        .arg(format!("{}{path}", service.address))
        .current_dir(site.0.path(""))
        .output()
        .unwrap_or_else(|error| panic!("curl: {error}"));
    let text = String::from_utf8(run.stdout).unwrap();
    if run.status.success() { Ok(text) } else { Err(run.status.code().unwrap_or(-1)) }
}

fn assert_shows(site: &Site, service: &Service, trusted: &str) {
    assert_eq!(curl(site, service, trusted, "/healthz", &[]).as_deref(), Ok("{\"status\":\"ok\"} 200"));
}

/// Waits until it shows this certificate.
fn wait_for(site: &Site, service: &Service, trusted: &str) {
    let began = Instant::now();
    while curl(site, service, trusted, "/healthz", &[]).is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "`{trusted}` is not shown");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Until the service ends the connection.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    rest
}

#[test]
fn a_client_that_trusts_the_certificate_is_answered_by_both_versions() {
    let site = site();
    certificate(&site, "other", &P256);
    let service = site.serve(&TLS);
    assert!(service.address.starts_with("https://"), "{}", service.address);
    let bearer = format!("authorization: Bearer {}", service.token);
    for version in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        let check = ["-H", &bearer, "--json", r#"{"feature":"sso"}"#];
        let answer = curl(&site, &service, "shown.pem", "/v1/check", &[version, &check].concat());
        assert!(
            answer.as_ref().is_ok_and(|text| text.contains(r#""allowed":true"#) && text.ends_with(" 200")),
            "{answer:?}"
        );
    }
    // 60: the peer's certificate is not trusted.
    assert_eq!(curl(&site, &service, "other.pem", "/healthz", &[]), Err(60));
}

#[test]
fn rsa_keys_and_chains_are_fine_too() {
    let site = Site::new();
    certificate(&site, "rsa", &["rsa:2048"]);
    certificate(&site, "shown", &P256);
    site.0.write("chain.pem", site.0.read("rsa.pem") + &site.0.read("shown.pem"));
    let service = site.serve(&["--listen-tls-certificate", "chain.pem", "--listen-tls-key", "rsa.key"]);
    assert_shows(&site, &service, "rsa.pem");
}

#[test]
fn what_is_no_tls_is_refused_at_once() {
    let site = site();
    let service = site.serve(&TLS);
    for bytes in
        [&b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"[..], b"\0\0\0\0\0\0\0\0\0\0", b"\x16\x03\x01\x00\x05hello"]
    {
        let began = Instant::now();
        let mut stream = service.connect();
        stream.write_all(bytes).unwrap();
        let answer = rest(&mut stream);
        assert!(!String::from_utf8_lossy(&answer).contains("HTTP/"), "{answer:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    assert_shows(&site, &service, "shown.pem");
}

#[test]
fn a_handshake_that_stalls_counts_as_a_connection_and_is_cut() {
    let site = site();
    let mut service = site.serve(&[&TLS[..], &["--limits-header-time", "2s", "--limits-connections", "2"]].concat());
    let began = Instant::now();
    let mut stalled = [service.connect(), service.connect()];
    for stream in &mut stalled {
        stream.write_all(b"\x16\x03\x01").unwrap();
    }
    // No place is left: one makes room at once, the other is cut when its time is over.
    assert_shows(&site, &service, "shown.pem");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    for stream in &mut stalled {
        assert!(rest(stream).is_empty());
    }
    assert!((1..20).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    // Who sends a byte now and then is no quicker.
    let mut slow = service.connect();
    let began = Instant::now();
    while slow.write_all(b"\x16").is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "it is still waited for");
        thread::sleep(Duration::from_millis(200));
    }
    // Nobody who is still at it keeps the service from stopping.
    drop(service);
    service = site.serve(&TLS);
    let _stalled = service.connect();
    thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_stop_answers_who_has_agreed_on_a_secret_and_who_is_about_to() {
    let site = site();
    let mut service = site.serve(&TLS);
    let place = service.address.trim_start_matches("https://").to_owned();
    let connect = || {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-quiet", "-connect", &place]).current_dir(site.0.path(""));
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let early = connect();
    thread::sleep(Duration::from_secs(1));
    service.signal("-TERM");
    service.logged("stopping");
    for mut client in [early, connect()] {
        client.stdin.as_mut().unwrap().write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let answer = client.wait_with_output().unwrap().stdout;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(service.ended(), 0);
}

#[test]
fn a_handshake_that_fails_holds_up_no_other() {
    let site = site();
    let service = site.serve(&TLS);
    let place = service.address.trim_start_matches("https://").to_owned();
    let mut failing = service.connect();
    let between = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = between.local_addr().unwrap().port();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = between.accept().unwrap().0;
            let mut server = TcpStream::connect(place).unwrap();
            // Both are connected. The one fails, and only then the other begins; nobody connects after that.
            thread::sleep(Duration::from_millis(300));
            failing.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            rest(&mut failing);
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            scope.spawn(move || std::io::copy(&mut from, &mut to));
            drop(std::io::copy(&mut server, &mut client));
        });
        let answer = Command::new("curl")
            .args([
                "--silent",
                "--max-time",
                "10",
                "--cacert",
                "shown.pem",
                &format!("https://127.0.0.1:{port}/healthz"),
            ])
            .current_dir(site.0.path(""))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.stdout), "{\"status\":\"ok\"}", "{}", answer.status);
    });
}

#[test]
fn another_certificate_is_shown_without_a_stop_and_a_bad_one_never() {
    let site = site();
    let [first, second] = ["first", "second"].map(|name| {
        certificate(&site, name, &P256);
        name
    });
    let put = |name: &str| {
        for kind in ["key", "pem"] {
            site.0.write("next", site.0.read(&format!("{name}.{kind}")));
            std::fs::rename(site.0.path("next"), site.0.path(&format!("shown.{kind}"))).unwrap();
        }
    };
    put(first);
    let service = site.serve(&[&TLS[..], &["--license-watch-interval", "1h"]].concat());
    assert_shows(&site, &service, "first.pem");
    put(second);
    assert_shows(&site, &service, "first.pem");
    service.signal("-HUP");
    wait_for(&site, &service, "second.pem");
    drop(service);

    let mut service = site.serve(&[&TLS[..], &["--license-watch-interval", "100ms"]].concat());
    for (pem, why) in [
        ("rubbish".to_owned(), "is not PEM with a certificate"),
        (site.0.read("first.pem"), "cannot be used with its key"),
        (site.0.read("second.key"), "is not PEM with a certificate"),
    ] {
        site.0.write("shown.pem", pem);
        let said = service.logged("could not be read anew");
        assert!(said.contains(why), "{said}");
        assert_shows(&site, &service, "second.pem");
    }
    put(first);
    wait_for(&site, &service, "first.pem");
    let secret = site.0.read("first.key").lines().nth(1).unwrap().to_owned();
    assert!(secret.len() > 30 && !service.log.contains(&secret));
}

#[test]
fn what_cannot_be_spoken_is_told_and_nothing_starts() {
    let site = site();
    certificate(&site, "other", &P256);
    for (arguments, said) in [
        (&["--listen-tls-certificate", "shown.pem"][..], "are set together or not at all"),
        (&["--listen-tls-key", "shown.key"], "are set together or not at all"),
        (&[&TLS[..], &["--listen-unix", "placet.sock"]].concat(), "`listen.unix` has permissions instead"),
        (&["--listen-tls-certificate", "no.pem", "--listen-tls-key", "shown.key"], "`no.pem` cannot be read"),
        (
            &["--listen-tls-certificate", "shown.pem", "--listen-tls-key", "shown.pem"],
            "`shown.pem` is not PEM with a private key",
        ),
        (&["--listen-tls-certificate", "shown.pem", "--listen-tls-key", "other.key"], "cannot be used with its key"),
    ] {
        let (code, out) = site.refused(arguments);
        assert!(code == 2 && out.contains(said), "{arguments:?}: {code} {out}");
    }
}

#[test]
fn tokens_that_cross_a_network_unencrypted_are_warned_of() {
    let site = site();
    let warned = |arguments: &[&str]| {
        let mut service = site.serve(arguments);
        service.signal("-TERM");
        assert_eq!(service.ended(), 0);
        service.log.contains("cross the network unencrypted")
    };
    let everywhere = ["--listen", "0.0.0.0:0"];
    assert!(warned(&everywhere));
    assert!(!warned(&[&everywhere[..], &TLS].concat()));
    assert!(!warned(&[]));
}
