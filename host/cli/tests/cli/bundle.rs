//! What `placet support` packs holds nothing that support may not see, however it might be spelled.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use placet::{HolderStatus, Placet, PolicyRoot, Vault};
use placet_rules::base64url;
use serde_json::Value;

use crate::support::Desk;

/// So many characters in a row are no coincidence: 15 bytes in base64.
const WINDOW: usize = 20;
const STATE: [&str; 6] = ["--state", "state", "--root", "TEST-root.pub", "--secret-file", "seal=TEST-seal"];
const TENANT: &str = "TEST-tenant-of-globex-munich";
const CARD: &str = "4111111111111111";
const HOLDER: &str = "TEST-holder-ada-lovelace";

#[test]
fn a_bundle_holds_no_token_signature_payload_key_or_name_of_a_customer_of_the_customer() {
    let (desk, token) = desk();
    desk.done(&[&["policy", "install", "policy.wasm"], &STATE[..]].concat());
    for license in ["license.json", "sealed.json"] {
        desk.done(&[&["install", license], &STATE[..]].concat());
    }
    desk.done(&[&["seats", "claim", "users", HOLDER], &STATE[..]].concat());
    for tenant in [TENANT, "TEST-tenant-of-globex-berlin", TENANT] {
        assert_eq!(desk.run(&[&["consume", "tokens", "900", "--tenant", tenant], &STATE[..]].concat()).code, 1);
    }
    // What stands in the log is what a caller chose: a mistaken script may ask for a feature of this name.
    assert_eq!(desk.run(&[&["check", &token], &STATE[..]].concat()).code, 1);
    assert!(log(&desk).contains(&token[..WINDOW]) && log(&desk).contains(TENANT), "nothing to be left out");

    // Nor are digits ours because they are digits.
    assert_eq!(desk.run(&[&["check", CARD], &STATE[..]].concat()).code, 1);
    desk.done(&[&["report", "export", "--out", "report.jws"], &STATE[..]].concat());

    let bundle = desk.done(&[&["support", "--token", &token], &STATE[..]].concat());
    assert!(!bundle.contains(CARD), "{bundle}");
    assert_clean(&desk, &token, &bundle);
    let json: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!(json["told"], Value::Null);
    assert_told(&json);
    assert_eq!(json["log"]["whole"], true);
    assert_eq!(json["health"][0]["reason"], "development-root");
    // Who was denied is told apart, and not by name.
    let lines = json["log"]["lines"].as_array().unwrap();
    let tenants: Vec<_> = lines.iter().filter_map(|line| line["tenant"].as_u64()).collect();
    assert_eq!(tenants, [1, 2, 1]);
    let blocked = lines.iter().find(|line| line["event"] == "license.feature_blocked").unwrap();
    assert_eq!((&blocked["subject"], &blocked["reason"]), (&Value::Null, &"not-licensed".into()));
    let exported = lines.iter().find(|line| line["event"] == "report.exported").unwrap();
    assert_eq!(exported["subject"], "1");
    let denied = lines.iter().find(|line| line["event"] == "license.limit_exceeded").unwrap();
    assert_eq!((&denied["subject"], &denied["reason"]), (&"tokens".into(), &"limit-exceeded".into()));

    // To a file, and again in its place.
    for _ in 0..2 {
        desk.done(&[&["support", "--out", "support.json"], &STATE[..]].concat());
        assert_clean(&desk, &token, &desk.read("support.json"));
    }
}

#[test]
fn a_bundle_is_packed_beside_a_product_that_runs_and_where_nothing_opens() {
    let (desk, token) = desk();
    let product = Placet::builder()
        .root(PolicyRoot::from_pem(&desk.read("TEST-root.pub")).unwrap())
        .policy(desk.path("policy.wasm"))
        .licenses(desk.path("license.json"))
        .state(desk.path("state"))
        .open()
        .unwrap();
    assert!(!product.consume("tokens", 900).tenant(TENANT).decide().unwrap().allowed);
    assert!(product.claim("users", HOLDER).decide().unwrap().allowed);
    while HolderStatus::read(desk.path("state"), &Vault::default()).is_err() {
        thread::sleep(Duration::from_millis(50));
    }
    let bundle = desk.done(&[&["support"], &STATE[..]].concat());
    assert_clean(&desk, &token, &bundle);
    let json: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!(json["told"]["process"], std::process::id());
    assert_told(&json);
    drop(product);

    std::fs::create_dir(desk.path("new")).unwrap();
    let bundle = desk.json(&["support", "--state", "new", "--root", "TEST-root.pub"]);
    assert_eq!(bundle["health"][0]["reason"], "policy-missing");
    assert_eq!((&bundle["status"], &bundle["log"]["whole"]), (&Value::Null, &false.into()));
}

