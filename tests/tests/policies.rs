//! Which policy runs: newer ones, older ones, rolled back ones, broken ones; and the native code that is kept of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use placet::artifact::Manifest;
use placet::{Placet, Status};
use placet_tests::rig::{Site, Vendor, claims, component};
use serde_json::{Value, json};

/// A signed policy of this sequence, as a file.
fn policy(site: &Site, sequence: u64) -> PathBuf {
    site.put(&format!("policy-{sequence}.wasm"), site.vendor.policy(sequence))
}

/// The same with changes to its manifest.
fn changed(site: &Site, sequence: u64, change: impl FnOnce(&mut Value)) -> PathBuf {
    let mut manifest = serde_json::to_value(site.vendor.manifest(sequence)).unwrap();
    change(&mut manifest);
    let manifest = Manifest::from_json(&manifest.to_string()).unwrap();
    site.put(&format!("changed-{sequence}.wasm"), site.vendor.policy_of(component(), &manifest))
}

fn warns(status: &Status, reason: &str) -> bool {
    status.warnings.iter().any(|warning| warning.reason == reason)
}

fn refused(placet: &Placet, path: &Path) -> &'static str {
    let before = placet.status().policy;
    let reason = placet.install_policy(path).unwrap_err().reason();
    assert_eq!(placet.status().policy, before);
    reason
}

fn runs(placet: &Placet) -> u64 {
    placet.status().policy.sequence
}

#[test]
fn an_opening_that_is_refused_for_want_of_a_license_adopts_no_policy() {
    let site = Site::default();
    let shipped = runs(&site.open());
    let newer = policy(&site, shipped + 2);
    let refused = site.builder().policy(&newer).require_usable().open().expect_err("there is no license");
    assert_eq!(refused.reason(), "missing");
    // The floor is where it was, and the policy is not kept.
    assert_eq!(runs(&site.builder().policy(policy(&site, shipped + 1)).open().unwrap()), shipped + 1);
    site.license(&claims("lic_1"));
    assert_eq!(runs(&site.builder().policy(newer).require_usable().open().unwrap()), shipped + 2);
}

#[test]
fn a_newer_policy_replaces_an_older_one_and_never_the_other_way() {
    let site = Site::default();
    site.license(&claims("lic_1"));
    let placet = site.open();
    placet.install_policy(policy(&site, 11)).unwrap();
    assert_eq!(runs(&placet), 11);
    assert_eq!(refused(&placet, &policy(&site, 10)), "policy-older");
    let other = changed(&site, 11, |manifest| manifest["version"] = json!("1.11.1"));
    assert_eq!(refused(&placet, &other), "policy-same-sequence-other-bytes");
    placet.install_policy(policy(&site, 11)).unwrap();
    drop(placet);

    // The product still ships the older one, and the installed one runs.
    let placet = site.open();
    assert_eq!(runs(&placet), 11);
    assert!(placet.check("sso").decide().unwrap().allowed);
    drop(placet);
    // Nor does another state of mind of the product change that.
    assert_eq!(runs(&site.builder().policy(policy(&site, 12)).open().unwrap()), 12);
    assert_eq!(runs(&site.open()), 12);
}

#[test]
fn deleting_the_newer_policy_does_not_bring_the_older_one_back() {
    let site = Site::default();
    let placet = site.open();
    placet.install_policy(policy(&site, 11)).unwrap();
    drop(placet);
    fs::remove_dir_all(site.path("state/policies")).unwrap();
    assert_eq!(site.builder().open().unwrap_err().reason(), "policy-older");
}

#[test]
fn a_key_is_rotated_by_a_policy() {
    let site = Site::default();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let new = Vendor::with_seeds(1, 3);
    let with = |use_old: bool| {
        let mut manifest = serde_json::to_value(new.manifest(if use_old { 11 } else { 12 })).unwrap();
        manifest["trust"][0]["kid"] = json!("TEST-2");
        manifest["trust"][0]["jwk"]["kid"] = json!("TEST-2");
        if use_old {
            let old = serde_json::to_value(site.vendor.manifest(11)).unwrap()["trust"][0].clone();
            manifest["trust"].as_array_mut().unwrap().push(old);
        }
        let manifest = Manifest::from_json(&manifest.to_string()).unwrap();
        site.put("rotated.wasm", site.vendor.policy_of(component(), &manifest))
    };
    placet.install_policy(with(true)).unwrap();
    assert!(placet.check("sso").decide().unwrap().allowed, "the old key still counts");
    placet.install_policy(with(false)).unwrap();
    let denied = placet.check("sso").decide().unwrap();
    assert!(!denied.allowed, "{denied:?}");
    assert_eq!(placet.status().documents[0].reason, "key-unknown");
}

