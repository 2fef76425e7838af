//! Real proxies ask before they pass a request on, by the configurations that are shipped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::service::{Service, Site};

/// A proxy; it ends with the test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

/// How one is started, from its shipped configuration with the addresses and the token of the test.
type Start = fn(&Site, String) -> Command;

const PROXIES: [(&str, Start, &str); 2] = [
    ("nginx", nginx, include_str!("../../../sidecar/nginx.conf")),
    ("caddy", caddy, include_str!("../../../sidecar/Caddyfile")),
];

fn nginx(site: &Site, shipped: String) -> Command {
    let folder = site.0.path("");
    let folder = folder.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/nginx-{name};"))
        .join("\n");
    site.0.write(
        "nginx.conf",
        format!("daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\nevents {{}}\nhttp {{ access_log off;\n{paths}\n{shipped}\n}}\n"),
    );
    let mut command = Command::new("nginx");
    command.arg("-c").arg(site.0.path("nginx.conf")).arg("-e").arg(site.0.path("nginx.log"));
    command
}

fn caddy(site: &Site, shipped: String) -> Command {
    // Several of them on one machine would all want the port of the administration.
    site.0.write("Caddyfile", format!("{{\n\tadmin off\n}}\n{shipped}"));
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(site.0.path("Caddyfile"));
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(variable, site.0.path(""));
    }
    command.stderr(Stdio::null());
    command
}

impl Proxy {
    fn start(
        (name, start, shipped): (&str, Start, &str),
        site: &Site,
        service: &Service,
        front: u16,
        product: u16,
    ) -> Self {
        let shipped = [
            ("127.0.0.1:7077", service.address.trim_start_matches("http://")),
            ("127.0.0.1:8080", &format!("127.0.0.1:{product}")),
            (":8000", &format!(":{front}")),
            ("TOKEN-OF-A-CALLER", &service.token),
        ]
        .iter()
        .fold(shipped.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{name}: {from}");
            text.replace(from, to)
        });
        let child = start(site, shipped).stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let proxy = Self(child);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", front)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "{name} does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        proxy
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
    for kind in PROXIES {
        let site = Site::new();
        let mut service = site.serve(&["--request-rate", "none"]);
        let (front, product) = (free_port(), product());
        let _proxy = Proxy::start(kind, &site, &service, front, product);
        // Two tenants may be active.
        for tenant in ["t1", "t2", "t1"] {
            let (status, answer) = ask(front, tenant, "");
            assert!(status == 200 && answer.ends_with("hello"), "{}: {answer}", kind.0);
        }
        assert_eq!(ask(front, "t3", "").0, 403, "{}", kind.0);
        // A client cannot charge its limits by headers of its own.
        assert_eq!(ask(front, "t1", "placet-charge: tokens=1000\r\nplacet-feature: audit\r\n").0, 200, "{}", kind.0);
        assert_eq!(service.tokens(), 0, "{}", kind.0);
        // Where nobody answers, nothing is let through.
        service.signal("-TERM");
        service.ended();
        assert!(matches!(ask(front, "t1", "").0, 502 | 503), "{}", kind.0);
    }
}

#[test]
fn a_rate_is_handed_through_as_429() {
    for kind in PROXIES {
        let site = Site::new();
        let service = site.serve(&[]);
        let (front, product) = (free_port(), product());
        let _proxy = Proxy::start(kind, &site, &service, front, product);
        let refused = (0..10).map(|_| ask(front, "t1", "")).find(|(status, _)| *status != 200).unwrap();
        assert_eq!(refused.0, 429, "{}: {}", kind.0, refused.1);
        assert!(refused.1.to_ascii_lowercase().contains("\r\nretry-after: "), "{}: {}", kind.0, refused.1);
    }
}
