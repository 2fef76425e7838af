//! An audit log that has lost files.

use crate::support::Desk;

#[test]
fn a_state_directory_whose_oldest_files_of_the_log_are_gone_is_told_and_the_files_alone_are_not() {
    let desk = Desk::vendor();
    desk.done(&["policy", "install", "policy.wasm", "--root", "TEST-root.pub", "--state", "state"]);
    desk.run(&["check", "sso", "--root", "TEST-root.pub", "--state", "state"]);
    let audit = |file: &str| format!("state/audit/{file:0>20}.jsonl");
    let log = desk.read(&audit("1"));
    // In two files, as a longer one is.
    let (first, rest) = log.split_at(log.find('\n').unwrap() + 1);
    desk.write(&audit("1"), first);
    desk.write(&audit("2"), rest);
    assert_eq!(desk.run(&["audit", "verify", "state"]).code, 0);
    std::fs::remove_file(desk.path(&audit("1"))).unwrap();
    let run = desk.run(&["audit", "verify", "state"]);
    assert!(run.code == 1 && run.err.contains("the oldest files of the log were taken away"), "{}{}", run.out, run.err);
    let run = desk.run(&["audit", "verify", &audit("2")]);
    assert!(run.code == 0 && run.err.contains("begins with line 2"), "{}{}", run.out, run.err);
    let run = desk.run(&["doctor", "--root", "TEST-root.pub", "--state", "state"]);
    assert!(run.out.contains("audit-broken"), "{}{}", run.out, run.err);
}