#[test]
fn a_bundle_of_a_sealed_installation_holds_neither_storage_secret_nor_storage_key() {
    let (desk, token) = desk();
    desk.write("TEST-storage", base64url::encode(b"TEST a storage secret of the operator, of 48 bytes"));
    let state = [&STATE[..], &["--storage-secret-file", "TEST-storage"]].concat();
    desk.done(&[&["policy", "install", "policy.wasm"], &state[..]].concat());
    desk.done(&[&["install", "license.json"], &state[..]].concat());
    assert_eq!(desk.run(&[&["check", &desk.read("TEST-storage")], &state[..]].concat()).code, 1);
    assert_eq!(desk.run(&[&["consume", "tokens", "900", "--tenant", TENANT], &state[..]].concat()).code, 1);
    let bundle = desk.done(&[&["support"], &state[..]].concat());
    assert_clean(&desk, &token, &bundle);
    let json: Value = serde_json::from_str(&bundle).unwrap();
    assert_told(&json);
    assert!(json["log"]["summary"]["sealed"].as_u64().is_some_and(|sealed| sealed > 0), "{json}");
    let leaking = |part: &str| bundle.replacen("\"format\": 1", &format!("\"format\": 1, \"note\": \"{part}\""), 1);
    assert!(leak(&desk, &token, &leaking(&desk.read("TEST-storage"))).is_some());

    // Without the secret nothing opens, and what is sealed stays where it is.
    let bundle = desk.done(&[&["support"], &STATE[..]].concat());
    assert_clean(&desk, &token, &bundle);
}

#[test]
fn a_leak_is_found_however_it_is_spelled() {
    let (desk, token) = desk();
    desk.done(&[&["policy", "install", "policy.wasm"], &STATE[..]].concat());
    let bundle = desk.done(&[&["support"], &STATE[..]].concat());
    assert_eq!(leak(&desk, &token, &bundle), None);
    for (name, secret) in secrets(&desk, &token) {
        for form in forms(&secret) {
            // A part of it is enough.
            let at = (form.len() - WINDOW) / 2;
            let part = &form[at..at + WINDOW];
            let leaking = bundle.replacen("\"format\": 1", &format!("\"format\": 1, \"note\": \"{part}\""), 1);
            assert!(leak(&desk, &token, &leaking).is_some(), "{name} as {form}");
        }
    }
}

