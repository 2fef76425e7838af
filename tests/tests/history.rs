//! The hourly samples of a real installation: taken when it closes, once an hour, of the license as a whole and of tenants.

use placet::{Outlook, Placet};
use placet_tests::rig::{Site, claims};
use serde_json::json;

const HOUR: u64 = 3_600_000;

fn site() -> Site {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"] = json!({
        "calls": {"kind": "quota", "max": 1_000},
        "users": {"kind": "seats", "max": 5},
        "requests": {"kind": "rate", "max": 5, "every": "1s"},
        "objects": {"kind": "quota", "max": 9, "per": "tenant"},
        "rooms": {"kind": "seats", "max": 5, "per": "tenant"},
    });
    site.license(&license);
    site
}

/// Limit, tenant and units of each sample of one hour.
fn sampled(placet: &Placet, hour: u64) -> Vec<(String, Option<String>, u64)> {
    let samples = placet.history(0).unwrap().into_iter().filter(|sample| sample.hour == hour);
    samples.map(|sample| (sample.limit, sample.tenant, sample.used)).collect()
}

#[test]
fn what_stands_at_the_close_is_sampled_once_an_hour() {
    let site = site();
    let placet = site.open();
    assert!(placet.consume("calls", 7).decide().unwrap().allowed);
    assert!(placet.claim("users", "ada").decide().unwrap().allowed);
    // Names that sort around the slash that ends them in a counter's name, and one that is encoded.
    for tenant in ["t", "t-1", "t.2", "t0", "t1/é"] {
        assert!(placet.consume("objects", 2).tenant(tenant).decide().unwrap().allowed);
    }
    assert_eq!(placet.history(0).unwrap(), []);
    drop(placet);

    let placet = site.open();
    let samples = placet.history(0).unwrap();
    let first = samples[0].hour;
    assert_eq!(first % HOUR, 0);
    let of = |tenant: &str| ("objects".to_owned(), Some(tenant.to_owned()), 2);
    let whole = |limit: &str, used| (limit.to_owned(), None, used);
    let expected = [whole("calls", 7), of("t"), of("t-1"), of("t.2"), of("t0"), of("t1/é"), whole("users", 1)];
    assert_eq!(sampled(&placet, first), expected);
    let forecasts = placet.forecast().unwrap();
    assert_eq!(forecasts.len(), expected.len());
    assert!(forecasts.iter().all(|forecast| forecast.outlook == Outlook::NotEnoughSamples), "{forecasts:?}");

    // The hour was sampled: it stays as it was, and closing again does not write it.
    assert!(placet.consume("calls", 1).decide().unwrap().allowed);
    drop(placet);
    let placet = site.open();
    assert_eq!(sampled(&placet, first), expected);
    assert_eq!(placet.history(first + HOUR).unwrap().iter().filter(|sample| sample.hour == first).count(), 0);
}

#[test]
fn of_many_tenants_the_first_are_sampled() {
    let site = site();
    let placet = site.open();
    for tenant in 0..70 {
        assert!(placet.consume("objects", 1).tenant(format!("t{tenant:03}")).decide().unwrap().allowed);
        assert!(placet.claim("rooms", "ada").tenant(format!("t{tenant:03}")).decide().unwrap().allowed);
    }
    drop(placet);
    let samples = site.open().history(0).unwrap();
    let expected: Vec<_> = (0..64).map(|tenant| format!("t{tenant:03}")).collect();
    for limit in ["objects", "rooms"] {
        let of_limit = samples.iter().filter(|sample| sample.limit == limit);
        assert_eq!(of_limit.filter_map(|sample| sample.tenant.clone()).collect::<Vec<_>>(), expected, "{limit}");
    }
}
