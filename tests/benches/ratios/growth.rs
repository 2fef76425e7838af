//! What a decision costs among many limits, licenses and tenants.

use std::hint::black_box;
use std::thread;

use placet::Placet;
use placet_tests::rig::{Site, claims};
use serde_json::{Value, json};

use crate::each;

/// So many at a time are given their first unit, so that they share commits.
const CALLERS: usize = 16;

pub(crate) fn bench() {
    println!("\nwith so many limits in the license:");
    for many in [1, 10, 100, 1_000, 10_000] {
        let site = Site::default();
        let mut license = claims("lic_1");
        license["limits"] = (0..many).map(|limit| (format!("limit-{limit}"), quota())).collect();
        site.license(&license);
        asked(&site.open(), many, &format!("limit-{}", many - 1));
    }
    println!("\nwith so many licenses:");
    for many in [1, 10, 100, 250] {
        let site = Site::default();
        for number in 0..many {
            let mut license = claims(&format!("lic_{number}"));
            license["kind"] = if number > 0 { "addon" } else { "standard" }.into();
            license["limits"] = json!({"tokens": quota(), format!("limit-{number}"): quota()});
            site.put(&format!("licenses/{number}.json"), site.vendor.license(&license));
        }
        let placet = site.builder().licenses(site.path("licenses")).open().expect("opens");
        asked(&placet, many, &format!("limit-{}", many - 1));
        each(&format!("{many}: preview of what all of them grant"), || {
            assert!(placet.preview("tokens", 1).decide().expect("an answer").allowed);
        });
    }
    println!("\nwith so many tenants:");
    for many in [1, 10, 100, 1_000, 10_000] {
        let site = Site::default();
        let mut license = claims("lic_1");
        license["limits"] =
            json!({"tokens": {"kind": "quota", "max": 1, "per": "tenant"}, "tenants": {"kind": "seats", "max": null}});
        site.license(&license);
        let placet = site.open();
        fill(&placet, many);
        let tenant = format!("t{}", many / 2);
        each(&format!("{many}: consume that is denied"), || {
            assert!(!placet.consume("tokens", 1).tenant(black_box(&tenant)).decide().expect("an answer").allowed);
        });
        each(&format!("{many}: consume of an active tenant"), || {
            assert!(placet.consume("tenants", 1).tenant(black_box(&tenant)).decide().expect("an answer").allowed);
        });
    }
}

fn asked(placet: &Placet, many: usize, limit: &str) {
    each(&format!("{many}: check"), || {
        assert!(placet.check(black_box("sso")).decide().expect("an answer").allowed);
    });
    each(&format!("{many}: preview"), || {
        assert!(placet.preview(limit, 1).decide().expect("an answer").allowed);
    });
}

/// Each tenant takes its only unit, and is active.
fn fill(placet: &Placet, tenants: usize) {
    thread::scope(|scope| {
        for first in 0..CALLERS {
            scope.spawn(move || {
                for tenant in (first..tenants).step_by(CALLERS) {
                    let taken = placet.consume("tokens", 1).and("tenants", 1).tenant(format!("t{tenant}")).decide();
                    assert!(taken.expect("an answer").allowed);
                }
            });
        }
    });
}

fn quota() -> Value {
    json!({"kind": "quota", "max": 1_000})
}
