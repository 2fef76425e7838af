//! A client that asks as fast as it is answered.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use crate::service::{Service, Site};

/// A wrk that asks one thing over and over, and looks at every answer.
pub(crate) struct Wrk(Child);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Load {
    /// Answers of any kind.
    pub(crate) answers: u64,
    /// Other answers than the one that was to come, connections that were refused or cut, and answers that did not come in time.
    pub(crate) wrong: u64,
    /// The first wrong answer.
    pub(crate) first: String,
}

impl Wrk {
    /// By so many connections; each answer is to be 200 with this text in it. It stops by itself after the time, in seconds.
    pub(crate) fn start(
        site: &Site,
        service: &Service,
        connections: u32,
        time: u32,
        path: &str,
        body: &str,
        expected: &str,
    ) -> Self {
        let name = format!("wrk-{}.lua", path.replace('/', "-") + &body.len().to_string());
        let (token, lua) = (&service.token, include_str!("wrk.lua"));
        let lua = [("BODY", body), ("EXPECTED", expected), ("TOKEN", token)]
            .iter()
            .fold(lua.to_owned(), |lua, (from, to)| lua.replace(&format!("[[{from}]]"), &format!("[[{to}]]")));
        site.0.write(&name, lua);
        let wrk = Command::new("wrk")
            .args(["-t1", &format!("-c{connections}"), &format!("-d{time}s"), "--timeout", "30s", "-s", &name])
            .arg(format!("{}{path}", service.address))
            .current_dir(site.0.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("install `wrk` (Debian: apt install wrk): {error}"));
        Self(wrk)
    }

    /// Stops it, and reads what it saw.
    pub(crate) fn stop(mut self) -> Load {
        let stopped = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.0.wait().unwrap().success());
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no `{name}`:\n{text}")).trim().to_owned()
        };
        Load { answers: of("answers:").parse().unwrap(), wrong: of("wrong:").parse().unwrap(), first: of("first:") }
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