/// What support needs is there.
fn assert_told(json: &Value) {
    assert_eq!(json["versions"]["placet"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["versions"]["policy"]["name"], "acme/router");
    assert_eq!(json["manifest"]["trust"].as_array().map(Vec::len), Some(1));
    assert!(json["manifest"]["interface"].is_string(), "{json}");
    assert_eq!(json["status"]["usable"], true);
    assert_eq!(json["licenses"][0]["customer"], "Globex GmbH");
    assert!(json["counters"]["head"].is_string(), "{json}");
    assert!(!json["log"]["lines"].as_array().unwrap().is_empty(), "{json}");
}

/// A vendor and its licenses, one of them encrypted, and the first as a compact token.
fn desk() -> (Desk, String) {
    let desk = Desk::vendor();
    desk.write("TEST-seal", base64url::encode(b"TEST a secret of the operator 32"));
    let issue = |id: &str, out: &str, more: &[&str]| {
        let license = ["license", "new", "--id", id, "--customer", "Globex GmbH", "--product", "acme/router"];
        let terms = ["--expires", "1y", "--feature", "sso", "--limit", "tokens=quota:50,per=tenant"];
        let seats = ["--limit", "users=seats:5", "--metadata", "contract=TEST-contract-of-globex-C-1881"];
        desk.done(&[&license[..], &terms, &seats, &["--key", "TEST-license.key", "--out", out], more].concat());
    };
    issue("lic_1", "license.json", &[]);
    issue("lic_2", "sealed.json", &["--encrypt-with", "seal=TEST-seal"]);
    let license: Value = serde_json::from_str(&desk.read("license.json")).unwrap();
    let part = |name: &str| license[name].as_str().unwrap();
    let token = [part("protected"), part("payload"), part("signature")].join(".");
    (desk, token)
}

fn log(desk: &Desk) -> String {
    let files = std::fs::read_dir(desk.path("state/audit")).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// Everything that has no place in a bundle.
fn secrets(desk: &Desk, token: &str) -> Vec<(&'static str, Vec<u8>)> {
    let file = |name: &str| std::fs::read(desk.path(name)).unwrap();
    let mut secrets: Vec<(_, Vec<u8>)> = vec![
        ("token", token.into()),
        ("tenant", TENANT.into()),
        ("holder", HOLDER.into()),
        ("metadata", b"TEST-contract-of-globex-C-1881".to_vec()),
        ("secret file", desk.read("TEST-seal").into()),
        ("secret", base64url::decode(&desk.read("TEST-seal")).unwrap()),
        ("sealed license", desk.read("sealed.json").split_whitespace().collect::<String>().into()),
        ("install key", file("state/install.key").trim_ascii_end().to_vec()),
    ];
    if desk.path("state/storage.key").exists() {
        secrets.push(("storage key", file("state/storage.key")));
        secrets.push(("storage secret file", desk.read("TEST-storage").into()));
        secrets.push(("storage secret", base64url::decode(&desk.read("TEST-storage")).unwrap()));
    } else {
        let key = desk.read("state/install.key");
        let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(&key[at..at + 2], 16).unwrap());
        secrets.push(("install key, raw", bytes.collect()));
    }
    for (name, part) in ["header", "payload", "signature"].into_iter().zip(token.split('.')) {
        secrets.push((name, part.into()));
        if name != "header" {
            secrets.push((name, base64url::decode(part).unwrap()));
        }
    }
    for name in ["TEST-root.key", "TEST-root.pub", "TEST-license.key", "TEST-license.pub"] {
        let pem = desk.read(name);
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = base64url::decode(body.trim_end_matches('=').replace('+', "-").replace('/', "_").as_str()).unwrap();
        secrets.push(("PEM", body.into()));
        // Without what stands before each such key.
        secrets.push(("key", der[der.len() - 32..].to_vec()));
    }
    secrets
}

/// A secret as it stands, in hex, and in base64 of both alphabets, wherever it begins in what was encoded.
fn forms(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![hex.to_uppercase(), hex];
    forms.extend(std::str::from_utf8(secret).map(ToOwned::to_owned));
    for shift in 0..3 {
        let encoded = base64url::encode(&[&vec![0; shift], secret].concat());
        // Without the characters that depend on what stands around it.
        let inner = encoded.get(4..encoded.len() - 3).unwrap().to_owned();
        forms.push(inner.replace('-', "+").replace('_', "/"));
        forms.push(inner);
    }
    forms
}

/// The first secret of which a part stands in the text.
fn leak(desk: &Desk, token: &str, text: &str) -> Option<&'static str> {
    // As JSON spells it, too.
    let unescaped = text.replace("\\/", "/").replace("\\\"", "\"");
    let windows: BTreeSet<&[u8]> =
        [text, &unescaped].into_iter().flat_map(|text| text.as_bytes().windows(WINDOW)).collect();
    let stands = |secret: &[u8]| {
        forms(secret).iter().any(|form| form.as_bytes().windows(WINDOW).any(|window| windows.contains(window)))
    };
    secrets(desk, token).into_iter().find_map(|(name, secret)| stands(&secret).then_some(name))
}

fn assert_clean(desk: &Desk, token: &str, bundle: &str) {
    assert_eq!(leak(desk, token, bundle), None, "{bundle}");
}
