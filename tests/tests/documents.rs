//! Licenses as operators lay them out, exchange, damage and lose them: end to end, on a real disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use placet::{FailMode, HolderStatus, OpenError, Placet, Vault};
use placet_tests::hostile;
use placet_tests::rig::{ISSUED, Site, Vendor, claims};
use serde_json::{Value, json};

#[test]
fn a_bad_new_file_never_displaces_the_good_one_even_across_restarts() {
    let site = Site::known();
    site.license(&graced("lic_1"));
    drop(site.open());
    let bad = [
        ("signature-invalid", changed(&site.vendor.license(&graced("lic_2")))),
        ("signature-invalid", Vendor::with_seeds(1, 9).license(&graced("lic_2"))),
        ("audience-mismatch", site.vendor.license(&with(graced("lic_2"), "aud", json!("acme/other")))),
        ("claim-invalid", site.vendor.license(&with(graced("lic_2"), "exp", json!("never")))),
        ("envelope-invalid", "rubbish".to_owned()),
        ("envelope-invalid", String::new()),
        ("file-too-large", " ".repeat((1 << 20) + 1)),
    ];
    for (reason, document) in bad {
        site.put("license.json", document);
        let placet = site.open();
        for status in [placet.status(), placet.reload().expect("reloads")] {
            assert!(status.usable, "{reason}: {status:#?}");
            assert_eq!((&*status.state, &*status.reason), ("grace", "validation-grace"), "{reason}");
            assert_eq!((&*status.documents[0].reason, status.documents[0].recovered), (reason, true));
            assert_eq!(status.licenses[0].id, "lic_1");
        }
        assert!(placet.check("sso").decide().expect("a decision").allowed);
    }
    site.license(&graced("lic_1"));
    let placet = site.open();
    assert_eq!((&*placet.status().state, placet.status().warnings.len()), ("active", 0));
}

#[test]
fn the_environment_says_where_things_are() {
    const INSIDE: &str = "PLACET_TEST_FROM_ENV";
    let site = Site::known();
    if std::env::var_os(INSIDE).is_some() {
        let placet = Placet::builder().root(site.vendor.policy_root()).from_env().open().expect("opens");
        assert!(placet.check("sso").decide().expect("a decision").allowed, "{:#?}", placet.status());
        return;
    }
    site.license(&claims("lic_1"));
    let token = fs::read_to_string(site.path("license.json")).expect("reads");
    let (license, token) =
        ([("PLACET_LICENSE", site.path("license.json").into_os_string())], [("PLACET_LICENSE_TOKEN", token.into())]);
    // A process of its own: the environment of this one belongs to all tests.
    for (name, given) in [("file", license), ("value", token)] {
        let mut again = std::process::Command::new(std::env::current_exe().expect("this test"));
        again.args(["--exact", "the_environment_says_where_things_are"]).env(INSIDE, "1");
        // An empty variable is not set.
        again.env("PLACET_LICENSE", "").env("PLACET_LICENSE_TOKEN", "");
        again.env_remove("PLACET_STORAGE_SECRET").env_remove("PLACET_STORAGE_SECRET_FILE");
        again.env("PLACET_POLICY", site.path("policy.wasm")).env("PLACET_STATE", site.path(name)).envs(given);
        let output = again.output().expect("runs");
        assert!(output.status.success(), "by {name}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(site.path(name).join("counters.redb").is_file(), "PLACET_STATE is not where the counters are");
    }
}

#[test]
fn a_file_that_is_gone_is_stood_in_for_and_without_a_grace_it_is_not() {
    let site = Site::known();
    for (id, grace, usable) in [("lic_1", true, true), ("lic_2", false, false)] {
        site.license(&if grace { graced(id) } else { claims(id) });
        let placet = site.open();
        assert_eq!(placet.status().state, "active");
        fs::remove_file(site.path("license.json")).expect("removes");
        let status = placet.reload().expect("reloads");
        assert_eq!((status.usable, &*status.documents[0].reason), (usable, "file-missing"), "{id}");
        drop(placet);
        assert_eq!(site.open().status().usable, usable, "{id}");
    }
}

#[test]
fn a_good_new_file_replaces_the_old_one_with_a_reload() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.open();
    assert!(placet.consume("tokens", 1000).decide().expect("a decision").allowed);
    site.license(&claims("lic_2"));
    assert!(!placet.consume("tokens", 1).decide().expect("a decision").allowed, "nothing was reloaded yet");
    assert_eq!(placet.reload().expect("reloads").licenses[0].id, "lic_2");
    assert!(placet.consume("tokens", 1).decide().expect("a decision").allowed);
    // The old one put back finds its old usage.
    site.license(&claims("lic_1"));
    placet.reload().expect("reloads");
    assert_eq!(placet.consume("tokens", 1).into_result().expect_err("used up").reason(), "limit-exceeded");
}

