//! The policy that misbehaves when it is asked to, built from `tests/hostile-guest`.

use std::sync::LazyLock;

use placet::Placet;
use placet::artifact::Manifest;
use serde_json::json;

use crate::rig::{Site, Vendor, built};

/// The component, built once for each test program.
pub fn component() -> &'static [u8] {
    static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| built("placet-hostile-guest"));
    &COMPONENT
}

/// A manifest for it; the setting `misbehave` says what it does while it loads or verifies. Empty: nothing bad.
pub fn manifest(vendor: &Vendor, sequence: u64, misbehavior: &str) -> Manifest {
    let mut manifest = serde_json::to_value(vendor.manifest(sequence)).expect("a manifest");
    manifest["settings"] = json!({"misbehave": misbehavior});
    Manifest::from_json(&manifest.to_string()).expect("a manifest")
}

/// An installation that has adopted it.
pub fn site() -> (Site, Placet) {
    let site = Site::default();
    site.put("policy.wasm", site.vendor.policy_of(component(), &manifest(&site.vendor, 10, "")));
    let placet = site.open();
    (site, placet)
}
