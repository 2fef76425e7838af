//! What a vendor signs beside licenses, through the engine: installed, removed, and remembered across restarts.

use std::sync::{Arc, Mutex};

use placet::artifact::Manifest;
use placet_rules::notices::digest;
use placet_tests::rig::{ISSUED, Site, claims};
use serde_json::{Value, json};

/// A site whose policy lets the license key sign everything.
fn site() -> Site {
    let site = Site::known();
    let mut manifest = serde_json::to_value(site.vendor.manifest(10)).unwrap();
    manifest["trust"][0]["use"] = json!(["license", "revocations", "receipt", "order", "anchor"]);
    let manifest = Manifest::from_json(&manifest.to_string()).unwrap();
    site.put("policy.wasm", site.vendor.policy_of(placet_tests::rig::component(), &manifest));
    site
}

fn notice(site: &Site, kind: &str, mut claims: Value) -> Vec<u8> {
    claims["iat"] = json!(ISSUED);
    site.vendor.sign_as(kind, claims.to_string().as_bytes()).into_bytes()
}

fn revocations(site: &Site, sequence: u64, ids: &[&str]) -> Vec<u8> {
    let hash = |id: &&str| digest(id).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    notice(site, "revocations", json!({ "sequence": sequence, "revoked": ids.iter().map(hash).collect::<Vec<_>>() }))
}

#[test]
fn a_revocation_list_stands_whatever_becomes_of_its_file() {
    let site = site();
    site.license(&claims("lic_1"));
    let placet = site.open();
    assert!(placet.status().usable);
    let status = placet.install(&revocations(&site, 7, &["lic_1"]), None).unwrap();
    assert_eq!((&*status.state, &*status.reason), ("revoked", "revoked"));
    let older = placet.install(&revocations(&site, 6, &[]), None).unwrap_err();
    assert_eq!(older.reason(), "revocations-older");
    let older = placet.install(&revocations(&site, 6, &[]), Some("other.json")).unwrap_err();
    assert_eq!(older.reason(), "revocations-older");
    assert_eq!(placet.remove("revocations.json").unwrap().state, "revoked");
    assert_eq!(placet.remove("revocations.json").unwrap_err().reason(), "not-installed");
    drop(placet);
    std::fs::remove_dir_all(site.path("state/licenses")).unwrap();
    assert_eq!(site.open().status().state, "revoked");
    site.put("license.json", revocations(&site, 6, &[]));
    site.put("state/licenses/lic_1.json", site.vendor.license(&claims("lic_1")));
    assert_eq!(site.open().status().state, "revoked");
    assert!(site.open().install(&revocations(&site, 8, &[]), None).unwrap().usable);
}

#[test]
fn an_order_counts_once_however_often_it_is_installed() {
    let site = site();
    site.license(&claims("lic_1"));
    let order =
        notice(&site, "order", json!({ "jti": "o1", "order": "reset", "limit": "tokens", "licenses": ["lic_1"] }));
    let consume = |placet: &placet::Placet, amount| placet.consume("tokens", amount).decide().unwrap().allowed;
    let placet = site.open();
    assert!(consume(&placet, 1_000) && !consume(&placet, 1));
    placet.install(&order, None).unwrap();
    assert!(consume(&placet, 1_000) && !consume(&placet, 1));
    for name in [None, Some("again.json")] {
        placet.remove("order-o1.json").ok();
        placet.install(&order, name).unwrap();
        assert!(!consume(&placet, 1));
    }
    drop(placet);
    let placet = site.open();
    assert!(!consume(&placet, 1));
    let second =
        notice(&site, "order", json!({ "jti": "o2", "order": "reset", "limit": "tokens", "sub": "org_globex" }));
    placet.install(&second, None).unwrap();
    assert!(consume(&placet, 1_000) && !consume(&placet, 1));
}

#[test]
fn a_time_anchor_is_taken_once() {
    let site = site();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let events = Arc::new(Mutex::new(Vec::new()));
    placet.subscribe({
        let events = events.clone();
        move |event| events.lock().unwrap().push(event.name)
    });
    let anchored = || events.lock().unwrap().iter().filter(|name| **name == "clock.anchored").count();
    let anchor = notice(&site, "anchor", json!({ "jti": "a1", "time": ISSUED, "sub": "org_globex" }));
    assert!(placet.install(&anchor, None).unwrap().usable);
    assert_eq!(anchored(), 1);
    placet.reload().unwrap();
    placet.install(&anchor, Some("again.json")).unwrap();
    assert_eq!(anchored(), 1);
    let earlier = notice(&site, "anchor", json!({ "jti": "a2", "time": ISSUED - 1 }));
    assert_eq!(placet.install(&earlier, None).unwrap_err().reason(), "anchor-older");
    let elsewhere = notice(&site, "anchor", json!({ "jti": "a3", "time": ISSUED + 1, "sub": "org_other" }));
    assert_eq!(placet.install(&elsewhere, None).unwrap_err().reason(), "addressee-mismatch");
}

#[test]
fn a_license_is_bound_to_the_fingerprints_of_this_installation() {
    let site = site();
    drop(site.open());
    let own = placet::fingerprints("acme/router", Some(&site.path("state")), &placet::Vault::default());
    assert!(own.iter().any(|one| one.name == "install"), "{own:?}");
    for fingerprint in &own {
        let mut bound = claims("lic_1");
        bound["scope"] = json!({ "fingerprints": [fingerprint.value] });
        site.license(&bound);
        assert!(site.open().status().usable, "{}", fingerprint.name);
        bound["scope"] = json!({ "fingerprints": ["00".repeat(32), fingerprint.value], "match": "all" });
        site.license(&bound);
        let forged = site.builder().fact(format!("fingerprint/{}", fingerprint.name), "00".repeat(32)).open().unwrap();
        assert_eq!(forged.status().reason, "fingerprint-mismatch");
    }
    let other = placet::fingerprints("acme/switch", Some(&site.path("state")), &placet::Vault::default());
    assert!(own.iter().all(|one| !other.contains(one)), "each product has its own");
}
