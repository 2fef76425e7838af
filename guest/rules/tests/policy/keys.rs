//! Whose signature counts: key ids, rotation, uses and times of keys.

use serde_json::{Value, json};

use crate::world::*;

fn trusting(trust: &[Value], document: Vec<u8>) -> World {
    let mut world = World::new().with("a", document);
    world.manifest["trust"] = Value::Array(trust.to_vec());
    world
}

fn reason(trust: &[Value], document: Vec<u8>) -> String {
    trusting(trust, document).status(ms(BEGIN)).reason
}

fn changed(mut entry: Value, name: &str, value: Value) -> Value {
    entry[name] = value;
    entry
}

#[test]
fn licenses_of_the_old_key_and_of_the_new_one_hold_side_by_side() {
    let new = Vendor::new(2, Some("TEST-2"));
    let trust = [vendor().trust(&["license"]), new.trust(&["license"])];
    let mut world = trusting(&trust, license(json!({}))).with("b", new.sign(&claims(json!({ "jti": "lic_2" }))));
    let status = world.status(ms(BEGIN));
    let keys: Vec<_> = status.licenses.iter().map(|license| license.key.as_str()).collect();
    assert_eq!((told(&status), keys), ((true, "active", "active"), vec!["TEST-1", "TEST-2"]));
}

#[test]
fn the_key_that_a_document_names_must_be_the_one_that_signed_it() {
    let other = Vendor::new(2, Some("TEST-1"));
    assert_eq!(reason(&[vendor().trust(&["license"])], other.sign(&claims(json!({})))), "signature-invalid");
    assert_eq!(reason(&[Vendor::new(1, Some("TEST-2")).trust(&["license"])], license(json!({}))), "key-unknown");
    assert_eq!(reason(&[], license(json!({}))), "key-unknown");
}

#[test]
fn without_a_key_id_exactly_one_key_must_fit() {
    let unnamed = || Vendor::new(1, None).sign(&claims(json!({})));
    let (one, two) = (vendor().trust(&["license"]), Vendor::new(2, Some("TEST-2")).trust(&["license"]));
    assert_eq!(reason(&[one.clone(), two.clone()], unnamed()), "active");
    assert_eq!(reason(&[two], unnamed()), "key-unknown");
    let same = changed(one.clone(), "kid", json!("TEST-3"));
    assert_eq!(reason(&[one, same], unnamed()), "key-ambiguous");
}

#[test]
fn an_entry_that_cannot_be_read_never_matches_and_breaks_no_other() {
    let good = vendor().trust(&["license"]);
    for broken in [
        changed(good.clone(), "format", json!("placet/2")),
        changed(good.clone(), "format", Value::Null),
        changed(good.clone(), "use", json!(["blessing"])),
        changed(good.clone(), "use", json!("license")),
        changed(good.clone(), "jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" })),
        changed(good.clone(), "jwk", json!("key")),
        changed(good.clone(), "not_after", json!("never")),
        changed(good.clone(), "product", json!(7)),
        json!("key"),
    ] {
        assert_eq!(reason(std::slice::from_ref(&broken), license(json!({}))), "key-unknown", "{broken}");
        assert_eq!(reason(&[broken.clone(), good.clone()], license(json!({}))), "active", "{broken}");
    }
}

#[test]
fn a_key_for_something_else_signs_no_license() {
    let mut world = trusting(&[vendor().trust(&["revocations"])], license(json!({})));
    let status = world.status(ms(BEGIN));
    assert_eq!(told(&status), (false, "missing", "missing"));
    let told_of = document(&status, "a");
    assert_eq!(
        (told_of.kind.as_str(), told_of.adopted, told_of.reason.as_str()),
        ("revocations", false, "claim-invalid")
    );
    assert_eq!(reason(&[vendor().trust(&["revocations", "order"])], license(json!({}))), "key-not-for-kind");
    let both = [vendor().trust(&["revocations"]), vendor().trust(&["license"])];
    assert_eq!(reason(&both, license(json!({}))), "active", "one entry for each use");
    let forged = Vendor::new(2, Some("TEST-1")).sign(&claims(json!({})));
    assert_eq!(reason(&[vendor().trust(&["revocations"])], forged), "signature-invalid");
}

#[test]
fn a_key_signs_only_in_its_time_judged_by_the_date_of_issue() {
    let within = |name: &str, seconds: u64| [changed(vendor().trust(&["license"]), name, json!(seconds))];
    assert_eq!(reason(&within("not_before", BEGIN), license(json!({}))), "active");
    assert_eq!(reason(&within("not_before", BEGIN + 1), license(json!({}))), "key-not-valid");
    assert_eq!(reason(&within("not_after", BEGIN), license(json!({}))), "active");
    assert_eq!(reason(&within("not_after", BEGIN - 1), license(json!({}))), "key-not-valid");
}

#[test]
fn an_undated_license_needs_a_key_that_is_valid_now() {
    let trust = [changed(vendor().trust(&["license"]), "not_after", json!(BEGIN + DAY))];
    let mut world = trusting(&trust, license(json!({ "iat": null })));
    assert!(world.status(ms(BEGIN + DAY)).usable);
    world.kept.clear();
    assert_eq!(told(&world.status(ms(BEGIN + DAY) + 1)), (false, "invalid", "key-not-valid"));
}

#[test]
fn a_license_must_be_for_the_product_of_its_key_or_else_of_the_policy() {
    let key = vendor().trust(&["license"]);
    for (product, audience, expected) in [
        (Value::Null, json!("acme/router"), "active"),
        (Value::Null, Value::Null, "active"),
        (Value::Null, json!(["acme/switch", "acme/router"]), "active"),
        (Value::Null, json!("acme/switch"), "audience-mismatch"),
        (Value::Null, json!([]), "claim-invalid"),
        (json!("acme/switch"), json!("acme/switch"), "active"),
        (json!("acme/switch"), json!("acme/router"), "audience-mismatch"),
    ] {
        let trust = [changed(key.clone(), "product", product.clone())];
        assert_eq!(reason(&trust, license(json!({ "aud": audience.clone() }))), expected, "{product} {audience}");
    }
}

#[test]
fn without_a_manifest_nobody_is_trusted() {
    for manifest in [json!([]), json!({ "name": "acme/router" }), json!({ "name": "a/b", "sequence": 1, "trust": {} })]
    {
        let mut world = World::new().with("a", license(json!({})));
        world.manifest = manifest.clone();
        assert_eq!(told(&world.status(ms(BEGIN))), (false, "invalid", "manifest-invalid"), "{manifest}");
        world.offered.clear();
        assert_eq!(told(&world.status(ms(BEGIN))), (false, "invalid", "manifest-invalid"), "{manifest}");
    }
}
