//! The policy that misbehaves when it is asked to, built from `tests/hostile-guest`.

use std::process::Command;
use std::sync::OnceLock;

use placet::Placet;
use placet::artifact::Manifest;
use serde_json::json;

use crate::rig::{Site, Vendor, root};

/// The component, built once for each test program.
pub fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let target = root().join("target/hostile-guest");
        let mut cargo = Command::new(env!("CARGO"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_ENCODED")) {
            cargo.env_remove(name);
        }
        let built = cargo
            .current_dir(root())
            .env_remove("RUSTFLAGS")
            .args(["build", "--quiet", "--locked", "--package", "placet-hostile-guest", "--target", "wasm32-wasip2"])
            .args(["--profile", "policy", "--target-dir"])
            .arg(&target)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the hostile policy does not build");
        std::fs::read(target.join("wasm32-wasip2/policy/placet_hostile_guest.wasm")).expect("it was built")
    })
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
