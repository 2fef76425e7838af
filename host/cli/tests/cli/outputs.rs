//! Files that a command was told to write.

use std::os::unix::fs::symlink;

use crate::support::Desk;

const SITE: [&str; 4] = ["--state", "state", "--root", "TEST-root.pub"];

#[test]
fn nothing_is_written_over_what_a_state_directory_keeps() {
    let desk = Desk::vendor();
    desk.write("TEST-secret", [b's'; 40]);
    desk.done(&[&["policy", "install", "policy.wasm", "--storage-secret-file", "TEST-secret"], &SITE[..]].concat());
    symlink("state/counters.redb", desk.path("link")).unwrap();

    let keys = || ["state/install.key", "state/storage.key"].map(|name| std::fs::read(desk.path(name)).unwrap());
    let before = keys();
    let state = [&["--storage-secret-file", "TEST-secret"], &SITE[..]].concat();
    let license = ["license", "new", "--customer", "Globex", "--product", "acme/router", "--expires", "1y"];
    let new = [&license[..], &["--key", "TEST-license.key"]].concat();
    for command in [
        [&["report", "export"], &state[..]].concat(),
        [&["support"], &state[..]].concat(),
        [&["check", "sso"], &state[..]].concat(),
        new,
    ] {
        let flag = if command[0] == "check" { "--record" } else { "--out" };
        for out in ["state/install.key", "state/storage.key", "state/counters.redb", "state/audit/new", "link"] {
            let run = desk.run(&[&command[..], &[flag, out]].concat());
            assert_eq!(run.code, 2, "{command:?} {out}: {}{}", run.out, run.err);
            let told = run.err.contains("reason: output-unwritable") && run.err.contains("outside of it");
            assert!(told && run.err.contains(out), "{command:?} {out}: {}", run.err);
        }
    }
    assert!(keys() == before && !desk.path("state/audit/new").exists());
    desk.done(&[&["report", "export", "--out", "report.jws"], &state[..]].concat());
}