#[test]
fn a_changed_file_is_noticed_without_a_reload() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.builder().recheck_interval(Duration::from_secs(1)).open().expect("opens");
    site.license(&with(claims("lic_2"), "features", json!({"audit": true})));
    let noticed = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        placet.check("audit").decide().expect("a decision").allowed
    });
    assert!(noticed, "{:#?}", placet.status());
}

#[test]
fn a_kubernetes_mount_is_followed_through_its_swap() {
    let site = Site::known();
    let mount = site.path("mount");
    let swap = |version: &str, license: &Value| {
        site.put(&format!("mount/..{version}/license.json"), site.vendor.license(license));
        symlink(format!("..{version}"), mount.join("..data_tmp")).expect("links");
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).expect("swaps");
    };
    swap("2026_07_01", &claims("lic_1"));
    symlink("..data/license.json", mount.join("license.json")).expect("links");
    let ids = |placet: &Placet| {
        let status = placet.reload().expect("reloads");
        status.licenses.iter().map(|license| license.id.clone()).collect::<Vec<_>>()
    };
    let directory = site.builder().licenses(&mount).open().expect("opens");
    assert_eq!(ids(&directory), ["lic_1"]);
    swap("2026_07_02", &claims("lic_2"));
    assert_eq!(ids(&directory), ["lic_2"]);
    drop(directory);
    let file = site.builder().licenses(mount.join("license.json")).open().expect("opens");
    assert_eq!(ids(&file), ["lic_2"]);
    swap("2026_07_03", &claims("lic_3"));
    assert_eq!(ids(&file), ["lic_3"]);
}

#[test]
fn what_is_installed_holds_across_restarts_and_what_is_removed_ends_at_once() {
    let site = Site::known();
    let placet = site.open();
    assert_eq!((&*placet.status().state, placet.status().usable), ("missing", false));
    let document = site.vendor.license(&graced("lic_1"));
    assert!(placet.install(document.as_bytes(), None).expect("installs").usable);
    assert!(placet.consume("tokens", 7).decide().expect("a decision").allowed);
    drop(placet);
    let placet = site.open();
    assert!(placet.check("sso").decide().expect("a decision").allowed);
    let status = placet.remove("lic_1").expect("removes");
    assert_eq!((status.usable, &*status.state), (false, "missing"), "no copy stands in, though it grants a grace");
    assert_eq!(placet.remove("lic_1").expect_err("it is gone").reason(), "not-installed");
    drop(placet);
    let placet = site.open();
    assert_eq!(placet.status().state, "missing");
    placet.install(document.as_bytes(), Some("again.json")).expect("installs");
    assert_eq!(used(&placet, "tokens"), 7, "and what was used stays used");
}

#[test]
fn what_is_not_accepted_is_not_installed_and_changes_nothing() {
    let site = Site::known();
    let placet = site.open();
    placet.install(site.vendor.license(&claims("lic_1")).as_bytes(), Some("license-1.json")).expect("installs");
    let refused = |document: &[u8], name| placet.install(document, name).expect_err("it is bad").reason().to_owned();
    let good = site.vendor.license(&claims("lic_2"));
    let undated = with(claims("lic_2"), "exp", json!(-5));
    assert_eq!(refused(changed(&good).as_bytes(), None), "signature-invalid");
    assert_eq!(refused(changed(&good).as_bytes(), Some("license-1.json")), "signature-invalid");
    assert_eq!(refused(b"{}", None), "envelope-invalid");
    assert_eq!(refused(&vec![b' '; (1 << 20) + 1], None), "too-large");
    assert_eq!(refused(site.vendor.license(&undated).as_bytes(), None), "claim-invalid");
    for name in ["../escape.json", "a/b", "", ".hidden", "nul\0"] {
        assert_eq!(refused(good.as_bytes(), Some(name)), "document-name", "{name:?}");
    }
    let status = placet.reload().expect("reloads");
    assert_eq!((&*status.state, status.documents.len(), &*status.licenses[0].id), ("active", 1, "lic_1"));
    assert_eq!(fs::read_dir(site.path("state/licenses")).expect("the folder").count(), 1);
}