#[test]
fn an_operator_can_go_back_and_is_reminded_of_it() {
    let site = Site::default();
    site.license(&claims("lic_1"));
    let placet = site.open();
    placet.install_policy(policy(&site, 11)).unwrap();
    placet.install_policy(policy(&site, 12)).unwrap();

    let info = placet.rollback_policy(policy(&site, 11)).unwrap();
    assert!(info.rolled_back);
    assert_eq!(runs(&placet), 11);
    assert!(warns(&placet.status(), "policy-rolled-back"));
    assert!(placet.check("sso").decide().unwrap().allowed);
    // The floor stays where it is: this one file was let through, and no other.
    assert_eq!(refused(&placet, &policy(&site, 10)), "policy-older");
    let other = changed(&site, 11, |manifest| manifest["version"] = json!("1.11.1"));
    assert_eq!(refused(&placet, &other), "policy-older");
    drop(placet);

    let placet = site.open();
    assert_eq!(runs(&placet), 11, "a rollback outlives a restart");
    assert!(warns(&placet.status(), "policy-rolled-back"));

    placet.install_policy(policy(&site, 13)).unwrap();
    assert!(!warns(&placet.status(), "policy-rolled-back"));
    assert_eq!(refused(&placet, &policy(&site, 11)), "policy-older");
    drop(placet);
    let placet = site.open();
    assert_eq!(runs(&placet), 13);
    assert!(!warns(&placet.status(), "policy-rolled-back"));
}

#[test]
fn a_rollback_ends_with_the_policy_that_was_gone_back_from() {
    let site = Site::default();
    let placet = site.open();
    placet.install_policy(policy(&site, 11)).unwrap();
    placet.rollback_policy(policy(&site, 10)).unwrap();
    placet.install_policy(policy(&site, 11)).unwrap();
    assert!(!warns(&placet.status(), "policy-rolled-back"));
    drop(placet);
    assert_eq!(runs(&site.open()), 11);
}

#[test]
fn no_rollback_goes_below_what_the_product_or_a_license_demands() {
    let site = Site::default();
    let mut license = claims("lic_1");
    license["min_policy"] = json!(12);
    site.license(&license);
    let placet = site.builder().minimum_sequence(9).open().unwrap();
    for sequence in 11..=13 {
        placet.install_policy(policy(&site, sequence)).unwrap();
    }
    let status = placet.status();
    let details = &status.licenses[0].details;
    assert!(details.iter().any(|detail| detail.name == "min_policy" && detail.value == "12"), "{details:?}");
    let back = |sequence| placet.rollback_policy(policy(&site, sequence)).map_err(|error| error.reason());
    assert_eq!(back(11).unwrap_err(), "policy-below-minimum");
    assert_eq!(runs(&placet), 13);
    assert_eq!(back(12).unwrap().sequence, 12);

    // Without that license, down to what is compiled in.
    fs::remove_file(site.path("license.json")).unwrap();
    placet.reload().unwrap();
    placet.remove("license.json").unwrap();
    assert_eq!(back(8).unwrap_err(), "policy-below-minimum");
    assert_eq!(back(9).unwrap().sequence, 9);
    drop(placet);
    assert_eq!(
        site.builder().policy(policy(&site, 9)).minimum_sequence(14).open().unwrap_err().reason(),
        "policy-below-minimum"
    );
}

#[test]
fn a_shipped_file_that_is_corrupt_does_not_stop_what_is_installed() {
    let site = Site::default();
    site.license(&claims("lic_1"));
    let placet = site.open();
    placet.install_policy(policy(&site, 11)).unwrap();
    drop(placet);
    let mut corrupt = site.vendor.policy(12);
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 1;
    site.put("policy.wasm", &corrupt);
    let placet = site.open();
    assert_eq!(runs(&placet), 11);
    assert!(warns(&placet.status(), "signature-other-content"), "{:?}", placet.status().warnings);
    assert!(placet.check("sso").decide().unwrap().allowed);
    drop(placet);
    fs::remove_file(site.path("policy.wasm")).unwrap();
    assert_eq!(runs(&site.open()), 11);
    // Nothing at all is left to run.
    fs::remove_dir_all(site.path("state")).unwrap();
    site.put("policy.wasm", &corrupt);
    assert_eq!(site.builder().open().unwrap_err().reason(), "signature-other-content");
}

#[test]
fn an_installed_file_that_is_corrupt_is_left_out() {
    let site = Site::default();
    let placet = site.open();
    placet.install_policy(policy(&site, 11)).unwrap();
    let (kept, _) = placet.policies().unwrap().pop().unwrap();
    drop(placet);
    let mut bytes = fs::read(&kept).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&kept, bytes).unwrap();
    // The damage is the cause to mend; that the file beside it is older follows from it.
    assert_eq!(site.builder().open().unwrap_err().reason(), "signature-other-content");
    // The vendor's file mends it.
    let placet = site.builder().policy(policy(&site, 11)).open().unwrap();
    assert_eq!(runs(&placet), 11);
}

