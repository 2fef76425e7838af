//! Keys: which are taken, what they are called, and why others are refused.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of tests may panic")]

use placet_rules::base64url::encode;
use placet_rules::jwk::{Algorithm, PublicKey};
use serde_json::{Value, json};

/// RFC 7638 section 3.1.
const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
/// RFC 8037 appendix A.2.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 7515 appendix A.3.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

#[test]
fn a_key_fixes_its_algorithm_and_is_called_by_its_kid_or_its_thumbprint() {
    let rsa = PublicKey::parse(RSA).unwrap();
    assert_eq!((rsa.algorithm(), rsa.id()), (Algorithm::Rs256, "2011-04-29"));
    assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RFC 7638 section 3.1");
    let ed25519 = PublicKey::parse(ED25519).unwrap();
    assert_eq!((ed25519.algorithm(), ed25519.kid()), (Algorithm::EdDsa, None));
    assert_eq!(ed25519.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RFC 8037 appendix A.3");
    assert_eq!(PublicKey::parse(P256).unwrap().algorithm(), Algorithm::Es256);
}

#[test]
fn what_a_key_says_besides_its_numbers_changes_no_thumbprint() {
    for (key, more) in [(ED25519, "n"), (P256, "e"), (RSA, "x")] {
        let thumbprint = PublicKey::parse(key).unwrap().thumbprint().to_string();
        for (name, value) in [("kid", "TEST"), ("use", "sig"), (more, "AQAB")] {
            assert_eq!(PublicKey::parse(&with(key, name, json!(value))).unwrap().thumbprint(), thumbprint, "{name}");
        }
    }
}

#[test]
fn a_purpose_that_allows_verifying_is_taken() {
    for (name, value) in [
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!(["verify", "other"])),
        ("alg", json!("EdDSA")),
        ("alg", json!("Ed25519")),
        ("unknown", json!({"a": 1})),
    ] {
        assert!(PublicKey::parse(&with(ED25519, name, value.clone())).is_ok(), "{name} {value}");
    }
}

#[test]
fn a_purpose_that_excludes_verifying_is_refused() {
    for (key, name, value) in [
        (ED25519, "use", json!("enc")),
        (ED25519, "use", json!(["sig"])),
        (ED25519, "key_ops", json!(["sign"])),
        (ED25519, "key_ops", json!([])),
        (ED25519, "key_ops", json!("verify")),
        (ED25519, "key_ops", json!(["verify", "verify"])),
        (ED25519, "key_ops", json!(["verify", 1])),
        (ED25519, "alg", json!("ES256")),
        (ED25519, "alg", json!(null)),
        (P256, "alg", json!("EdDSA")),
        (RSA, "alg", json!("PS256")),
        (RSA, "alg", json!("RS512")),
        (RSA, "kid", json!(7)),
    ] {
        assert_eq!(reason(&with(key, name, value.clone())), "key-unfit", "{name} {value}");
    }
}

