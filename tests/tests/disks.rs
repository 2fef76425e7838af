//! Disks that are full, read-only or broken: no decision is made up, and nothing is counted where it would be lost.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use placet::{FailMode, Placet, Vault, probe_state, verify_audit};
use placet_tests::rig::{Site, claims};

/// A small file system in memory, for the state directory of a site.
struct Mount(PathBuf);

impl Mount {
    /// None where this process may not mount, which is said; on the project's own machines it must be able to.
    fn new(path: PathBuf) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        if mount(&["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"], &path) {
            return Some(Self(path));
        }
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "cannot mount, and in CI this test must run");
        eprintln!("not tested: this user may not mount a file system");
        None
    }

    fn set(&self, option: &str) {
        assert!(mount(&["-o", &format!("remount,{option}")], &self.0));
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let file = fs::File::create(self.0.join("filler")).unwrap();
        let mut at = 0;
        for size in [1 << 20, 4_096, 1] {
            let chunk = vec![1_u8; size];
            while let Ok(()) = file.write_all_at(&chunk, at) {
                at += size as u64;
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.0).status().unwrap();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    Command::new("mount").args(arguments).arg(path).output().is_ok_and(|output| output.status.success())
}

fn used(placet: &Placet) -> u64 {
    placet.usage(None).unwrap().iter().find(|usage| usage.limit == "tokens").unwrap().used
}

/// Consumes until it is refused. Answers how much was acknowledged, and why no more.
fn consume_until_refused(placet: &Placet) -> (u64, String) {
    for count in 0..100_000 {
        let decision = placet.consume("tokens", 1).once(format!("{count}-{}", "k".repeat(200))).decide().unwrap();
        if !decision.allowed {
            assert_eq!(decision.subject, "tokens");
            return (count, decision.reason);
        }
    }
    panic!("never refused");
}

fn site() -> Site {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"]["tokens"]["max"] = 1_000_000.into();
    site.license(&license);
    site
}

#[test]
fn a_full_disk_denies_and_counts_nothing_until_there_is_room() {
    let site = site();
    let Some(mount) = Mount::new(site.path("state")) else { return };
    let placet = site.open();
    assert!(placet.consume("tokens", 5).decide().unwrap().allowed);
    let failed = Arc::new(Mutex::new(Vec::new()));
    placet.subscribe({
        let failed = failed.clone();
        move |event| {
            if event.name == "store.failed" {
                failed.lock().unwrap().push((event.subject.clone(), event.reason.clone()));
            }
        }
    });
    mount.fill();
    let (acknowledged, reason) = consume_until_refused(&placet);
    assert_eq!(reason, "counters-disk-full");
    assert_eq!(used(&placet), 5 + acknowledged, "what was refused does not count");
    assert_eq!(probe_state(&mount.0).unwrap_err().reason(), "state-disk-full");
    // What needs no counter is decided all the same, and the status says what is wrong with nothing worse.
    assert!(placet.check("sso").decide().unwrap().allowed);
    assert!(placet.status().usable);
    assert_eq!(
        placet.install(site.vendor.license(&claims("lic_2")).as_bytes(), None).unwrap_err().reason(),
        "state-disk-full"
    );
    assert!(placet.status().licenses.iter().all(|license| license.id == "lic_1"));
    // A license that was mounted anew holds, and that no copy of it can be kept is told.
    let mut license = claims("lic_1");
    license["plan"] = "basic".into();
    license["limits"]["tokens"]["max"] = 1_000_000.into();
    site.license(&license);
    assert!(placet.reload().unwrap().usable);
    assert_eq!(*failed.lock().unwrap(), [("license.json".to_owned(), "disk-full".to_owned())]);
    mount.free();
    probe_state(&mount.0).unwrap();
    assert!(placet.consume("tokens", 7).decide().unwrap().allowed, "there is room, and no restart was needed");
    drop(placet);
    assert_eq!(used(&site.open()), 12 + acknowledged);
}

#[test]
fn an_audit_log_on_a_full_disk_goes_on_whole_and_says_what_is_missing() {
    let site = site();
    let Some(mount) = Mount::new(site.path("state")) else { return };
    let placet = site.open();
    mount.fill();
    // Longer than what is left of the last block: a part of it may be written.
    let reload = |name: String| {
        placet.install(format!("{name}{}", "x".repeat(2_000)).as_bytes(), Some(&name)).unwrap_err();
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    (0..200).for_each(|number| reload(format!("full-{number}.json")));
    mount.free();
    reload("free.json".to_owned());
    drop(placet);
    let text = fs::read_to_string(site.path("state/audit/00000000000000000001.jsonl")).unwrap();
    let summary = verify_audit([("the only file", text.as_bytes())], &Vault::default()).unwrap();
    assert!(summary.lost > 0 && text.contains("free.json"), "{summary:?}\n{text}");
    let told = text.matches("full-").count() as u64;
    assert!(told < 200 && told + summary.lost >= 200, "{told} told, {summary:?}");
    drop(site.open());
}

#[test]
fn a_disk_that_is_full_at_the_start_is_told() {
    let site = site();
    let Some(mount) = Mount::new(site.path("state")) else { return };
    mount.fill();
    let error = site.builder().open().unwrap_err();
    assert!(["disk-full", "state-disk-full"].contains(&error.reason()), "{error:?}");
    mount.free();
    assert!(site.open().consume("tokens", 1).decide().unwrap().allowed);
}

#[test]
fn a_disk_that_is_read_only_at_the_opening_is_told() {
    let site = site();
    let Some(mount) = Mount::new(site.path("state")) else { return };
    drop(site.open());
    mount.set("ro");
    assert_eq!(site.builder().open().unwrap_err().reason(), "read-only");
    mount.set("rw");
    let placet = site.builder().fail_mode(FailMode::Error).open().unwrap();
    assert!(placet.consume("tokens", 1).decide().unwrap().allowed);
    assert_eq!(used(&placet), 1);
}

#[test]
fn a_directory_that_may_not_be_written_is_told() {
    // Root may write everywhere: a file in the way stands for what a right would forbid.
    let site = site();
    fs::create_dir_all(site.path("state")).unwrap();
    site.put("state/policies", "in the way");
    let error = site.builder().open().unwrap_err();
    assert_eq!(error.reason(), "state-io");
    fs::remove_file(site.path("state/policies")).unwrap();
    site.put("file", "in the way");
    assert_eq!(site.builder().state(site.path("file")).open().unwrap_err().reason(), "state-io");
    assert_eq!(site.builder().state(site.path("file/below")).open().unwrap_err().reason(), "state-io");
    site.open();
}

#[test]
fn damaged_counters_are_told_and_not_begun_anew() {
    let site = site();
    let placet = site.open();
    assert!(placet.consume("tokens", 5).decide().unwrap().allowed);
    drop(placet);
    let path = site.path("state/counters.redb");
    let right = fs::read(&path).unwrap();
    let mut wrong = right.clone();
    wrong.fill(0x5a);
    let cases: [(&str, &[u8]); 4] =
        [("overwritten", &wrong), ("cut", &right[..right.len() / 2]), ("empty", b""), ("another file", b"#!/bin/sh\n")];
    for (what, content) in cases {
        fs::write(&path, content).unwrap();
        let error = site.builder().open().unwrap_err();
        assert_eq!(error.reason(), "damaged", "{what}");
        assert!(error.to_string().contains("counters.redb"), "{error}");
        assert!(fs::read(&path).unwrap() == content, "{what}: the file is left for whoever mends it");
    }
    fs::write(&path, &right).unwrap();
    assert_eq!(used(&site.open()), 5);
}

#[test]
fn counters_that_were_cut_under_a_running_product_are_told_at_the_next_start() {
    let site = site();
    let placet = site.open();
    assert!(placet.consume("tokens", 5).decide().unwrap().allowed);
    let file = fs::OpenOptions::new().write(true).open(site.path("state/counters.redb")).unwrap();
    file.set_len(0).unwrap();
    // What is in memory may still answer, and never with less than what was counted.
    let decision = placet.consume("tokens", 5).decide().unwrap();
    assert!(!decision.allowed || decision.usage[0].used == 10, "{decision:?}");
    drop(placet);
    assert_eq!(site.builder().open().unwrap_err().reason(), "damaged");
}
