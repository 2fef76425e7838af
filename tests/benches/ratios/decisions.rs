//! Decisions by kind, through the component and natively. None of these waits for the disk.

use std::hint::black_box;

use placet::Placet;
use placet_rules::decide;
use placet_rules::types::{Charge, Context};
use placet_rules::view::View;
use placet_tests::rig::{Site, claims};
use serde_json::json;

use crate::each;
use crate::native::{self, Native};

pub(crate) fn bench() {
    let site = Site::default();
    let mut license = claims("lic_1");
    license["limits"]["rest"] = json!({"kind": "quota", "max": 0});
    license["limits"]["calls"] = json!({"kind": "quota", "max": 1_000, "reset": "month", "zone": "America/New_York"});
    license["limits"]["requests"] = json!({"kind": "rate", "max": 1_000_000_000_000_u64, "every": "1s"});
    license["limits"]["users"] = json!({"kind": "seats", "max": 5});
    site.license(&license);
    let placet = site.open();
    let native = Native::new(&site.vendor.manifest(10), std::fs::read(site.path("license.json")).expect("a license"));
    let view = native.view();
    println!("\nat the median, and for 99 of 100:");
    check(&placet, &view);
    let preview = |limit| {
        let native = |charge| decide::preview(&view, &[charge], &context(), &native).expect("an answer").allowed;
        pair(
            &format!("preview of `{limit}`"),
            limit,
            &|| placet.preview(limit, 1).decide().expect("an answer").allowed,
            &native,
        );
    };
    ["tokens", "calls", "objects"].into_iter().for_each(preview);
    let consume = |limit| {
        let native = |charge| decide::consume(&view, &[charge], &context(), &native).expect("an answer").allowed;
        pair(
            &format!("consume of `{limit}`"),
            limit,
            &|| placet.consume(limit, 1).decide().expect("an answer").allowed,
            &native,
        );
    };
    // The first is denied: it reads a counter, and commits nothing. The second is a rate.
    ["rest", "requests"].into_iter().for_each(consume);
    // Held already: nothing is written.
    let native = |charge| decide::claim(&view, &charge, "ada", None, &context(), &native).expect("an answer").allowed;
    pair("claim of `users`", "users", &|| placet.claim("users", "ada").decide().expect("an answer").allowed, &native);
}

fn check(placet: &Placet, view: &View) {
    let through = each("check, through the component", || {
        assert!(placet.check(black_box("sso")).decide().expect("an answer").allowed);
    });
    let alone = each("check, the same rules natively, with the clock read", || {
        assert!(view.covers(native::time()));
        assert!(decide::check(black_box(view), "sso", &context()).allowed);
    });
    println!("  ratio: {:.1}", through / alone);
}

/// The same question both ways, with the same answer.
fn pair(what: &str, limit: &str, through: &dyn Fn() -> bool, native: &dyn Fn(Charge) -> bool) {
    let charge = || Charge { limit: limit.to_owned(), amount: 1 };
    let answer = native(charge());
    assert_eq!(through(), answer, "{what}");
    let through = each(&format!("{what}, through the component"), || assert_eq!(through(), answer));
    let native = each(&format!("{what}, natively over a map"), || assert_eq!(native(black_box(charge())), answer));
    println!("  ratio: {:.1}", through / native);
}

fn context() -> Context {
    Context { tenant: None, once: None, details: Vec::new() }
}