#[test]
fn what_is_not_one_public_key_is_refused() {
    let set = json!({"keys": [serde_json::from_str::<Value>(ED25519).unwrap()]}).to_string();
    let symmetric = json!({"kty": "oct", "k": "AAAA"}).to_string();
    let bare = ["[]", "null", "{}", "\"key\"", r#"{"kty":"OKP"}"#].map(String::from);
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].map(|name| with(RSA, name, json!("AQAB")));
    let other = [("crv", "Ed448"), ("crv", "X25519"), ("crv", "P-256"), ("kty", "EC"), ("kty", "okp")];
    let other = other.map(|(name, value)| with(ED25519, name, json!(value)));
    let mixed = [with(ED25519, "keys", json!([])), with(RSA, "crv", json!("P-256")), with(P256, "crv", json!("P-384"))];
    for key in [set, symmetric].iter().chain(&bare).chain(&private).chain(&other).chain(&mixed) {
        assert_eq!(reason(key), "key-unfit", "{key}");
    }
    assert_eq!(reason(&ED25519.replacen('{', r#"{"kty":"OKP","#, 1)), "json-duplicate-key");
    assert_eq!(reason(&format!("{ED25519} x")), "json-invalid");
}

#[test]
fn numbers_in_any_other_encoding_are_refused() {
    for (key, name) in [(ED25519, "x"), (P256, "x"), (P256, "y"), (RSA, "n"), (RSA, "e")] {
        let value = serde_json::from_str::<Value>(key).unwrap()[name].as_str().unwrap().to_string();
        for other in
            [format!("{value}="), format!(" {value}"), format!("{value}\n"), value.replacen(&value[1..2], "+", 1)]
        {
            assert_eq!(reason(&with(key, name, json!(other))), "encoding-invalid", "{name} {other:?}");
        }
        let bytes = placet_rules::base64url::decode(&value).unwrap();
        for other in [[&[0], &bytes[..]].concat(), Vec::new()] {
            assert_eq!(reason(&with(key, name, json!(encode(&other)))), "key-unfit", "{name} {other:?}");
        }
        assert_eq!(reason(&with(key, name, json!(null))), "key-unfit", "{name}");
    }
}

#[test]
fn points_that_are_not_on_the_curve_are_refused() {
    let beyond_p = [&[0xee], &[0xff; 30][..], &[0x7f]].concat();
    let not_on_curve = [&[2], &[0; 31][..]].concat();
    for x in [beyond_p, vec![0xff; 32], not_on_curve, vec![9; 31], vec![9; 33]] {
        assert_eq!(reason(&with(ED25519, "x", json!(encode(&x)))), "key-unfit", "{x:?}");
    }
    for y in [vec![1; 32], vec![0; 32], vec![0xff; 32]] {
        assert_eq!(reason(&with(P256, "y", json!(encode(&y)))), "key-unfit", "{y:?}");
    }
}

#[test]
fn points_of_small_order_are_refused() {
    let order_1 = [&[1], &[0; 31][..]].concat();
    let order_2 = [&[0xec], &[0xff; 30][..], &[0x7f]].concat();
    let order_4 = vec![0; 32];
    let order_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let order_8: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&order_8[2 * at..2 * at + 2], 16).unwrap()).collect();
    for x in [order_1, order_2, order_4, order_8] {
        assert_eq!(reason(&with(ED25519, "x", json!(encode(&x)))), "key-weak", "{x:?}");
    }
}

#[test]
fn rsa_keys_that_are_too_small_too_large_or_even_are_refused() {
    let odd = |bits: usize| encode(&[&[0x80], &vec![0x5b; bits / 8 - 1][..]].concat());
    for bits in [2048, 4096, 8192] {
        assert!(PublicKey::parse(&with(RSA, "n", json!(odd(bits)))).is_ok(), "{bits}");
    }
    for bits in [8, 1024, 2040, 8200, 65536] {
        assert_eq!(reason(&with(RSA, "n", json!(odd(bits)))), "key-weak", "{bits}");
    }
    let bits_2047 = encode(&[&[0x7f], &[0x5b; 255][..]].concat());
    assert_eq!(reason(&with(RSA, "n", json!(bits_2047))), "key-weak");
    let even = encode(&[0x80; 256]);
    assert_eq!(reason(&with(RSA, "n", json!(even))), "key-unfit");
    for exponent in [&[1][..], &[2], &[4], &[1, 0, 0], &[2, 0, 0, 0, 1], &[0xff; 8], &[0xff; 9], &[0x55; 256]] {
        assert_eq!(reason(&with(RSA, "e", json!(encode(exponent)))), "key-weak", "{exponent:?}");
    }
    assert!(PublicKey::parse(&with(RSA, "e", json!(encode(&[3])))).is_ok());
}

fn with(key: &str, name: &str, value: Value) -> String {
    let mut key: Value = serde_json::from_str(key).unwrap();
    key[name] = value;
    key.to_string()
}

fn reason(key: &str) -> &'static str {
    PublicKey::parse(key).unwrap_err().reason()
}
