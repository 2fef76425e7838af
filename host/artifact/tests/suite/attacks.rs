//! Every folder of `tests/attacks` is one attack: a file, and the reason for which it must be refused.
//!
//! `BLESS=1` writes the folders anew from the list below; what is compared otherwise is what lies there.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::sync::Once;

use placet_artifact::{Adopted, ContentHash, Floor, PolicyRoots, REASONS, verify};
use semver::Version;
use serde_json::{Value, json};

use crate::common::{ACME_ROOT, bless, directory};
use crate::forgeries::{Attack, attacks};

#[test]
fn every_attack_is_refused_for_its_reason() {
    bless_once();
    for attack in attacks() {
        let folder = directory("attacks").join(attack.name);
        let file = fs::read(folder.join("policy.wasm")).unwrap();
        let expected: Value = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let roots = fs::read_to_string(folder.join("roots.pem")).unwrap_or_else(|_| ACME_ROOT.to_owned());
        assert_eq!(judge(file, &roots, &attack), expected, "{}", attack.name);
        assert_eq!(expected["reason"], attack.reason, "{}", attack.name);
    }
}

#[test]
fn every_folder_is_an_attack_that_is_tried() {
    bless_once();
    let tried: BTreeSet<_> = attacks().iter().map(|attack| attack.name.to_owned()).collect();
    let folders = fs::read_dir(directory("attacks")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(tried, folders);
}

#[test]
fn every_reason_of_a_policy_file_has_an_attack() {
    // These need no forged file: they refuse what a vendor or an integrator hands in, or a size that is not stored.
    let elsewhere = ["key-malformed", "policy-too-large", "root-duplicate", "root-malformed", "root-scope-malformed"];
    let attacked = attacks().into_iter().map(|attack| attack.reason).chain(elsewhere).collect::<BTreeSet<_>>();
    assert_eq!(attacked, REASONS.iter().map(|(reason, _)| *reason).collect());
    assert!(REASONS.is_sorted() && REASONS.len() == attacked.len());
}

/// What a host that has this floor says of the file.
fn judge(file: Vec<u8>, roots: &str, attack: &Attack) -> Value {
    let adopted = attack.adopted.map(|sequence| Adopted { sequence, hash: ContentHash::from_bytes([0; 32]) });
    let floor = Floor { minimum: attack.minimum, adopted, rollback: None };
    let (reason, error): (_, Box<dyn Error>) = match PolicyRoots::from_pem(roots) {
        Err(error) => (error.reason(), error.into()),
        Ok(roots) => match verify(file, &roots) {
            Err(error) => (error.reason(), error.into()),
            Ok(verified) => match verified.admit(&floor, &Version::new(0, 1, 0)) {
                Err(error) => (error.reason(), error.into()),
                Ok(_) => panic!("{} is admitted", attack.name),
            },
        },
    };
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        message = format!("{message}: {source}");
        cause = source.source();
    }
    let mut expected = json!({ "about": attack.about, "reason": reason, "error": message });
    if attack.minimum > 0 || attack.adopted.is_some() {
        expected["floor"] = json!({ "minimum": attack.minimum, "adopted": attack.adopted });
    }
    expected
}

/// The tests run side by side, and each of them reads the folders.
fn bless_once() {
    static WRITTEN: Once = Once::new();
    if bless() {
        WRITTEN.call_once(write_all);
    }
}

fn write_all() {
    let _ = fs::remove_dir_all(directory("attacks"));
    for attack in attacks() {
        let folder = directory("attacks").join(attack.name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("policy.wasm"), &attack.file).unwrap();
        if let Some(roots) = attack.roots {
            fs::write(folder.join("roots.pem"), roots).unwrap();
        }
        let expected = judge(attack.file.clone(), attack.roots.unwrap_or(ACME_ROOT), &attack);
        fs::write(folder.join("expected.json"), format!("{expected:#}\n")).unwrap();
    }
}
