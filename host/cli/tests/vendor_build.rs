//! The command as a vendor ships it, with roots compiled in; `scripts/test` builds it so a second time. Without roots it is a
//! development build.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;
use std::process::{Command, Output};

/// As the build script read it: a path, with the key to those roots beside it.
const ROOTS: Option<&str> = option_env!("PLACET_ROOTS");

fn placet(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_placet")).args(arguments).current_dir(directory).output().unwrap();
    let Output { status, stdout, stderr } = run;
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

/// Runs what must end with this exit code, and answers what it said.
fn ends(code: i32, directory: &Path, arguments: &[&str]) -> String {
    let (found, said) = placet(directory, arguments);
    assert_eq!(found, code, "placet {}\n{said}", arguments.join(" "));
    said
}

/// Signs a policy by the key of this name.
fn pack(directory: &Path, key: &str, out: &str) {
    let trust = ["--trust", "TEST-licensing.pub"];
    let name = ["policy", "pack", "--name", "acme/router", "--version", "1.0.0", "--sequence", "1"];
    ends(0, directory, &[&name[..], &trust, &["--key", key, "--out", out]].concat());
}

#[test]
fn a_build_with_roots_trusts_nobody_else_and_one_without_takes_a_root_and_warns() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path();
    ends(0, here, &["key", "new", "--out", "TEST-licensing"]);
    ends(0, here, &["key", "new", "--out", "TEST-stranger", "--use", "policy"]);
    pack(here, "TEST-stranger.key", "strange.wasm");
    let Some(roots) = ROOTS else {
        ends(0, here, &["policy", "install", "strange.wasm", "--state", "state", "--root", "TEST-stranger.pub"]);
        let status = ends(1, here, &["status", "--state", "state", "--root", "TEST-stranger.pub"]);
        assert!(status.contains("development-root"), "{status}");
        let refused = ends(2, here, &["status", "--state", "state"]);
        assert!(refused.contains("--root"), "{refused}");
        return;
    };
    let key = Path::new(roots).with_extension("key");
    pack(here, key.to_str().unwrap(), "own.wasm");
    let said = ends(3, here, &["policy", "install", "strange.wasm", "--state", "state"]);
    assert!(said.contains("key-unknown"), "{said}");
    let said = ends(2, here, &["policy", "install", "strange.wasm", "--state", "state", "--root", "TEST-stranger.pub"]);
    assert!(said.contains("takes none by `--root`"), "{said}");
    ends(0, here, &["policy", "install", "own.wasm", "--state", "state"]);
    let status = ends(1, here, &["status", "--state", "state"]);
    assert!(status.contains("missing") && !status.contains("development-root"), "{status}");
}
