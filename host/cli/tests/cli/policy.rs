//! Policies through the built binary: packed from the embedded component, signed, verified, taken apart.

use crate::support::Desk;
use serde_json::Value;

/// A desk with `TEST-root`, `TEST-other` (policy keys), `TEST-license` and the signed `policy.wasm`.
fn desk() -> Desk {
    let desk = Desk::new();
    for (name, usage) in [("TEST-root", "policy"), ("TEST-other", "policy"), ("TEST-license", "license")] {
        desk.done(&["key", "new", "--out", name, "--use", usage]);
    }
    desk.done(&pack(&["--key", "TEST-root.key", "--out", "policy.wasm"]));
    desk
}

fn pack<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let pack = ["policy", "pack", "--name", "acme/router", "--version", "1.2.0", "--sequence", "7"];
    [&pack[..], &["--issued", "2026-01-01", "--trust", "TEST-license.pub"], more].concat()
}

#[test]
fn the_embedded_policy_is_packed_signed_and_verified() {
    let desk = desk();
    let verified = desk.json(&["policy", "verify", "policy.wasm", "--root", "TEST-root.pub"]);
    let root = desk.json(&["key", "show", "TEST-root.pub"]);
    assert_eq!(verified["key"], root["policy_kid"]);
    let manifest = &verified["manifest"];
    assert_eq!((&manifest["name"], &manifest["sequence"]), (&"acme/router".into(), &7.into()));
    assert_eq!((&manifest["issued"], &manifest["interface"]), (&1_767_225_600.into(), &"0.1.0".into()));
    let interfaces = ["clock", "counters", "files"].map(|name| format!("placet:policy/{name}@0.1.0"));
    assert_eq!(manifest["imports"], Value::from(interfaces.to_vec()));
    assert_eq!(manifest["trust"][0]["jwk"], desk.json(&["key", "show", "TEST-license.pub"])["jwk"]);
    assert_eq!(manifest["trust"][0]["use"][0], "license");
}

#[test]
fn the_same_policy_is_packed_to_the_same_bytes_and_signed_elsewhere() {
    let desk = desk();
    desk.done(&pack(&["--out", "unsigned.wasm"]));
    desk.done(&["policy", "sign", "unsigned.wasm", "--key", "TEST-root.key", "--out", "signed.wasm"]);
    assert!(std::fs::read(desk.path("signed.wasm")).unwrap() == std::fs::read(desk.path("policy.wasm")).unwrap());

    let twice = ["policy", "sign", "signed.wasm", "--key", "TEST-other.key", "--out", "other.wasm"];
    assert!(desk.run(&twice).err.contains("signed already"));
    desk.done(&[&twice[..], &["--replace"]].concat());
    desk.done(&["policy", "verify", "other.wasm", "--root", "TEST-other.pub"]);
}

#[test]
fn a_refused_policy_ends_with_3_and_the_reason() {
    let desk = desk();
    let policy = std::fs::read(desk.path("policy.wasm")).unwrap();
    let mut changed = policy.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    desk.write("changed.wasm", &changed);
    desk.write("cut.wasm", &policy[..policy.len() / 2]);
    desk.write("no.wasm", "hello");
    desk.done(&pack(&["--out", "unsigned.wasm"]));
    for (file, root, reason) in [
        ("policy.wasm", "TEST-other.pub", "key-unknown"),
        ("changed.wasm", "TEST-root.pub", "signature-other-content"),
        ("cut.wasm", "TEST-root.pub", "signature-other-content"),
        ("unsigned.wasm", "TEST-root.pub", "signature-missing"),
        ("no.wasm", "TEST-root.pub", "policy-not-a-component"),
        ("policy.wasm", "TEST-license.key", "root-malformed"),
    ] {
        let run = desk.run(&["policy", "verify", file, "--root", root]);
        assert_eq!(run.code, 3, "{file}: {}", run.err);
        assert!(run.err.contains(&format!("reason: {reason}\n")) && run.err.contains("help: "), "{file}: {}", run.err);
        assert!(
            run.out.is_empty() && run.err.contains(if root.ends_with(".key") { root } else { file }),
            "{}",
            run.err
        );
    }
    let none = desk.run(&["policy", "verify", "policy.wasm"]);
    assert!(none.code == 2 && none.err.contains("--root FILE"), "{}", none.err);
}

#[test]
fn inspect_says_that_nothing_is_verified() {
    let desk = desk();
    let text = desk.done(&["policy", "inspect", "policy.wasm"]);
    assert!(text.starts_with("NOT VERIFIED") && text.contains("acme/router"), "{text}");
    let json = desk.json(&["policy", "inspect", "policy.wasm"]);
    assert_eq!(json["verified"], false);
    assert_eq!(json["signatures"][0]["key"], desk.json(&["key", "show", "TEST-root.pub"])["policy_kid"]);
    assert_eq!(json["sections"][0]["name"], "signature");
}

#[test]
fn what_is_no_policy_is_not_packed() {
    let desk = desk();
    desk.write("empty.wasm", b"\0asm\x0d\0\x01\0");
    let empty = desk.run(&pack(&["--out", "x.wasm", "empty.wasm"]));
    assert!(empty.code == 3 && empty.err.contains("does not export `placet:policy/"), "{}", empty.err);
    let license_key = desk.run(&pack(&["--out", "x.wasm", "--key", "TEST-license.pub"]));
    assert!(license_key.code == 2 && license_key.err.contains("--use policy"), "{}", license_key.err);
    assert!(!desk.path("x.wasm").exists());
    let twice = desk.run(&pack(&["--out", "x.wasm", "--trust", "TEST-license.key"]));
    assert!(twice.code == 2 && twice.err.contains("twice"), "{}", twice.err);
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let desk = Desk::new();
    assert!(desk.done(&["completions", "bash"]).contains("--sequence"));
    desk.done(&["man", "--out", "man"]);
    assert!(desk.read("man/placet-policy-pack.1").contains("sequence"));
}