#[test]
fn a_mounted_license_is_not_removed_and_an_installed_one_of_its_name_lies_beside_it() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.open();
    assert_eq!(placet.remove("license.json").expect_err("it is mounted").reason(), "document-mounted");
    let status =
        placet.install(site.vendor.license(&claims("lic_2")).as_bytes(), Some("license.json")).expect("installs");
    assert_eq!(status.licenses.iter().map(|license| &*license.id).collect::<Vec<_>>(), ["lic_1", "lic_2"]);
    assert_eq!(status.limits.iter().find(|limit| limit.name == "tokens").expect("the limit").max, Some(2000));
    assert_eq!(placet.remove("lic_2").expect("removes").licenses.len(), 1);
}

#[test]
fn a_license_may_be_given_by_value_or_as_a_directory() {
    let site = Site::known();
    let token = site.vendor.license(&claims("lic_token"));
    let placet = site.builder().license_token(&token).open().expect("opens");
    assert!(placet.check("sso").decide().expect("a decision").allowed);
    assert!(!format!("{:?}", site.builder().license_token(&token)).contains(&token), "a token is not for logs");
    drop(placet);
    site.put("directory/a.json", site.vendor.license(&claims("lic_a")));
    site.put("directory/b.json", site.vendor.license(&claims("lic_b")));
    site.put("directory/bad.json", "rubbish");
    let placet = site.builder().licenses(site.path("directory")).open().expect("opens");
    let status = placet.status();
    let adopted: Vec<_> = status.documents.iter().map(|document| (&*document.name, document.adopted)).collect();
    assert_eq!(adopted[..3], [("a.json", true), ("b.json", true), ("bad.json", false)]);
    assert!(status.usable);
}

#[test]
fn every_byte_of_a_license_counts() {
    let site = Site::known();
    let placet = site.open();
    let document = site.vendor.license(&claims("lic_1"));
    for index in 0..document.len() {
        let mut bytes = document.clone().into_bytes();
        bytes[index] ^= 1;
        let status = placet.inspect(&bytes, None).expect("an answer");
        assert!(!status.usable, "byte {index} was changed, and it holds");
        assert_eq!(status.licenses.len(), 0);
    }
    assert!(placet.inspect(document.as_bytes(), None).expect("an answer").usable);
}

#[test]
fn require_usable_refuses_to_open_and_leaves_the_state_to_others() {
    let site = Site::known();
    let refused = site.builder().require_usable().open().expect_err("there is no license");
    assert_eq!(refused.reason(), "missing");
    site.license(&with(claims("lic_1"), "exp", json!(ISSUED + 1)));
    let refused = site.builder().require_usable().open().expect_err("it has expired");
    let OpenError::NotUsable(status) = &refused else { panic!("{refused}") };
    assert_eq!((&*status.state, refused.reason()), ("expired", "expired"));
    site.license(&claims("lic_2"));
    assert!(site.builder().require_usable().open().expect("opens").status().usable);
}

#[test]
fn without_a_license_everything_is_denied_with_the_reason() {
    let site = Site::known();
    let placet = site.open();
    assert_eq!(placet.check("sso").into_result().expect_err("denied").reason(), "missing");
    assert_eq!(placet.consume("tokens", 1).into_result().expect_err("denied").reason(), "missing");
    assert_eq!(placet.preview("tokens", 1).into_result().expect_err("denied").reason(), "missing");
    assert_eq!(placet.measure("objects", 1).into_result().expect_err("denied").reason(), "missing");
}

#[test]
fn a_subscriber_may_ask_and_change_by_itself() {
    let site = Site::known();
    let placet = site.open();
    let seen = Arc::new(Mutex::new(Vec::new()));
    placet.subscribe({
        let (placet, seen) = (placet.clone(), seen.clone());
        move |event| {
            if event.name == "license.state_changed" {
                placet.subscribe(|_| {});
                let state = placet.reload().expect("nobody else is changing it").state.clone();
                seen.lock().expect("no subscriber panicked").push(state);
            }
        }
    });
    placet.install(site.vendor.license(&claims("lic_1")).as_bytes(), None).expect("installs");
    assert_eq!(*seen.lock().expect("no subscriber panicked"), ["active"]);
}

