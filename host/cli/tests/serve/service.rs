//! A vendor, a license, and the service that knows them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Desk, files};

/// A directory with a policy, a license and a configuration.
pub(crate) struct Site(pub(crate) Desk);

/// What the license of most tests grants.
const GRANTS: [&str; 14] = [
    "--feature",
    "sso",
    "--limit",
    "tokens=quota:1000,refund",
    "--limit",
    "objects=gauge:5,per=tenant",
    "--limit",
    "users=seats:2,per=tenant",
    "--limit",
    "requests=rate:3,every=3s",
    "--limit",
    "tenants=seats:2",
    "--limit",
    "cores=seats:64,ttl=10m",
];

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self::without_license();
        site.license("license.json", &["--expires", "1y"]);
        site
    }

    /// Its state directory holds the policy's native code, as after a first opening: compiling takes most of one.
    pub(crate) fn without_license() -> Self {
        static CODE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
            let desk = Desk::vendor();
            desk.done(&["policy", "install", "policy.wasm", "--root", "TEST-root.pub", "--state", "state"]);
            files(&desk.path("state/code"))
        });
        let desk = Desk::vendor();
        desk.put("state/code", &CODE);
        desk.write("placet.yaml", "listen: {address: \"127.0.0.1:0\"}\npolicy: {path: policy.wasm}\nlicense: {path: license.json, state_path: state}\n");
        Self(desk)
    }

    /// Issues a license with the usual grants.
    pub(crate) fn license(&self, out: &str, more: &[&str]) {
        let new = ["license", "new", "--customer", "Globex GmbH", "--product", "acme/router", "--plan", "enterprise"];
        self.0.done(&[&new[..], &GRANTS, more, &["--key", "TEST-license.key", "--out", out]].concat());
    }

    /// Starts the service with the configuration, and these arguments besides.
    pub(crate) fn serve(&self, more: &[&str]) -> Service {
        let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
        command.args(["serve", "--config", "placet.yaml", "--root", "TEST-root.pub"]);
        Service::start(self, command.args(more))
    }

    /// Runs a service that is to end by itself: its exit code and what it said.
    pub(crate) fn refused(&self, more: &[&str]) -> (i32, String) {
        let run = self.0.run(&[&["serve", "--config", "placet.yaml", "--root", "TEST-root.pub"][..], more].concat());
        (run.code, run.out + &run.err)
    }
}

/// A running service; killed at the end of the test where it was not stopped.
pub(crate) struct Service {
    child: Child,
    lines: Mutex<mpsc::Receiver<String>>,
    /// `http://127.0.0.1:PORT`, `https://…`, or `unix:PATH`.
    pub(crate) address: String,
    /// What it logged until it listened, and what was waited for since.
    pub(crate) log: String,
    /// Shown unless a request shows another: the one that the service made for this run, where it made one.
    pub(crate) token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Its JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Service {
    /// Starts it by a command that ends as it does.
    pub(crate) fn start(site: &Site, command: &mut Command) -> Self {
        let mut child = command
            .current_dir(site.0.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (told, lines) = mpsc::channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        let mut service =
            Self { child, lines: Mutex::new(lines), address: String::new(), log: String::new(), token: String::new() };
        let line = service.logged("listening");
        let rest = line.split("address").nth(1).unwrap_or_else(|| panic!("no address: {line}"));
        let address = rest.trim_start_matches(['=', '"', ':']).split('"').next().unwrap();
        service.address = address.to_owned();
        service.token = std::fs::read_to_string(site.0.path("state/admin.token")).unwrap_or_default();
        service
    }

    /// Waits until it logs a line with this in it.
    pub(crate) fn logged(&mut self, what: &str) -> String {
        loop {
            let Ok(line) = self.lines.lock().unwrap().recv_timeout(Duration::from_secs(60)) else {
                panic!("`{what}` was not logged:\n{}", self.log);
            };
            self.log.push_str(&line);
            self.log.push('\n');
            if line.contains(what) {
                return line;
            }
        }
    }

    /// What it holds in memory, in KiB: `VmRSS` now, `VmHWM` at the most since its start.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.split(':').next() == Some(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: the exit code.
    pub(crate) fn ended(&mut self) -> i32 {
        let status = self.child.wait().unwrap();
        self.log.extend(self.lines.lock().unwrap().iter().map(|line| line + "\n"));
        status.code().unwrap_or(-1)
    }

    /// Asks by any method, with these headers and this body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
        let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.token.is_empty() && !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let answer = if body.is_empty() && method != "POST" {
            agent.run(request.body(()).unwrap())
        } else {
            agent.run(request.body(body.to_owned()).unwrap())
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: answer.body_mut().read_to_string().unwrap(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], &body.to_string())
    }

    /// What is used of the limit `tokens`.
    pub(crate) fn tokens(&self) -> u64 {
        let charges = serde_json::json!({"charges": [{"limit": "tokens", "amount": 1}]});
        // A preview tells what would be used with it.
        self.post("/v1/preview", &charges).json()["usage"][0]["used"].as_u64().unwrap() - 1
    }

    /// Waits until all of the license's rate can be used: a start begins without any.
    pub(crate) fn wait_for_rate(&self) {
        let all = serde_json::json!({"charges": [{"limit": "requests", "amount": 3}]});
        let began = std::time::Instant::now();
        while self.post("/v1/preview", &all).json()["allowed"] != true {
            assert!(began.elapsed() < Duration::from_secs(20), "the rate does not fill");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A request head with the token of the run.
    pub(crate) fn authorized(&self, head: &str) -> String {
        head.replacen("host: x\r\n", &format!("host: x\r\nauthorization: Bearer {}\r\n", self.token), 1)
    }

    /// A connection of its own.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address.split("//").nth(1).unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends bytes as they are, and reads until the service closes: the status line and all else. A client is let go that sends on and on.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let authorized = std::str::from_utf8(bytes).map(|text| self.authorized(text).into_bytes());
        drop(stream.write_all(&authorized.unwrap_or(bytes.to_vec())));
        let mut answer = Vec::new();
        // A connection that is reset has been answered before.
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
