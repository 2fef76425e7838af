//! Who answers, each in a process of its own: this program again, with other arguments.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::post;
use clap::{Args as _, FromArgMatches as _};
use placet::Placet;
use placet_sidecar::Settings;
use placet_tests::rig::{Site, Vendor};

/// A running one; killed at the end.
pub(crate) struct Contender {
    child: Child,
    pub(crate) address: SocketAddr,
}

const SERVICE: &str = "as-service";
const CONSTANT: &str = "as-constant";

/// Is this process to be one? Then it is, until it is killed.
pub(crate) fn be_one() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(SERVICE) => serve(arguments),
        Some(CONSTANT) => answer(&arguments.collect::<Vec<_>>()),
        _ => {}
    }
}

impl Contender {
    /// `placet serve` with the policy, the license and the credentials of a site.
    pub(crate) fn service(site: &Site) -> Self {
        let paths = [("policy", "policy.wasm"), ("license", "license.json"), ("state", "state")];
        let paths = paths.map(|(flag, name)| format!("--{flag}={}", site.path(name).display()));
        let credentials = format!("--credentials-file={}", site.path("credentials.yaml").display());
        Self::start(|command, address| {
            command.arg(SERVICE).args(&paths).args([credentials, format!("--listen={address}")]);
        })
    }

    /// An axum handler that answers this, whatever it is asked at this path.
    pub(crate) fn constant(path: &str, answer: &Path) -> Self {
        Self::start(|command, address| {
            command.args([CONSTANT, &address.to_string(), path]).arg(answer);
        })
    }

    fn start(arguments: impl FnOnce(&mut Command, SocketAddr)) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        arguments(&mut command, address);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "nobody listens");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }

    /// The body of its answer to one question.
    pub(crate) fn asked(&self, token: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("connects");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).expect("asks");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        body.to_owned()
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn serve(arguments: impl Iterator<Item = String>) {
    let command = Settings::augment_args(clap::Command::new(SERVICE).no_binary_name(true));
    let settings = Settings::from_arg_matches(&command.get_matches_from(arguments)).expect("settings");
    placet_sidecar::serve(&settings, Placet::builder().root(Vendor::default().policy_root())).expect("serves");
}

fn answer(arguments: &[String]) {
    let [address, path, answer] = arguments else { panic!("an address, a path and a file") };
    let answer = Bytes::from(std::fs::read(answer).expect("an answer"));
    let handler = async move || ([(header::CONTENT_TYPE, "application/json")], answer);
    let router = Router::new().route(path, post(handler));
    // As the service has it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.expect("listens");
        axum::serve(listener, router).await.expect("serves");
    });
}
