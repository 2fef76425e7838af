//! The vendor's commands, through the built binary: keys, licenses, policies.

use crate::support::Desk;
use placet_rules::{jwk, jws};
use serde_json::{Value, json};

const ALGORITHMS: [&str; 3] = ["EdDSA", "ES256", "RS256"];

/// What the rules, which never saw the private key, make of a license.
fn verified(desk: &Desk, license: &[u8], key: &str) -> Vec<u8> {
    let jwk = desk.json(&["key", "show", key])["jwk"].to_string();
    let key = jwk::PublicKey::parse(&jwk).unwrap();
    jws::verify(license, &key).unwrap().into_payload()
}

fn issue<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["license", "new", "--customer", "Globex", "--product", "acme/router"], more].concat()
}

#[test]
fn each_algorithm_signs_what_the_rules_verify() {
    let desk = Desk::new();
    for alg in ALGORITHMS {
        let (name, key) = (format!("TEST-{alg}"), format!("TEST-{alg}.key"));
        desk.done(&["key", "new", "--out", &name, "--alg", alg]);
        // Bytes that no serializer would write this way.
        let claims = "{ \"exp\" : 1798761600,\t\"aud\":\"acme/router\", \"customer\":\"M\\u00fcller\" }\n";
        desk.write("claims.json", claims);
        desk.done(&["license", "sign", "claims.json", "--key", &key, "--out", "license.json"]);
        let token = desk.done(&["license", "sign", "claims.json", "--key", &key, "--compact"]);
        let license = desk.read("license.json");
        for document in [license.as_bytes(), token.trim_end().as_bytes()] {
            assert_eq!(verified(&desk, document, &format!("{name}.pub")), claims.as_bytes(), "{alg}");
        }
        let header = jws::read(license.as_bytes()).unwrap();
        let shown = desk.json(&["key", "show", &key]);
        assert_eq!((header.algorithm().as_str(), header.typ()), (alg, Some("license+jwt")));
        assert_eq!(header.kid(), shown["kid"].as_str());
        let other = license.replacen("\"signature\": \"", "\"signature\": \"AAAA", 1);
        let key = jwk::PublicKey::parse(&shown["jwk"].to_string()).unwrap();
        assert!(jws::verify(other.as_bytes(), &key).is_err(), "{alg}");
    }
}

#[test]
fn every_form_of_a_key_shows_the_same_public_key() {
    let desk = Desk::new();
    for alg in ALGORITHMS {
        let name = format!("TEST-{alg}");
        let made = desk.json(&["key", "new", "--out", &name, "--alg", alg]);
        let shown = desk.json(&["key", "show", &format!("{name}.key")]);
        assert_eq!(shown["kid"], made["kid"]);
        assert_eq!(desk.json(&["key", "show", &format!("{name}.pub")]), shown);
        desk.write("key.jwk", shown["jwk"].to_string());
        assert_eq!(desk.json(&["key", "show", "key.jwk"]), shown);
        assert_eq!(shown["pem"], desk.read(&format!("{name}.pub")));
        let text = desk.done(&["key", "show", &format!("{name}.key")]);
        let secret = desk.read(&format!("{name}.key"));
        assert!(!text.contains("PRIVATE") && !text.contains(secret.lines().nth(1).unwrap()), "{text}");
    }
}

#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    let desk = Desk::new();
    for (alg, arguments) in [
        ("EdDSA", &["genpkey", "-algorithm", "ed25519", "-out", "openssl.key"][..]),
        ("ES256", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "openssl.key"][..]),
        ("RS256", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "openssl.key"][..]),
    ] {
        let Some(made) = desk.other("openssl", arguments) else { return };
        assert_eq!(made.code, 0, "{}", made.err);
        let public = desk.other("openssl", &["pkey", "-in", "openssl.key", "-pubout"]).unwrap().out;
        let shown = desk.json(&["key", "show", "openssl.key"]);
        assert_eq!((shown["alg"].as_str(), shown["pem"].as_str()), (Some(alg), Some(public.as_str())));

        let name = format!("TEST-{alg}");
        desk.done(&["key", "new", "--out", &name, "--alg", alg]);
        let public = desk.other("openssl", &["pkey", "-in", &format!("{name}.key"), "-pubout"]).unwrap();
        assert_eq!(public.out, desk.read(&format!("{name}.pub")), "{}", public.err);
    }
}

