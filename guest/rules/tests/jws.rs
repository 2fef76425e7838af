//! Documents: the three forms, what they may say, and that nothing but what was signed comes out.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

mod signed;

use placet_rules::jwk::Algorithm;
use placet_rules::jws;
use proptest::prelude::*;
use signed::{ED25519, P256, PAYLOAD, RSA, ed25519_key, flattened, general, key, part, sign};

#[test]
fn the_examples_of_the_rfcs_verify() {
    for (example, algorithm) in [(ED25519, Algorithm::EdDsa), (P256, Algorithm::Es256), (RSA, Algorithm::Rs256)] {
        let verified = jws::verify(example.token.as_bytes(), &key(example.jwk)).unwrap();
        assert_eq!((verified.algorithm(), verified.kid()), (algorithm, None));
        assert_eq!(part(verified.payload()), example.token.split('.').nth(1).unwrap());
    }
}

/// RFC 7515 appendix A.7, of which A.3 is the compact form.
#[test]
fn the_flattened_example_verifies_with_a_key_named_outside_of_what_is_signed() {
    let flattened = flattened(P256.token, r#""header":{"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"},"#);
    let verified = jws::verify(flattened.as_bytes(), &key(P256.jwk)).unwrap();
    assert_eq!(verified.kid(), Some("e9bc097a-ce51-4036-9562-d2ade882db0d"));
}

#[test]
fn the_same_signature_holds_in_all_three_forms_and_in_any_spelling_of_the_json() {
    let spelled =
        |form: &str| form.replacen("\"payload\"", " \n\"p\\u0061yload\" ", 1).replacen("eyJ", "\\u0065yJ", 1) + "\n";
    for example in [ED25519, P256, RSA] {
        let forms = [flattened(example.token, ""), general(&[example.token]), flattened(example.token, r#""x":1,"#)];
        for form in forms.iter().flat_map(|form| [form.clone(), spelled(form)]) {
            let verified = jws::verify(form.as_bytes(), &key(example.jwk)).unwrap();
            assert_eq!(part(verified.payload()), example.token.split('.').nth(1).unwrap(), "{form}");
        }
    }
}

#[test]
fn what_is_read_names_the_key_before_it_is_known() {
    let token = sign(r#"{"alg":"EdDSA","kid":"TEST","typ":"license+jws"}"#, PAYLOAD);
    let unverified = jws::read(token.as_bytes()).unwrap();
    assert_eq!((unverified.algorithm(), unverified.kid()), (Algorithm::EdDsa, Some("TEST")));
    assert_eq!(unverified.typ(), Some("license+jws"));
    assert_eq!(unverified.verify(&key(P256.jwk)).unwrap_err().reason(), "algorithm-mismatch");
    assert_eq!(unverified.verify(&key(ED25519.jwk)).unwrap_err().reason(), "signature-invalid");
    assert_eq!(unverified.verify(&ed25519_key(Some("other"))).unwrap_err().reason(), "key-mismatch");
    assert_eq!(unverified.verify(&ed25519_key(None)).unwrap().into_payload(), PAYLOAD);
    assert_eq!(unverified.verify(&ed25519_key(Some("TEST"))).unwrap().kid(), Some("TEST"));
}

#[test]
fn a_payload_is_any_bytes() {
    for payload in [&b""[..], &[0], &[0xff, 0xfe], &[0; 1000]] {
        let verified = jws::verify(sign(r#"{"alg":"EdDSA"}"#, payload).as_bytes(), &ed25519_key(None)).unwrap();
        assert_eq!(verified.payload(), payload);
    }
}

#[test]
fn unknown_names_in_the_header_are_ignored_and_both_names_of_ed25519_are_one() {
    for header in
        [r#"{"alg":"EdDSA","new":{"a":[1]}}"#, r#"{ "alg" : "Ed25519" }"#, r#"{"alg":"EdDSA","x5t":"AA","cty":"json"}"#]
    {
        let verified = jws::verify(sign(header, PAYLOAD).as_bytes(), &ed25519_key(None)).unwrap();
        assert_eq!(verified.algorithm(), Algorithm::EdDsa, "{header}");
    }
}

#[test]
fn headers_that_are_never_taken_are_refused_though_their_signature_holds() {
    for (header, reason) in [
        (r#"{"alg":"none"}"#, "algorithm-refused"),
        (r#"{"alg":"HS256"}"#, "algorithm-refused"),
        (r#"{"alg":"eddsa"}"#, "algorithm-refused"),
        (r#"{"alg":["EdDSA"]}"#, "algorithm-refused"),
        (r#"{"alg":null}"#, "algorithm-refused"),
        (r#"{"kid":"TEST"}"#, "algorithm-refused"),
        (r#"{"alg":"ES256"}"#, "algorithm-mismatch"),
        (r#"{"alg":"EdDSA","crit":["exp"],"exp":1}"#, "crit-refused"),
        (r#"{"alg":"EdDSA","crit":[]}"#, "crit-refused"),
        (r#"{"alg":"EdDSA","crit":null}"#, "crit-refused"),
        (r#"{"alg":"EdDSA","b64":true}"#, "header-refused"),
        (r#"{"alg":"EdDSA","zip":"DEF"}"#, "header-refused"),
        (r#"{"alg":"EdDSA","jwk":{}}"#, "header-refused"),
        (r#"{"alg":"EdDSA","jku":"https://vendor.example/keys"}"#, "header-refused"),
        (r#"{"alg":"EdDSA","x5c":[]}"#, "header-refused"),
        (r#"{"alg":"EdDSA","x5u":"https://vendor.example/keys"}"#, "header-refused"),
        (r#"{"alg":"EdDSA","alg":"EdDSA"}"#, "header-duplicate"),
        (r#"{"alg":"EdDSA","\u0061lg":"none"}"#, "header-duplicate"),
        (r#"{"alg":"EdDSA","kid":1}"#, "header-invalid"),
        (r#"{"alg":"EdDSA","typ":null}"#, "header-invalid"),
        (r#"["EdDSA"]"#, "header-invalid"),
        (r#"{"alg":"EdDSA"} x"#, "header-invalid"),
        ("\u{feff}{\"alg\":\"EdDSA\"}", "header-invalid"),
        ("", "header-invalid"),
    ] {
        assert_eq!(refusal(sign(header, PAYLOAD)), reason, "{header}");
        assert_eq!(refusal(flattened(&sign(header, PAYLOAD), "")), reason, "{header}");
    }
}

#[test]
fn the_unprotected_header_can_change_nothing_that_matters() {
    let token = sign(r#"{"alg":"EdDSA"}"#, PAYLOAD);
    for (header, reason) in [
        (r#""header":{"alg":"EdDSA"},"#, "header-duplicate"),
        (r#""header":{"crit":["x"]},"#, "crit-refused"),
        (r#""header":{"jwk":{}},"#, "header-refused"),
        (r#""header":{"b64":false},"#, "header-refused"),
        (r#""header":{"kid":1},"#, "header-invalid"),
        (r#""header":{"kid":"a","kid":"b"},"#, "json-duplicate-key"),
        (r#""header":[],"#, "header-invalid"),
        (r#""header":null,"#, "header-invalid"),
    ] {
        assert_eq!(refusal(flattened(&token, header)), reason, "{header}");
    }
    let unprotected = flattened(&sign(r#"{"kid":"TEST"}"#, PAYLOAD), r#""header":{"alg":"EdDSA"},"#);
    assert_eq!(refusal(unprotected), "algorithm-refused");
    let other = jws::verify(flattened(&token, r#""header":{"kid":"other"},"#).as_bytes(), &ed25519_key(Some("TEST")));
    assert_eq!(other.unwrap_err().reason(), "key-mismatch");
}

#[test]
fn what_is_none_of_the_forms_is_refused() {
    let token = sign(r#"{"alg":"EdDSA"}"#, PAYLOAD);
    let [protected, payload, signature] = <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).unwrap();
    for (document, reason) in [
        (String::new(), "envelope-invalid"),
        (format!("{protected}.{payload}"), "envelope-invalid"),
        (format!("{token}."), "envelope-invalid"),
        (format!("{token}.{payload}.{signature}"), "envelope-invalid"),
        (format!("{token}\n"), "encoding-invalid"),
        (format!(" {token}"), "encoding-invalid"),
        (format!("{token}="), "encoding-invalid"),
        (format!("{protected}.{payload} .{signature}"), "encoding-invalid"),
        (format!("{protected}.{payload}."), "signature-invalid"),
        (format!("{protected}..{signature}"), "signature-invalid"),
        (format!(".{payload}.{signature}"), "header-invalid"),
        ("{}".into(), "envelope-invalid"),
        ("[]".into(), "envelope-invalid"),
        (format!(r#"{{"payload":"{payload}","signature":"{signature}"}}"#), "algorithm-refused"),
        (format!(r#"{{"protected":"{protected}","signature":"{signature}"}}"#), "envelope-invalid"),
        (format!(r#"{{"payload":"{payload}","protected":"{protected}"}}"#), "envelope-invalid"),
        (format!(r#"{{"payload":1,"protected":"{protected}","signature":"{signature}"}}"#), "envelope-invalid"),
        (flattened(&token, r#""payload":"e30","#), "json-duplicate-key"),
        (flattened(&token, r#""signatures":[],"#), "envelope-invalid"),
        (general(&[]), "signature-count"),
        (general(&[&token, &token]), "signature-count"),
        (general(&[&token]).replacen('{', r#"{"signature":"","#, 1), "envelope-invalid"),
        (format!(r#"{{"payload":"{payload}","signatures":{{}}}}"#), "envelope-invalid"),
        (format!(r#"{{"payload":"{payload}","signatures":["{token}"]}}"#), "envelope-invalid"),
        (flattened(&token, "") + "x", "json-invalid"),
        ("{".repeat(1000), "json-invalid"),
        ("{\"a\":".repeat(1000), "json-too-deep"),
        ("A".repeat(jws::MAX_SIZE + 1), "too-large"),
    ] {
        assert_eq!(refusal(document.clone()), reason, "{document}");
    }
    assert_eq!(jws::read(b"\xff.\xff.\xff").unwrap_err().reason(), "envelope-invalid");
}

#[test]
fn every_bit_of_a_compact_token_matters() {
    for example in [ED25519, P256, RSA] {
        for (at, bit) in (0..example.token.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut token = example.token.as_bytes().to_vec();
            token[at] ^= 1 << bit;
            assert!(jws::verify(&token, &key(example.jwk)).is_err(), "bit {bit} of byte {at}");
        }
    }
}

/// The group order can be added to S without changing what is computed: RFC 8032 section 5.1.7 refuses it.
#[test]
fn an_ed25519_signature_has_one_encoding_of_s_and_no_r_of_small_order() {
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let order = (0..32).map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap());
    let token = sign(r#"{"alg":"EdDSA"}"#, PAYLOAD);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = placet_rules::base64url::decode(signature).unwrap();
    let mut carry = 0;
    for (byte, more) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(carry, 0, "S + L fits");
    assert_eq!(refusal(format!("{signed}.{}", part(&signature))), "signature-invalid");
    let identity = [&[1], &[0; 63][..]].concat();
    assert_eq!(refusal(format!("{signed}.{}", part(&identity))), "signature-invalid");
}

/// RFC 7518 section 3.4: 64 bytes, and neither number is 0 or beyond the order.
#[test]
fn an_es256_signature_is_two_numbers_of_32_bytes_within_the_order() {
    let (signed, signature) = P256.token.rsplit_once('.').unwrap();
    let signature = placet_rules::base64url::decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap()).collect();
    let zero = vec![0; 32];
    let der = [&[0x30, 0x45, 2, 0x20], r, &[2, 0x21, 0], s].concat();
    let forged = [
        [&zero, s].concat(),
        [r, &zero].concat(),
        [&zero[..], &zero].concat(),
        [&order, s].concat(),
        [r, &order].concat(),
    ];
    let cut = [signature[1..].to_vec(), signature[..63].to_vec(), [&signature[..], &[0]].concat(), Vec::new(), der];
    for signature in forged.iter().chain(&cut) {
        let refused = jws::verify(format!("{signed}.{}", part(signature)).as_bytes(), &key(P256.jwk));
        assert_eq!(refused.unwrap_err().reason(), "signature-invalid", "{signature:?}");
    }
}

/// RFC 8017 section 8.2.2, step 1: neither shorter nor longer than the modulus.
#[test]
fn an_rs256_signature_is_as_long_as_the_modulus() {
    let (signed, signature) = RSA.token.rsplit_once('.').unwrap();
    let signature = placet_rules::base64url::decode(signature).unwrap();
    for other in [
        [&[0], &signature[..]].concat(),
        [&signature[..], &[0]].concat(),
        signature[1..].to_vec(),
        vec![0; 256],
        vec![0xff; 256],
    ] {
        let refused = jws::verify(format!("{signed}.{}", part(&other)).as_bytes(), &key(RSA.jwk));
        assert_eq!(refused.unwrap_err().reason(), "signature-invalid", "{}", other.len());
    }
}

proptest! {
    /// Any cut, insertion or change of bytes, in any form.
    #[test]
    fn no_change_verifies_to_another_payload(
        (which, form) in (0..3usize, 0..3usize), at in any::<prop::sample::Index>(), removed in 0..4usize, inserted: Vec<u8>,
    ) {
        let example = [ED25519, P256, RSA][which];
        let mut bytes = [example.token.to_string(), flattened(example.token, ""), general(&[example.token])][form].clone().into_bytes();
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + removed);
        bytes.splice(at..end, inserted.into_iter().take(4));
        if let Ok(verified) = jws::verify(&bytes, &key(example.jwk)) {
            prop_assert_eq!(part(verified.payload()), example.token.split('.').nth(1).unwrap());
        }
    }

    /// Bytes from anywhere are refused, and nothing else happens.
    #[test]
    fn any_bytes_are_answered(bytes: Vec<u8>, text in "[{}\\[\\]\",:.a-zA-Z0-9_ -]*") {
        prop_assert!(jws::verify(&bytes, &key(ED25519.jwk)).is_err());
        prop_assert!(jws::verify(text.as_bytes(), &key(ED25519.jwk)).is_err());
    }
}

/// Why the document is refused with the key of [`sign`].
fn refusal(document: String) -> &'static str {
    jws::verify(document.as_bytes(), &ed25519_key(None)).unwrap_err().reason()
}