#[test]
fn what_is_for_someone_or_something_else_is_refused() {
    let site = Site::default();
    let placet = site.open();
    let other_name = changed(&site, 11, |manifest| manifest["name"] = json!("acme/switch"));
    assert_eq!(refused(&placet, &other_name), "policy-other-name");
    let too_new = changed(&site, 11, |manifest| manifest["minimum-host"] = json!("99.0.0"));
    assert_eq!(refused(&placet, &too_new), "host-too-old");
    let undeclared = changed(&site, 11, |manifest| {
        manifest["imports"].as_array_mut().unwrap().retain(|name| !name.as_str().unwrap().contains("files"));
    });
    assert_eq!(refused(&placet, &undeclared), "policy-imports");
    let stranger = Vendor::with_seeds(7, 2);
    let forged = site.put("forged.wasm", stranger.policy(11));
    assert_eq!(refused(&placet, &forged), "key-unknown");
    let unsigned = site.put("unsigned.wasm", component());
    assert_eq!(refused(&placet, &unsigned), "signature-missing");
    assert_eq!(refused(&placet, &site.path("nothing.wasm")), "not-found");
    assert_eq!(refused(&placet, site.path("").as_path()), "not-a-file");
    placet.install_policy(policy(&site, 11)).unwrap();
}

#[test]
fn roots_are_needed_and_a_development_root_is_told() {
    let site = Site::default();
    assert_eq!(
        Placet::builder().policy(site.path("policy.wasm")).state(site.path("state")).open().unwrap_err().reason(),
        "root-missing"
    );
    assert!(!site.path("state").exists());
    let placet = site.builder().development_root().open().unwrap();
    assert!(warns(&placet.status(), "development-root"));
    drop(placet);
    assert!(!warns(&site.open().status(), "development-root"));
    let other = Placet::builder().root(Vendor::with_seeds(9, 2).policy_root());
    let refused = other.policy(site.path("policy.wasm")).state(site.path("other")).open().unwrap_err();
    assert_eq!(refused.reason(), "key-unknown");
    let no_state = Placet::builder().root(site.vendor.policy_root()).policy(site.path("policy.wasm")).open();
    assert_eq!(no_state.unwrap_err().reason(), "state-missing");
    let no_policy = Placet::builder().root(site.vendor.policy_root()).state(site.path("third")).open();
    assert_eq!(no_policy.unwrap_err().reason(), "policy-missing");
}

#[test]
fn a_state_directory_has_one_user_at_a_time() {
    let site = Site::default();
    let placet = site.open();
    let error = site.builder().open().unwrap_err();
    assert_eq!(error.reason(), "locked");
    assert!(error.to_string().contains(&*site.path("state").to_string_lossy()), "{error}");
    let clone = placet.clone();
    drop(placet);
    assert_eq!(site.builder().open().unwrap_err().reason(), "locked", "a clone still has it");
    drop(clone);
    site.open();
}

#[test]
fn a_policy_alone_verifies_documents_without_state() {
    let site = Site::default();
    let verifier =
        Placet::builder().root(site.vendor.policy_root()).policy(site.path("policy.wasm")).verifier().unwrap();
    let license = verifier.verify(site.vendor.license(&claims("lic_1")).as_bytes()).unwrap();
    assert_eq!((&*license.id, &*license.organization, &*license.state), ("lic_1", "Globex GmbH", "active"));
    let forged = Vendor::with_seeds(1, 5).license(&claims("lic_1"));
    assert_eq!(verifier.verify(forged.as_bytes()).unwrap_err().reason(), "signature-invalid");
    assert!(!site.path("state").exists());
}

/// The one file of native code.
fn code(site: &Site) -> PathBuf {
    let files: Vec<_> = fs::read_dir(site.path("state/code")).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    file.clone()
}

/// Opens it, and tells whether the native code was used as it was: otherwise it is written anew.
fn used(site: &Site) -> bool {
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = fs::File::open(code(site)).unwrap();
    let before = std::os::unix::fs::MetadataExt::ino(&before.metadata().unwrap());
    let placet = site.open();
    assert_eq!(runs(&placet), 10);
    before == inode(&code(site))
}

#[test]
fn native_code_is_used_again_and_only_where_nobody_else_could_have_written_it() {
    let site = Site::default();
    drop(site.open());
    assert_eq!(fs::metadata(code(&site)).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(used(&site));
    for path in [code(&site), site.path("state/code"), site.path("state")] {
        for mode in [0o020, 0o002] {
            let right = fs::metadata(&path).unwrap().permissions().mode();
            fs::set_permissions(&path, Permissions::from_mode(right | mode)).unwrap();
            assert!(!used(&site), "{} with {mode:o}", path.display());
            fs::set_permissions(&path, Permissions::from_mode(right)).unwrap();
            assert!(used(&site));
        }
    }
    // A link to code of one's own is none of it.
    let file = code(&site);
    fs::rename(&file, site.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(site.path("elsewhere"), &file).unwrap();
    drop(site.open());
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
}

#[test]
fn native_code_that_is_damaged_is_made_anew() {
    let site = Site::default();
    drop(site.open());
    let right = fs::read(code(&site)).unwrap();
    let mut flipped = right.clone();
    flipped[right.len() / 2] ^= 1;
    for wrong in [&flipped[..], &right[..right.len() / 2], &right[..10], b"", &[&right[..], b"x"].concat()] {
        fs::write(code(&site), wrong).unwrap();
        assert!(!used(&site), "{} bytes", wrong.len());
        assert!(fs::read(code(&site)).unwrap() == right, "the same code is made again");
        assert!(used(&site));
    }
}
