//! The way back from an installed document, wherever a crash or a failure comes between.

use std::fs;
use std::path::Path;

use placet::{InstallError, Placet};
use placet_tests::rig::{Site, claims};
use serde_json::json;

const SECRET: [u8; 32] = *b"TEST-secret-of-32-bytes-exactly!";

/// Nothing was there; then the plan `first`, and `second` over it.
fn site() -> Site {
    let site = Site::known();
    let placet = site.open();
    ["first", "second"].iter().for_each(|plan| install(&site, &placet, "lic_1", plan).unwrap());
    site
}

fn install(site: &Site, placet: &Placet, id: &str, plan: &str) -> Result<(), InstallError> {
    let mut license = claims(id);
    license["plan"] = json!(plan);
    placet.install(site.vendor.license(&license).as_bytes(), None).map(drop)
}

/// What holds after a rollback: the plans; and of a rollback that there was none for.
fn rolled_back(placet: &Placet) -> Result<Vec<String>, InstallError> {
    placet.rollback_install().map(|status| status.licenses.iter().map(|license| license.plan.clone()).collect())
}

#[test]
fn a_change_that_a_crash_cut_can_be_taken_back_if_it_came_about_and_the_one_before_if_not() {
    const FILE: &str = "lic_1.json";
    const OTHER: &str = "lic_0.json";
    // Files as (folder, name, content): which content is that of a plan, empty, or no file.
    type File = (&'static str, &'static str, Option<&'static str>);
    let cases: [(&str, &[File], &[&str]); 6] = [
        ("before a rollback", &[("replacing", FILE, Some("second"))], &["first"]),
        ("behind it", &[("replacing", FILE, Some("second")), ("licenses", FILE, Some("first"))], &["second"]),
        (
            "before it is tidied up",
            &[
                ("replacing", FILE, Some("second")),
                ("licenses", FILE, Some("first")),
                ("replaced", FILE, Some("second")),
            ],
            &["second"],
        ),
        ("before another", &[("replacing", OTHER, Some(""))], &["first"]),
        ("behind another", &[("replacing", OTHER, Some("")), ("licenses", OTHER, Some("first"))], &["second"]),
        (
            "behind a removal",
            &[("replacing", FILE, Some("second")), ("licenses", FILE, None), ("replaced", FILE, Some(""))],
            &["second"],
        ),
    ];
    for (when, files, expected) in cases {
        for seals in [false, true] {
            let site = site();
            let state = site.path("state");
            let plans = [("first", "replaced"), ("second", "licenses")]
                .map(|(plan, folder)| (plan, fs::read(state.join(folder).join(FILE)).unwrap()));
            for (folder, name, content) in files {
                let path = state.join(folder).join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let of = |plan: &str| plans.iter().find(|one| one.0 == plan).map_or(vec![], |one| one.1.clone());
                match content {
                    // Of another license it does not matter which.
                    Some(plan) => fs::write(&path, of(plan)).unwrap(),
                    None => fs::remove_file(&path).unwrap(),
                }
            }
            let builder = site.builder();
            let placet = if seals { builder.storage_secret(SECRET) } else { builder }.open().unwrap();
            assert_eq!(rolled_back(&placet).unwrap(), expected, "{when}, sealed: {seals}");
            assert_eq!(fs::read_dir(state.join("replacing")).unwrap().count(), 0, "{when}");
        }
    }
}

#[test]
fn what_could_not_be_written_changes_neither_what_holds_nor_what_can_be_put_back() {
    let site = site();
    let state = site.path("state");
    let placet = site.open();
    for blocked in ["replacing/.lic_1.json.new", "licenses/.lic_1.json.new"] {
        let blocked = state.join(blocked);
        fs::create_dir_all(&blocked).unwrap();
        assert!(matches!(install(&site, &placet, "lic_1", "third"), Err(InstallError::State(_))), "{blocked:?}");
        assert!(matches!(rolled_back(&placet), Err(InstallError::State(_))), "{blocked:?}");
        assert_eq!(placet.status().licenses[0].plan, "second");
        fs::remove_dir(&blocked).unwrap();
        assert_eq!(rolled_back(&placet).unwrap(), ["first"], "{blocked:?}");
        assert_eq!(rolled_back(&placet).unwrap(), ["second"], "{blocked:?}");
    }
}

#[test]
fn what_could_not_be_loaded_changes_neither_and_is_told_as_refused() {
    let site = site();
    let state = site.path("state");
    let placet = site.open();
    let (counters, aside) = (state.join("counters.redb"), state.join("aside"));
    let holds = |path: &Path| fs::read(path.join("lic_1.json")).unwrap();
    let before = [holds(&state.join("licenses")), holds(&state.join("replaced"))];
    fs::rename(&counters, &aside).unwrap();
    placet.consume("tokens", 1).into_result().unwrap_err();
    assert!(matches!(install(&site, &placet, "lic_1", "third"), Err(InstallError::Failure(_))));
    assert!(matches!(rolled_back(&placet), Err(InstallError::Failure(_))));
    assert_eq!([holds(&state.join("licenses")), holds(&state.join("replaced"))], before);
    fs::rename(&aside, &counters).unwrap();
    assert_eq!(rolled_back(&placet).unwrap(), ["first"]);
}

#[test]
fn the_same_upload_held_in_memory_over_one_of_the_state_directory_replaces_nothing() {
    let site = site();
    let open = || site.builder().uploads(placet::Uploads::Memory).open().unwrap();
    let placet = open();
    install(&site, &placet, "lic_1", "second").unwrap();
    assert_eq!(rolled_back(&placet).unwrap(), ["first"]);
}
