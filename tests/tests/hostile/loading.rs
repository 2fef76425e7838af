//! A policy that misbehaves before it is adopted: the one before it runs on.

use placet::artifact::Manifest;
use placet_tests::hostile::{component, manifest};
use placet_tests::rig::{Site, claims};

/// Tries to install a policy over one that works. Answers the reason of the refusal.
pub(crate) fn refusal(component: &[u8], manifest: impl FnOnce(&Site) -> Manifest) -> String {
    let site = Site::default();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let new = site.put("new.wasm", site.vendor.policy_of(component, &manifest(&site)));
    let error = placet.install_policy(&new).unwrap_err();
    assert_eq!(placet.status().policy.sequence, 10);
    assert!(placet.check("sso").decide().unwrap().allowed);
    assert_eq!(placet.policies().unwrap().len(), 1, "what was refused is not kept");

    // Nor is it adopted where it is what the product ships, whether or not something else is there to run.
    drop(placet);
    let placet = site.builder().policy(&new).open().unwrap();
    assert_eq!(placet.status().policy.sequence, 10);
    assert!(placet.status().warnings.iter().any(|warning| warning.reason == error.reason()));
    assert!(placet.check("sso").decide().unwrap().allowed);
    let alone = site.builder().policy(&new).state(site.path("another-state")).open().unwrap_err();
    assert_eq!(alone.reason(), error.reason());
    error.reason().to_owned()
}

fn misbehaving(misbehavior: &str) -> String {
    refusal(component(), |site| manifest(&site.vendor, 11, misbehavior))
}

#[test]
fn a_policy_that_traps_in_its_self_test_is_not_adopted() {
    assert_eq!(misbehaving("load-trap"), "policy-trapped");
    assert_eq!(misbehaving("verify-trap"), "policy-trapped");
}

#[test]
fn a_policy_that_loads_for_ever_is_not_adopted() {
    let site = Site::default();
    let placet = site.open();
    let new = site.put("new.wasm", site.vendor.policy_of(component(), &manifest(&site.vendor, 11, "load-loop")));
    let before = std::time::Instant::now();
    std::thread::scope(|scope| {
        let installing = scope.spawn(|| placet.install_policy(&new).unwrap_err().reason());
        // Whoever asks meanwhile is answered by the one before.
        while !installing.is_finished() {
            let asked = std::time::Instant::now();
            assert_eq!(placet.check("sso").decide().unwrap().reason, "missing");
            assert!(asked.elapsed() < std::time::Duration::from_secs(1));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(installing.join().unwrap(), "policy-deadline");
    });
    assert!(before.elapsed() < std::time::Duration::from_secs(30), "{:?}", before.elapsed());
    assert_eq!(placet.status().policy.sequence, 10);
}

#[test]
fn a_policy_that_verifies_wrongly_is_not_adopted() {
    assert_eq!(misbehaving("verify-nothing"), "policy-self-test");
    assert_eq!(misbehaving("verify-everything"), "policy-self-test");
    assert_eq!(misbehaving("active-without-license"), "policy-self-test");
}

#[test]
fn a_policy_whose_instances_disagree_is_not_adopted() {
    if std::thread::available_parallelism().unwrap().get() > 1 {
        assert_eq!(misbehaving("differ"), "policy-disagrees");
    }
}

#[test]
fn what_is_no_webassembly_within_is_refused() {
    let mut component = component().to_vec();
    // In the middle of the code, where only a compiler looks.
    let middle = component.len() / 2;
    component[middle..middle + 64].fill(0xff);
    assert_eq!(refusal(&component, |site| manifest(&site.vendor, 11, "")), "policy-invalid");
}
