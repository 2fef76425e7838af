//! A client that asks as fast as it is answered.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use placet_tests::rig::Site;

/// How long a contender is asked before it is the next one's turn, in seconds.
const SPAN: u32 = 3;

/// One question, asked over and over.
pub(crate) struct Wrk {
    script: PathBuf,
    path: &'static str,
}

/// What came of asking for a while.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Answers per second.
    pub(crate) rate: f64,
    /// Microseconds within which 99 of 100 answers came.
    pub(crate) most: f64,
}

impl Wrk {
    pub(crate) fn new(site: &Site, token: &str, path: &'static str, body: &str) -> Self {
        let lua =
            [("BODY", body), ("TOKEN", token)].iter().fold(include_str!("wrk.lua").to_owned(), |lua, (from, to)| {
                lua.replace(&format!("[[{from}]]"), &format!("[[{to}]]"))
            });
        Self { script: site.put(&format!("wrk{}.lua", path.replace('/', "-")), lua), path }
    }

    /// Asks by so many connections; each answer must be a 200.
    pub(crate) fn ask(&self, address: SocketAddr, connections: u32) -> Load {
        let wrk = Command::new("wrk")
            .args(["-t1", &format!("-c{connections}"), &format!("-d{SPAN}s"), "--timeout", "30s", "-s"])
            .arg(&self.script)
            .arg(format!("http://{address}{}", self.path))
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .expect("`wrk` is installed (Debian: apt install wrk)");
        let text = String::from_utf8_lossy(&wrk.stdout);
        let of = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().parse().ok()).unwrap_or_else(|| panic!("no `{name}`:\n{text}"))
        };
        assert!(of("answers:") > 0.0 && of("wrong:") == 0.0, "{text}");
        Load { rate: of("answers:") / of("microseconds:") * 1e6, most: of("p99:") }
    }
}