#[test]
fn a_second_opening_is_refused_and_names_the_directory() {
    let site = Site::known();
    let placet = site.open();
    let refused = site.builder().open().expect_err("the state is held");
    assert_eq!(refused.reason(), "locked");
    assert!(refused.to_string().contains(&*site.path("state").to_string_lossy()), "{refused}");
    // A clone holds it as well as the first.
    let clone = placet.clone();
    drop(placet);
    assert!(site.builder().open().is_err());
    drop(clone);
    site.open();
}

#[test]
fn who_holds_the_state_tells_others_how_it_stands_for_as_long_as_it_does() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.open();
    assert!(placet.consume("tokens", 7).decide().expect("a decision").allowed);
    let told = || HolderStatus::read(site.path("state"), &Vault::default());
    let told_at_last = |used| {
        (0..100).any(|_| {
            thread::sleep(Duration::from_millis(100));
            told().is_ok_and(|told| {
                told.pid == std::process::id() && told.status.usage.iter().any(|usage| usage.used == used)
            })
        })
    };
    assert!(told_at_last(7));
    assert_eq!(told().expect("it is told").status.counters, placet.status().counters);
    assert!(placet.consume("tokens", 5).decide().expect("a decision").allowed);
    assert!(told_at_last(12), "it is told again and again");
    let text = fs::read_to_string(site.path("state/status.json")).expect("reads");
    assert!(!text.contains(&site.vendor.license(&claims("lic_1"))[..20]), "a token stands in it");
    let json: serde_json::Value = serde_json::from_str(&text).expect("is JSON, for whoever else looks");
    assert_eq!(json["pid"], std::process::id());
    drop(placet);
    assert_eq!(told().expect_err("nobody tells").reason(), "state-io");
    for rubbish in ["", "{}", "[1", &"x".repeat(1 << 20)] {
        site.put("state/status.json", rubbish);
        assert_eq!(told().expect_err("rubbish").reason(), "holder-unreadable");
    }
}

#[test]
fn whoever_waits_opens_when_the_other_ends() {
    let site = Site::known();
    let placet = site.open();
    let wait = |time| site.builder().wait(time).open();
    assert_eq!(wait(Duration::from_millis(200)).expect_err("it is held").reason(), "locked");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(Duration::from_secs(60)).is_ok());
        thread::sleep(Duration::from_millis(200));
        drop(placet);
        assert!(waiting.join().expect("no panic"));
    });
}

#[test]
fn where_no_decision_can_be_made_the_fail_mode_says_what_the_product_gets() {
    for mode in [FailMode::Closed, FailMode::Error] {
        let site = Site::known();
        let manifest = hostile::manifest(&site.vendor, 11, "");
        site.put("policy.wasm", site.vendor.policy_of(hostile::component(), &manifest));
        let placet = site.builder().fail_mode(mode).open().expect("opens");
        let answer = || placet.check("unreachable").decide();
        match mode {
            FailMode::Closed => {
                let decision = answer().expect("a denial stands for the failure");
                assert_eq!(
                    (decision.allowed, &*decision.reason, &*decision.subject),
                    (false, "policy-trapped", "unreachable")
                );
            }
            FailMode::Error => assert_eq!(answer().expect_err("the failure itself").reason(), "policy-trapped"),
        }
        // Either way it is a no to whoever wants a yes.
        assert_eq!(placet.check("unreachable").into_result().expect_err("no yes").reason(), "policy-trapped");
    }
}

#[test]
fn of_more_documents_than_are_read_it_is_told_that_some_were_left_out() {
    let site = Site::known();
    for number in 0..=256 {
        site.put(&format!("many/{number:03}.json"), "rubbish");
    }
    let open = || site.builder().licenses(site.path("many")).open().expect("opens");
    let warned = open().status().warnings.iter().any(|one| one.text.contains("the first 256 by name"));
    let told = serde_json::to_string(&open().audit_lines(None, 1_000).expect("reads")).expect("serializes");
    assert!(warned && told.contains(r#""reason":"too-many""#), "{told}");
}

/// Claims of a license whose copy may stand in for a long time.
fn graced(id: &str) -> Value {
    with(claims(id), "grace", json!({"validation": "72h"}))
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// One character in the middle becomes another one.
fn changed(document: &str) -> String {
    let middle = document.len() / 2;
    let other = if document.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let mut changed = document.to_owned();
    changed.replace_range(middle..=middle, other);
    changed
}

fn used(placet: &Placet, limit: &str) -> u64 {
    let usage = placet.usage(None).expect("the usage");
    usage.into_iter().find(|usage| usage.limit == limit).expect("the limit").used
}