#[test]
fn a_key_is_private_and_never_overwritten() {
    let desk = Desk::new();
    desk.done(&["key", "new", "--out", "TEST", "--use", "policy"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(desk.path("TEST.key").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let before = (desk.read("TEST.key"), desk.read("TEST.pub"));
    for kept in ["TEST.key", "TEST.pub"] {
        let again = desk.run(&["key", "new", "--out", "TEST"]);
        assert_eq!(again.code, 2);
        assert!(again.err.contains("never overwritten") && again.err.contains("help: "), "{}", again.err);
        assert!(desk.path(kept).exists());
    }
    assert_eq!((desk.read("TEST.key"), desk.read("TEST.pub")), before);
    // The half of a pair is not made either.
    std::fs::remove_file(desk.path("TEST.key")).unwrap();
    assert_eq!(desk.run(&["key", "new", "--out", "TEST"]).code, 2);
    assert!(!desk.path("TEST.key").exists());
}

#[test]
fn a_license_says_what_the_arguments_say() {
    let desk = Desk::new();
    let claims = desk.done(&issue(&[
        "--id",
        "lic_1",
        "--issuer",
        "https://acme.example",
        "--subject",
        "org_1",
        "--plan",
        "enterprise",
        "--sku",
        "R-1",
        "--feature",
        "sso",
        "--feature",
        "audit=2027-06-30",
        "--limit",
        "tokens=quota:1000000",
        "--limit",
        "objects=gauge:50000,per=tenant",
        "--limit",
        "x=quota:unlimited,refund",
        "--starts",
        "2026-01-01",
        "--expires",
        "2027-01-01",
        "--grace-expiry",
        "14d",
        "--grace-validation",
        "72h",
        "--supersedes",
        "a,b",
        "--min-policy",
        "12",
        "--metadata",
        "contract=C-1881",
    ]));
    let mut claims: Value = serde_json::from_str(&claims).unwrap();
    assert!(claims["iat"].take().as_u64().unwrap() > 1_767_225_600);
    assert_eq!(
        claims,
        json!({
            "iss": "https://acme.example", "jti": "lic_1", "sub": "org_1", "aud": "acme/router", "iat": null,
            "nbf": 1_767_225_600, "exp": 1_798_761_600, "customer": "Globex", "plan": "enterprise", "sku": "R-1",
            "supersedes": ["a", "b"], "features": {"sso": true, "audit": {"expires": 1_814_313_600}},
            "limits": {
                "tokens": {"kind": "quota", "max": 1_000_000},
                "objects": {"kind": "gauge", "max": 50_000, "per": "tenant"},
                "x": {"kind": "quota", "max": null, "refund": true},
            },
            "grace": {"expiry": "14d", "validation": "72h"}, "min_policy": 12, "metadata": {"contract": "C-1881"},
        })
    );
    let perpetual: Value = serde_json::from_str(&desk.done(&issue(&["--expires", "never"]))).unwrap();
    assert!(perpetual.get("exp").is_none() && perpetual["jti"].as_str().unwrap().len() == 36);
}

#[test]
fn claims_go_from_new_to_sign_through_a_pipe() {
    let desk = Desk::new();
    desk.done(&["key", "new", "--out", "TEST"]);
    let claims = desk.done(&issue(&["--expires", "1y"]));
    let signed = desk.run_with(&["license", "sign", "-", "--key", "TEST.key", "--kid", "main"], claims.as_bytes());
    assert_eq!(signed.code, 0, "{}", signed.err);
    assert_eq!(jws::read(signed.out.as_bytes()).unwrap().kid(), Some("main"));
}

#[test]
fn mistakes_are_named_with_the_next_step() {
    let desk = Desk::new();
    desk.done(&["key", "new", "--out", "TEST"]);
    desk.write("fraction.json", r#"{"limits":{"tokens":{"kind":"quota","max":1.5}}}"#);
    desk.write("twice.json", r#"{"exp":1,"exp":2}"#);
    let sign = |file| vec!["license", "sign", file, "--key", "TEST.key"];
    for (arguments, words) in [
        (vec!["key", "new", "--out", "p", "--use", "policy", "--alg", "RS256"], "Ed25519"),
        (vec!["key", "show", "nothing.pub"], "`nothing.pub` cannot be read"),
        (vec!["license", "sign", "fraction.json", "--key", "TEST.pub"], "limits.tokens.max"),
        (sign("fraction.json"), "limits.tokens.max"),
        (sign("twice.json"), "line 1"),
        (vec!["license", "sign", "TEST.pub", "--key", "TEST.key"], "not JSON"),
        (issue(&["--expires", "soon"]), "2027-01-01"),
        (issue(&["--expires", "2020-01-01"]), "before it begins"),
        (issue(&["--expires", "1y", "--limit", "tokens=5"]), "name=kind:max"),
        (issue(&["--expires", "1y", "--limit", "a=quota:5", "--limit", "a=quota:6"]), "twice"),
        (issue(&["--expires", "1y", "--grace-expiry", "1y"]), "14d"),
        (issue(&["--expires", "1y", "--metadata", "x"]), "key=value"),
        (issue(&["--expires", "1y", "--compact"]), "--key"),
    ] {
        let run = desk.run(&arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(run.err.starts_with("error: ") && run.err.contains(words), "{arguments:?}: {}", run.err);
        assert!(run.out.is_empty() && !run.err.contains("PRIVATE KEY-----"), "{arguments:?}: {}", run.err);
    }
    let mut json = sign("twice.json");
    json.extend(["--format", "json"]);
    let error: Value = serde_json::from_str(&desk.run(&json).err).unwrap();
    assert!(error["error"].is_string() && error["help"].is_string(), "{error}");
    assert_eq!(error["reason"], "json-duplicate-key");
}
