//! Reports as the vendor verifies them.

use std::thread;

use crate::support::Desk;

#[test]
fn of_two_branches_that_are_verified_at_once_with_one_pin_one_is_refused() {
    let desk = Desk::vendor();
    desk.done(&["policy", "install", "policy.wasm", "--root", "TEST-root.pub", "--state", "state"]);
    let export = |state: &str, out: &str| {
        desk.done(&["report", "export", "--root", "TEST-root.pub", "--state", state, "--out", out]);
    };
    export("state", "first.jws");
    std::fs::create_dir(desk.path("copy")).unwrap();
    for name in ["counters.redb", "install.key"] {
        std::fs::copy(desk.path("state").join(name), desk.path("copy").join(name)).unwrap();
    }
    desk.run(&["policy", "install", "policy.wasm", "--root", "TEST-root.pub", "--state", "copy"]);
    export("state", "one.jws");
    export("copy", "other.jws");
    let verify = |report: &str| desk.run(&["report", "verify", report, "--pin", "pin.json"]).code;
    for _ in 0..10 {
        drop(std::fs::remove_file(desk.path("pin.json")));
        assert_eq!(verify("first.jws"), 0);
        let mut codes = thread::scope(|scope| {
            let other = scope.spawn(|| verify("other.jws"));
            [verify("one.jws"), other.join().unwrap()]
        });
        codes.sort_unstable();
        assert_eq!(codes, [0, 3]);
    }
}
