//! Documents that are no licenses, and what a status tells of documents; looking at one without adopting it.

use placet_rules::types::Status;
use serde_json::json;

use crate::world::*;

const NOW: u64 = BEGIN + 9 * DAY;

#[test]
fn rubbish_is_reported_and_harms_nothing() {
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let rubbish: [&[u8]; 10] =
        [b"", b" \n", b"hello", b"{", b"{}", b"..", b"a.b.c", &[0xff; 64], &deep, &vec![b'.'; 1 << 20]];
    for bytes in rubbish {
        let mut world = World::new().with("a", license(json!({}))).with("rubbish", bytes.to_vec());
        let status = world.status(ms(NOW));
        assert_eq!(told(&status), (true, "active", "active"));
        let told_of = document(&status, "rubbish");
        assert!(!told_of.adopted && !told_of.recovered && told_of.reason != "adopted", "{told_of:?}");
        let alone = World::new().with("rubbish", bytes.to_vec()).status(ms(NOW));
        assert_eq!((alone.usable, alone.state.as_str(), &alone.reason), (false, "invalid", &told_of.reason));
    }
}

#[test]
fn a_payload_that_is_no_license_is_refused() {
    for payload in [&b"[]"[..], b"7", b"", b"{\"exp\":1.5}", &[0xff, 0xfe]] {
        let status = World::new().with("a", vendor().sign_bytes(payload)).status(ms(NOW));
        assert_eq!((status.usable, status.state.as_str(), status.licenses.len()), (false, "invalid", 0));
    }
}

#[test]
fn space_around_a_token_is_no_matter() {
    let padded = [b" \r\n", license(json!({})).as_slice(), b"\n\n"].concat();
    assert!(World::new().with("a", padded).status(ms(NOW)).usable);
}

#[test]
fn a_license_of_one_mebibyte_is_read_and_one_byte_more_is_not() {
    let padded = |size: usize| {
        let mut document = license(json!({}));
        document.resize(size, b'\n');
        World::new().with("a", document).status(ms(NOW))
    };
    assert!(padded(1 << 20).usable);
    assert_eq!(told(&padded((1 << 20) + 1)), (false, "invalid", "file-too-large"));
}

#[test]
fn what_is_on_offer_is_read_whatever_its_name() {
    let mut world = World::new().with(".license", license(json!({}))).with("..", b"x".to_vec());
    let status = world.status(ms(NOW));
    assert_eq!((told(&status), status.documents.len()), ((true, "active", "active"), 2));
}

#[test]
fn documents_are_adopted_before_their_time_and_after_it_but_not_elsewhere() {
    for (changes, adopted) in [
        (json!({}), true),
        (json!({ "nbf": NOW + DAY }), true),
        (json!({ "exp": NOW }), true),
        (json!({ "iat": NOW + DAY }), true),
        (json!({ "aud": "acme/switch" }), false),
        (json!({ "scope": { "hosts": ["elsewhere"] } }), false),
        (json!({ "ends": "week" }), false),
    ] {
        let status = World::new().with("a", license(changes.clone())).status(ms(NOW));
        assert_eq!(document(&status, "a").adopted, adopted, "{changes}");
    }
}

#[test]
fn nothing_of_a_refused_claim_is_told() {
    let status = World::new().with("a", license(json!({ "customer": ["SECRET"] }))).status(ms(NOW));
    assert_eq!(told(&status), (false, "invalid", "claim-invalid"));
    assert_eq!(document(&status, "a").details[0].value, "customer");
    assert!(!format!("{status:?}").contains("SECRET"));
}

/// Looks at a document, and proves that looking changed nothing.
fn inspected(world: &mut World, bytes: &[u8], name: Option<&str>) -> Status {
    let policy = world.load(at(ms(NOW)));
    let (before, writes) = (policy.status(at(ms(NOW))), world.counters.writes.get());
    let status = policy.inspect(bytes, name, at(ms(NOW)));
    assert_eq!((policy.status(at(ms(NOW))), world.counters.writes.get()), (before, writes));
    status
}

#[test]
fn a_document_alone_is_judged_by_itself() {
    let mut world = World::new().with("a", license(json!({})));
    let status = inspected(&mut world, &license(json!({ "jti": "lic_2", "exp": NOW })), None);
    assert_eq!((told(&status), status.licenses.len()), ((false, "expired", "expired"), 1));
}

#[test]
fn a_document_beside_the_others_shows_what_would_change() {
    let mut world = World::new().with("a", license(json!({})));
    let top_up = license(json!({ "jti": "top", "limits": { "tokens": { "kind": "quota", "max": 11 } } }));
    let beside = inspected(&mut world, &top_up, Some("b"));
    assert_eq!(beside.limits[1].max, Some(111));
    let replaced = inspected(&mut world, &top_up, Some("a"));
    assert_eq!((replaced.limits.len(), replaced.licenses.len()), (1, 1));
}

#[test]
fn a_bad_document_would_leave_the_good_one_in_its_grace() {
    let mut world = World::new().with("a", license(json!({ "grace": { "validation": "72h" } })));
    let status = inspected(&mut world, b"rubbish", Some("a"));
    assert_eq!(told(&status), (true, "grace", "validation-grace"));
    assert!(document(&status, "a").recovered);
    world.put("a", b"rubbish".to_vec());
    let loaded = world.status(ms(NOW));
    assert_eq!(loaded, status, "what was foretold is what happens");
}
