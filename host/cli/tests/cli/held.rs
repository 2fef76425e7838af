//! A state directory that a running product has, looked at from outside.

use std::thread;
use std::time::Duration;

use placet::{HolderStatus, Placet, PolicyRoot, Vault};
use serde_json::Value;

use crate::support::Desk;

#[test]
fn while_a_product_runs_its_status_is_told_with_its_age() {
    let desk = Desk::vendor();
    let license = ["license", "new", "--customer", "Globex", "--product", "acme/router", "--expires", "1y"];
    let limits = ["--limit", "tokens=quota:50", "--key", "TEST-license.key", "--out", "license.json"];
    desk.done(&[&license[..], &limits].concat());

    let product = Placet::builder()
        .root(PolicyRoot::from_pem(&desk.read("TEST-root.pub")).unwrap())
        .policy(desk.path("policy.wasm"))
        .licenses(desk.path("license.json"))
        .state(desk.path("state"))
        .open()
        .unwrap();
    product.consume("tokens", 12).into_result().unwrap();
    while HolderStatus::read(desk.path("state"), &Vault::default()).is_err() {
        thread::sleep(Duration::from_millis(50));
    }

    let site = ["--state", "state", "--license", "license.json", "--root", "TEST-root.pub"];
    let ask = |command: &[&str]| desk.run(&[command, &site].concat());
    let told = format!("as process {} told", std::process::id());
    for command in [&["status"][..], &["usage"]] {
        let run = ask(command);
        assert!(run.code == 0 && run.out.contains("12 of 50") && run.err.contains(&told), "{}{}", run.out, run.err);
    }
    // Programs find it as a member, or where the answer is a list beside the warning.
    for (command, member) in [("status", true), ("doctor", true), ("usage", false)] {
        let run = ask(&[command, "--format", "json"]);
        let (out, err): (Value, Value) =
            (serde_json::from_str(&run.out).unwrap(), serde_json::from_str(&run.err).unwrap());
        let holder = if member { &out["holder"] } else { &err["holder"] };
        assert_eq!(holder["pid"], std::process::id(), "{command}: {}{}", run.out, run.err);
        assert!(holder["age_seconds"].is_u64() && holder == &err["holder"], "{command}: {}{}", run.out, run.err);
    }
    let run = ask(&["doctor"]);
    assert!(run.code == 0 && run.out.contains("nothing is wrong") && run.err.contains(&told), "{}{}", run.out, run.err);
    // What would count, or is not told, says who has it and what to do.
    for command in [&["consume", "tokens", "1"][..], &["usage", "--tenant", "t1"]] {
        let run = ask(command);
        assert!(run.code == 2 && run.err.contains("help: ask it through its sidecar, or wait"), "{}", run.err);
    }
    // No sidecar does these.
    for command in [&["remove", "lic_1"][..], &["report", "export"], &["simulate", "--until", "2100-01-01"]] {
        let run = ask(command);
        assert!(run.code == 2 && run.err.contains("help: end the process that has"), "{command:?}: {}", run.err);
    }
    // What it tells and nobody can read is not as if it told nothing.
    let status = desk.path("state/status.json");
    std::fs::remove_file(&status).unwrap();
    std::fs::create_dir(&status).unwrap();
    for (command, code) in [("status", 2), ("usage", 2), ("doctor", 1)] {
        let run = ask(&[command]);
        assert!(run.code == code && (run.out + &run.err).contains("holder-unreadable"), "{command}: {}", run.err);
    }
    std::fs::remove_dir(&status).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| ask(&["consume", "tokens", "1", "--wait=60"]));
        thread::sleep(Duration::from_millis(300));
        drop(product);
        let run = waiting.join().unwrap();
        assert!(run.code == 0 && run.out.contains("13 of 50"), "{}{}", run.out, run.err);
    });
    assert_eq!(ask(&["status"]).err, "");
}

#[test]
fn looking_makes_no_state_directory() {
    let desk = Desk::new();
    desk.done(&["key", "new", "--out", "TEST-root", "--use", "policy"]);
    for (command, code) in [("doctor", 1), ("status", 2), ("usage", 2), ("support", 0)] {
        let run = desk.run(&[command, "--state", "typo/a/b", "--root", "TEST-root.pub"]);
        assert_eq!(run.code, code, "{command}: {}{}", run.out, run.err);
        assert!(!desk.path("typo").exists(), "{command}");
    }
}
