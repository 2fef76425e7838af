//! Log and counters of a real installation vouch for each other: what is taken from one is told by the other, and a crash never is.

use std::fs;
use std::path::Path;

use placet::{AuditSummary, Placet, ReadLine, Vault, audit_lines, verify_audit};
use placet_tests::rig::{Site, claims};

fn site() -> Site {
    let site = Site::known();
    site.license(&claims("lic_1"));
    site
}

/// The warnings of this run that are about evidence.
fn told(placet: &Placet) -> Vec<String> {
    let warnings = placet.status().license.warnings.into_iter().map(|warning| warning.reason);
    warnings.filter(|reason| ["audit-cut", "audit-failed", "counters-restored"].contains(&&**reason)).collect()
}

fn opened(site: &Site) -> Vec<String> {
    told(&site.open())
}

fn charged(site: &Site, times: u64) {
    let placet = site.open();
    for _ in 0..times {
        assert!(placet.consume("tokens", 1).decide().unwrap().allowed);
    }
}

fn events(site: &Site, name: &str) -> usize {
    let lines = audit_lines(&site.path("state"), &Vault::default(), None, 1_000).unwrap();
    let is_it = |line: &&ReadLine| matches!(line, ReadLine::Whole(line) if line.event == name);
    lines.iter().filter(is_it).count()
}

fn verified(site: &Site) -> AuditSummary {
    let files = log(&site.path("state"));
    verify_audit(files.iter().map(|(name, content)| (&**name, &**content)), &Vault::default()).unwrap()
}

fn log(state: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(state.join("audit")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

/// As a crash leaves a state directory: counters first, then what was written to the log since.
fn crashed(site: &Site) -> Site {
    let copy = Site::known();
    copy.license(&claims("lic_1"));
    fs::create_dir_all(copy.path("state/audit")).unwrap();
    for name in ["counters.redb", "install.key"] {
        fs::copy(site.path("state").join(name), copy.path("state").join(name)).unwrap();
    }
    for (name, content) in log(&site.path("state")) {
        fs::write(copy.path("state/audit").join(Path::new(&name).file_name().unwrap()), content).unwrap();
    }
    copy
}

#[test]
fn counters_that_were_put_back_are_told_by_the_log() {
    let site = site();
    charged(&site, 1);
    fs::copy(site.path("state/counters.redb"), site.path("older")).unwrap();
    charged(&site, 20);
    assert_eq!(opened(&site), [""; 0]);
    assert!(verified(&site).put_back.is_empty());
    fs::copy(site.path("older"), site.path("state/counters.redb")).unwrap();
    let placet = site.open();
    assert_eq!(told(&placet), ["counters-restored"]);
    // It stays for this run.
    placet.reload().unwrap();
    assert_eq!(told(&placet), ["counters-restored"]);
    drop(placet);
    assert_eq!((events(&site, "counters.restored"), verified(&site).put_back.len()), (1, 1));
    assert_eq!(opened(&site), [""; 0]);
    assert_eq!((events(&site, "counters.restored"), verified(&site).put_back.len()), (1, 1));
}

#[test]
fn a_log_that_was_cut_or_deleted_is_told_by_the_counters() {
    let cuts: [fn(&Path); 3] = [
        |audit| {
            let name = fs::read_dir(audit).unwrap().next().unwrap().unwrap().path();
            let text = fs::read_to_string(&name).unwrap();
            let kept = text.trim_end().rfind('\n').unwrap() + 1;
            fs::write(name, &text[..kept]).unwrap();
        },
        |audit| fs::remove_file(fs::read_dir(audit).unwrap().next().unwrap().unwrap().path()).unwrap(),
        |audit| fs::remove_dir_all(audit).unwrap(),
    ];
    let site = site();
    charged(&site, 3);
    for cut in cuts {
        assert_eq!(opened(&site), [""; 0]);
        cut(&site.path("state/audit"));
        assert_eq!(opened(&site), ["audit-cut"]);
        assert_eq!((events(&site, "audit.cut"), verified(&site).cut.len()), (1, 1));
    }
    assert_eq!((opened(&site), events(&site, "audit.cut")), (Vec::new(), 1));
}

#[test]
fn a_log_that_cannot_be_written_is_told_by_the_status_and_stops_no_decision() {
    let site = site();
    charged(&site, 1);
    let file = log(&site.path("state")).remove(0).0;
    fs::rename(&file, site.path("aside")).unwrap();
    fs::create_dir(&file).unwrap();
    let placet = site.open();
    assert_eq!(told(&placet), ["audit-failed"]);
    assert!(placet.consume("tokens", 1).decide().unwrap().allowed);
    fs::remove_dir(&file).unwrap();
    fs::rename(site.path("aside"), &file).unwrap();
    placet.reload().unwrap();
    assert!(!placet.consume("tokens", 1_000_000).decide().unwrap().allowed, "which is told");
    assert_eq!(told(&placet), [""; 0]);
}

#[test]
fn a_crash_is_never_told_as_a_cut() {
    let site = site();
    charged(&site, 3);
    let placet = site.open();
    for units in 0..2 {
        assert!(placet.consume("tokens", 1).decide().unwrap().allowed);
        assert!(!placet.consume("tokens", 1_000_000 + units).decide().unwrap().allowed);
        let copy = crashed(&site);
        assert_eq!(opened(&copy), [""; 0]);
        assert_eq!(opened(&copy), [""; 0]);
    }
}
