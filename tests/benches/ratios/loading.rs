//! What it costs to verify and read a license, by its size: through the component and natively.

use std::hint::black_box;

use placet_tests::rig::{Site, claims};

use crate::each;
use crate::native::{self, Native};

pub(crate) fn bench() {
    println!("\nlooking at a license of so many KB:");
    let site = Site::default();
    let placet = site.open();
    for size in [2, 20, 200] {
        let license = license(&site, size * 1_000).into_bytes();
        assert!(placet.inspect(&license, None).expect("an answer").license.usable);
        let through = each(&format!("{size} KB, through the component"), || {
            drop(black_box(placet.inspect(black_box(&license), None).expect("an answer")));
        });
        let native = Native::new(&site.vendor.manifest(10), Vec::new());
        let policy = native.policy();
        let alone = each(&format!("{size} KB, natively"), || {
            drop(black_box(policy.inspect(black_box(&license), None, native::time())));
        });
        println!("  ratio: {:.1}", through / alone);
    }
}

/// A license of about so many bytes: half of it features, half of it limits.
fn license(site: &Site, size: usize) -> String {
    let mut claims = claims("lic_1");
    for name in 0.. {
        let license = site.vendor.license(&claims);
        if license.len() >= size {
            return license;
        }
        // A quarter of what is missing at a time, so that few are signed.
        for part in 0..((size - license.len()) / 400).max(1) {
            claims["features"][format!("feature-{name}-{part}")] = true.into();
            claims["limits"][format!("limit-{name}-{part}")] = serde_json::json!({"kind": "quota", "max": 1_000});
        }
    }
    unreachable!("it grows")
}
