//! What orders and revocation lists did stays, under whatever policy comes after.

use serde_json::json;

use placet_rules::decide::{consume, report};
use placet_rules::types::{Charge, Context, Usage};

use crate::world::*;

const NOW: u64 = BEGIN + 9 * DAY;

/// A world that trusts `TEST-2` with orders, and `TEST-3` with revocation lists.
fn world() -> World {
    let mut world = World::new()
        .with("a", license(json!({ "limits": { "tokens": { "kind": "quota", "max": 10, "per": "tenant" } } })));
    trust_all(&mut world);
    world
}

fn trust_all(world: &mut World) {
    let [orders, lists] = vendors();
    let trust = [vendor().trust(&["license"]), orders.trust(&["order"]), lists.trust(&["revocations"])];
    world.manifest["trust"] = trust.as_slice().into();
}

fn trust_licenses_alone(world: &mut World) {
    world.manifest["trust"] = json!([vendor().trust(&["license"])]);
}

fn vendors() -> [Vendor; 2] {
    [Vendor::new(2, Some("TEST-2")), Vendor::new(3, Some("TEST-3"))]
}

fn order(id: &str, tenant: Option<&str>) -> Vec<u8> {
    let mut body = json!({ "jti": id, "iat": BEGIN, "order": "reset", "limit": "tokens", "licenses": ["lic_1"] });
    if let Some(tenant) = tenant {
        body["tenant"] = json!(tenant);
    }
    vendors()[0].sign(&body)
}

fn list(sequence: u64, ids: &[&str]) -> Vec<u8> {
    let digest = |id: &&str| {
        placet_rules::notices::digest(id).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    };
    let revoked: Vec<String> = ids.iter().map(digest).collect();
    vendors()[1].sign(&json!({ "iat": BEGIN, "sequence": sequence, "revoked": revoked }))
}

fn used(world: &mut World, tenant: &str) -> u64 {
    let view = world.load(at(ms(NOW))).view(at(ms(NOW)));
    let usage: Vec<Usage> = report(&view, Some(tenant), &world.counters).unwrap();
    usage[0].used
}

fn spend(world: &mut World, tenant: &str, amount: u64) -> bool {
    let view = world.load(at(ms(NOW))).view(at(ms(NOW)));
    let charge = Charge { limit: "tokens".into(), amount };
    let context = Context { tenant: Some(tenant.into()), ..Context::default() };
    consume(&view, &[charge], &context, &world.counters).unwrap().allowed
}

#[test]
fn what_a_tenant_was_reset_stays_when_the_order_is_gone_or_its_key_is() {
    let mut world = world();
    assert!(spend(&mut world, "t1", 10) && spend(&mut world, "t2", 3));
    world.put("o1", order("o1", Some("t1")));
    assert!(spend(&mut world, "t1", 4));
    trust_licenses_alone(&mut world);
    assert_eq!((used(&mut world, "t1"), used(&mut world, "t2")), (4, 3));
    world.offered.remove("o1");
    world.kept.remove("o1");
    assert_eq!(used(&mut world, "t1"), 4);
    trust_all(&mut world);
    assert_eq!(used(&mut world, "t1"), 4);
    world.put("o2", order("o2", None));
    assert_eq!((used(&mut world, "t1"), used(&mut world, "t2")), (0, 0), "no generation comes twice");
}

#[test]
fn a_revoked_license_stays_revoked_when_the_key_of_the_list_is_gone() {
    let mut world = world().with("list", list(7, &["lic_1", "lic_9"]));
    assert_eq!(told(&world.status(ms(NOW))), (false, "revoked", "revoked"));
    trust_licenses_alone(&mut world);
    assert_eq!(told(&world.status(ms(NOW))), (false, "revoked", "revoked"));
    world.put("a", license(json!({ "jti": "lic_9" })));
    assert_eq!(told(&world.status(ms(NOW))), (false, "revoked", "revoked"), "installed after the list was lost");
    world.put("a", license(json!({ "jti": "lic_2" })));
    assert_eq!(told(&world.status(ms(NOW))), (true, "active", "active"));
    trust_all(&mut world);
    world.put("a", license(json!({})));
    world.put("list", list(8, &[]));
    assert_eq!(told(&world.status(ms(NOW))), (true, "active", "active"), "a higher list counts alone");
    trust_licenses_alone(&mut world);
    assert_eq!(told(&world.status(ms(NOW))), (true, "active", "active"));
}

#[test]
fn a_long_list_is_remembered_whole_and_in_few_steps() {
    let ids: Vec<String> = (0..2_500).map(|number| format!("lic_{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut world = world().with("list", list(1, &ids));
    world.status(ms(NOW));
    trust_licenses_alone(&mut world);
    for id in ["lic_0", "lic_1000", "lic_2499"] {
        world.put("a", license(json!({ "jti": id })));
        assert_eq!(told(&world.status(ms(NOW))), (false, "revoked", "revoked"), "{id}");
    }
    world.put("a", license(json!({ "jti": "lic_2500" })));
    assert!(world.status(ms(NOW)).usable);
}
