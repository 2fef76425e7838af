//! A real nginx asks before it passes a request on, by the configuration that is shipped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::service::{Service, Site};

/// The proxy; it ends with the test.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

impl Nginx {
    /// With the shipped configuration: its addresses and its token are the test's.
    fn start(site: &Site, service: &Service, front: u16, product: u16) -> Self {
        let shipped = include_str!("../../../sidecar/nginx.conf");
        let configuration = [
            ("127.0.0.1:7077", service.address.trim_start_matches("http://")),
            ("127.0.0.1:8080", &format!("127.0.0.1:{product}")),
            ("127.0.0.1:8000", &format!("127.0.0.1:{front}")),
            ("TOKEN-OF-A-CALLER", &service.token),
        ]
        .iter()
        .fold(shipped.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let folder = site.0.path("");
        let folder = folder.display();
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {folder}/nginx-{name};"))
            .join("\n");
        site.0.write(
            "nginx.conf",
            format!("daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\nevents {{}}\nhttp {{ access_log off;\n{paths}\n{configuration}\n}}\n"),
        );
        let nginx = Command::new("nginx")
            .args(["-c", site.0.path("nginx.conf").to_str().unwrap(), "-e", site.0.path("nginx.log").to_str().unwrap()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("nginx: {error}"));
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", front)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", site.0.read("nginx.log"));
            thread::sleep(Duration::from_millis(50));
        }
        Self(nginx)
    }
}

/// A product that answers `hello` to every request, and the port that it listens on.
fn product() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            drop(stream.read(&mut head));
            drop(stream.write_all(b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello"));
        }
    });
    port
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks the proxy as a tenant: the status, and the whole answer.
fn ask(front: u16, tenant: &str, more: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", front)).unwrap();
    let request = format!(
        "POST /any/path HTTP/1.1\r\nhost: x\r\nx-tenant: {tenant}\r\n{more}connection: close\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[test]
fn what_the_license_allows_is_passed_on_and_what_it_denies_is_refused() {
    let site = Site::without_license();
    site.license("license.json", &["--expires", "1y"]);
    let mut service = site.serve(&["--request-rate", "none"]);
    let (front, product) = (free_port(), product());
    let nginx = Nginx::start(&site, &service, front, product);
    // Two tenants may be active.
    for tenant in ["t1", "t2", "t1"] {
        let (status, answer) = ask(front, tenant, "");
        assert!(status == 200 && answer.ends_with("hello"), "{answer}");
    }
    assert_eq!(ask(front, "t3", "").0, 403);
    // A client cannot charge its limits by headers of its own.
    assert_eq!(ask(front, "t1", "placet-charge: tokens=1000\r\nplacet-feature: audit\r\n").0, 200);
    assert_eq!(service.tokens(), 0);
    // Where nobody answers, nothing is let through.
    service.signal("-TERM");
    service.ended();
    assert_eq!(ask(front, "t1", "").0, 503);
    drop(nginx);
}

#[test]
fn a_rate_is_handed_through_as_429() {
    let site = Site::new();
    let service = site.serve(&[]);
    let (front, product) = (free_port(), product());
    let _nginx = Nginx::start(&site, &service, front, product);
    let refused = (0..10).map(|_| ask(front, "t1", "")).find(|(status, _)| *status != 200).unwrap();
    assert_eq!(refused.0, 429, "{}", refused.1);
    assert!(refused.1.to_ascii_lowercase().contains("\r\nretry-after: "), "{}", refused.1);
}
