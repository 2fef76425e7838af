//! File systems that are full or read-only, where the tests may mount them; the double of a disk stands in everywhere else.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// A file system of 3 MiB in memory.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", "size=3m", "tmpfs"], dir.path());
        assert!(
            mounted || std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "cannot mount, and in CI this test must run"
        );
        if !mounted {
            eprintln!("not tested: this user may not mount a file system");
        }
        mounted.then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.path()).status().unwrap();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

fn held(store: &RedbStore) -> u64 {
    store.read("n", &["a".to_owned()], at(0)).unwrap()[0]
}

fn count(store: &RedbStore, number: u64) -> Result<Vec<u64>, Error> {
    let entry = Entry { counter: "a".to_owned(), amount: 1, ceiling: u64::MAX, slack: 0 };
    let once = Once { key: number.to_string(), request: "r".repeat(20_000) };
    store.add("n", vec![entry], vec![], Some(once), None, at(1))
}

#[test]
fn a_full_file_system_refuses_and_goes_on_when_there_is_room() {
    let Some(mount) = Mount::new() else { return };
    let store = RedbStore::open(mount.path()).unwrap();
    fs::write(mount.path().join("filler"), vec![1; 1 << 20]).unwrap();
    let (mut acknowledged, mut number) = (0, 0);
    let refused = loop {
        number += 1;
        match count(&store, number) {
            Ok(sums) => {
                acknowledged += 1;
                assert_eq!(sums, [acknowledged]);
            }
            Err(error) => break error,
        }
        assert!(number < 1_000, "3 MiB are never full");
    };
    assert_eq!(refused, Error::Unavailable("disk-full".to_owned()));
    assert_eq!(held(&store), acknowledged);
    assert_eq!(store.recall("n", &number.to_string()), Ok(None));
    fs::remove_file(mount.path().join("filler")).unwrap();
    assert_eq!(count(&store, number), Ok(vec![acknowledged + 1]));
    drop(store);
    assert_eq!(held(&RedbStore::open(mount.path()).unwrap()), acknowledged + 1);
}

#[test]
fn a_read_only_file_system_is_told() {
    let Some(mounted) = Mount::new() else { return };
    drop(RedbStore::open(mounted.path()).unwrap());
    assert!(mount(&["-o", "remount,ro"], mounted.path()));
    assert_eq!(RedbStore::open(mounted.path()).unwrap_err().reason(), "read-only");
    assert!(mount(&["-o", "remount,rw"], mounted.path()));
    for name in ["counters.redb", "install.key"] {
        fs::remove_file(mounted.path().join(name)).unwrap();
    }
    assert!(mount(&["-o", "remount,ro"], mounted.path()));
    assert_eq!(RedbStore::open(mounted.path()).unwrap_err().reason(), "read-only");
}

#[test]
fn a_full_file_system_cannot_begin_a_store_and_keeps_no_half_of_one() {
    let Some(mount) = Mount::new() else { return };
    fs::write(mount.path().join("filler"), vec![1; (3 << 20) - 4_096]).unwrap();
    assert_eq!(RedbStore::open(mount.path()).unwrap_err().reason(), "disk-full");
    let names: Vec<_> = fs::read_dir(mount.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "counters.redb"), "{names:?}");
    fs::remove_file(mount.path().join("filler")).unwrap();
    assert_eq!(held(&RedbStore::open(mount.path()).unwrap()), 0);
}
