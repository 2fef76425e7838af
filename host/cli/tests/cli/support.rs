//! Runs the built command in a directory of its own.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// A directory that goes away with the test.
pub(crate) struct Desk(tempfile::TempDir);

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with the keys of a vendor, and its policy for `acme/router`, which trusts the license key: of one vendor for each test program.
    pub(crate) fn vendor() -> Self {
        static VENDOR: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
            let desk = Desk::new();
            desk.done(&["key", "new", "--out", "TEST-root", "--use", "policy"]);
            desk.done(&["key", "new", "--out", "TEST-license"]);
            let pack = ["policy", "pack", "--name", "acme/router", "--version", "1.0.0", "--sequence", "1"];
            let sign = ["--trust", "TEST-license.pub", "--key", "TEST-root.key", "--out", "policy.wasm"];
            desk.done(&[&pack[..], &sign].concat());
            files(desk.0.path())
        });
        let desk = Self::new();
        desk.put("", &VENDOR);
        desk
    }

    /// Writes files that nobody else may read, into a folder that nobody else may enter.
    pub(crate) fn put(&self, folder: &str, files: &[(String, Vec<u8>)]) {
        DirBuilder::new().recursive(true).mode(0o700).create(self.path(folder)).unwrap();
        for (name, content) in files {
            let mut file = OpenOptions::new();
            let file = file.create_new(true).write(true).mode(0o600).open(self.path(folder).join(name));
            file.unwrap().write_all(content).unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs `placet` with these arguments, here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, b"")
    }

    /// The same with a standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Run {
        run(Command::new(env!("CARGO_BIN_EXE_placet")).args(arguments), self.0.path(), input)
    }

    /// The same under libfaketime, which tells the command's C library this time.
    #[cfg(target_os = "linux")]
    pub(crate) fn run_at(&self, time: &str, arguments: &[&str]) -> Run {
        let mut faketime = Command::new("faketime");
        run(faketime.args(["-f", time, env!("CARGO_BIN_EXE_placet")]).args(arguments), self.0.path(), b"")
    }

    /// Runs what must succeed, and answers its output.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}\n{}{}", run.out, run.err);
        run.out
    }

    /// Runs what must succeed, and answers its output as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--format", "json"]].concat())).unwrap()
    }

    /// Runs another program; none where it is not installed.
    pub(crate) fn other(&self, program: &str, arguments: &[&str]) -> Option<Run> {
        let known = Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        known.ok().map(|_| run(Command::new(program).args(arguments), self.0.path(), b""))
    }
}

/// The names and contents of a folder's files.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

fn run(command: &mut Command, directory: &Path, input: &[u8]) -> Run {
    let command = command.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // Beside the reading, since a command that answers while it reads would wait for us as we for it. One that fails early does
        // not read its input.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    });
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
