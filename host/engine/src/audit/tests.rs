//! The log is written, broken and read again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::line::{hash, hex};
use super::throttle::BUDGET;
use super::*;
use crate::store::MemoryStore;

struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn log(&self, bounds: Bounds) -> Log {
        let state = StateDir::open(&self.0.path().join("state")).unwrap();
        Log::new(Arc::new(state), Arc::new(MemoryStore::default()), Vault::default(), bounds)
    }

    fn audit(&self) -> Audit {
        Audit::start_with(self.log(BOUNDS), COUNTS)
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("state/audit")
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut paths: Vec<_> = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
    }

    fn text(&self) -> String {
        self.files().into_iter().map(|(_, content)| String::from_utf8(content).unwrap()).collect()
    }

    fn verify(&self) -> Result<AuditSummary, AuditBreak> {
        verify(&self.files())
    }
}

fn verify(files: &[(String, Vec<u8>)]) -> Result<AuditSummary, AuditBreak> {
    verify_audit(files.iter().map(|(name, content)| (&**name, &**content)), &Vault::default())
}

fn denied(tenant: &str) -> Event {
    Event { tenant: Some(tenant.to_owned()), ..Event::new("license.limit_exceeded", "tokens", "limit-exceeded") }
}

fn filled(lines: u64) -> (Site, String) {
    let site = Site::new();
    let audit = site.audit();
    (0..lines).for_each(|at| audit.record(&Event::new("license.installed", &format!("l{at}"), "installed"), at));
    drop(audit);
    let text = site.text();
    (site, text)
}

fn fault(text: &str) -> (u64, AuditFault) {
    let broken = verify(&[("log".to_owned(), text.as_bytes().to_vec())]).unwrap_err();
    (broken.line, broken.fault)
}

#[test]
fn what_was_recorded_is_chained_over_openings() {
    let site = Site::new();
    for time in 1..=3 {
        site.audit().record(&Event::new("installation.opened", "acme/router 1.0.0", "active"), time);
    }
    let summary = site.verify().unwrap();
    assert_eq!((summary.lines, summary.first, summary.last), (3, 1, 3));
    assert_eq!((summary.since, summary.until, summary.lost, summary.recovered), (1, 3, 0, 0));
    assert!(summary.head.is_some(), "log and counters are bound to each other");
}

#[test]
fn a_million_denials_write_less_than_a_megabyte_and_are_all_counted() {
    let site = Site::new();
    let audit = site.audit();
    (0..1_000_000_u64).for_each(|at| audit.record(&denied(&format!("t{}", at % 10)), at));
    drop(audit);
    let text = site.text();
    assert!(text.len() < 10_000, "{} bytes", text.len());
    let lines = text.lines().map(|line| serde_json::from_str::<AuditLine>(line).unwrap());
    assert_eq!(lines.map(|line| line.count.unwrap_or(1)).sum::<u64>(), 1_000_000);
    assert!(site.verify().is_ok());
}

#[test]
fn a_million_denials_of_as_many_tenants_write_less_than_a_megabyte() {
    let site = Site::new();
    let audit = site.audit();
    (0..1_000_000_u64).for_each(|at| audit.record(&denied(&format!("tenant-{at}")), at));
    drop(audit);
    let text = site.text();
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    let lines = text.lines().map(|line| serde_json::from_str::<AuditLine>(line).unwrap());
    assert_eq!(lines.map(|line| line.count.unwrap_or(1)).sum::<u64>(), 1_000_000);
}

#[test]
fn denials_are_counted_each_minute_and_begin_anew_after_a_quiet_one() {
    let site = Site::new();
    let audit = Audit::start_with(site.log(BOUNDS), Duration::from_millis(50));
    (0..5).for_each(|at| audit.record(&denied("t"), at));
    let counted = |text: &str| text.lines().filter(|line| line.contains("\"count\":4")).count();
    while counted(&site.text_or_nothing()) == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(200));
    audit.record(&denied("t"), 9);
    drop(audit);
    // Beside that, where the counters stand in the end.
    let ends = site.text().lines().filter(|line| line.contains("counters.head")).count();
    assert_eq!((counted(&site.text()), site.text().lines().count(), ends), (1, 4, 1));
}

impl Site {
    fn text_or_nothing(&self) -> String {
        if self.folder().exists() { self.text() } else { String::new() }
    }
}

#[test]
fn files_are_bounded_and_the_chain_goes_through_them() {
    let site = Site::new();
    let mut log = site.log(Bounds { files: 3, bytes: 1_000 });
    for time in 0..50 {
        log.write(vec![Entry::new(&Event::new("license.installed", "a", "installed"), time)]);
    }
    let files = site.files();
    assert!(files.len() == 3 && files.iter().all(|(_, content)| content.len() <= 1_000));
    let summary = verify(&files).unwrap();
    assert!(summary.first > 1 && summary.last == 50, "{summary:?}");
    // Without the one in the middle, or in another order, it is no log.
    let [one, two, three] = <[_; 3]>::try_from(files).unwrap();
    let gone = verify(&[one.clone(), three.clone()]).unwrap_err();
    assert!(gone.line == 1 && gone.file == three.0 && matches!(gone.fault, AuditFault::Number { .. }), "{gone}");
    assert_eq!(verify(&[two.clone(), one.clone()]).unwrap_err().file, one.0);
    let cut = (one.0, one.1[..one.1.len() - 5].to_vec());
    assert_eq!(verify(&[cut, two]).unwrap_err().fault, AuditFault::Cut);
}

#[test]
fn the_first_line_that_is_not_as_it_was_written_is_named() {
    let (_site, text) = filled(6);
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let changed = |at: u64| text.replace(&format!("\"subject\":\"l{at}\""), "\"subject\":\"l9\"");
    assert_eq!([0, 2, 4].map(|at| fault(&changed(at))), [1, 3, 5].map(|line| (line, AuditFault::Changed)));
    assert_eq!(verify(&[("log".to_owned(), changed(5).into_bytes())]).unwrap().last, 6, "nothing names the newest");
    let unchained = text.replace(&hex(&hash(lines[2].trim_end().as_bytes())), &hex(&[7; 32]));
    assert_eq!(fault(&unchained), (4, AuditFault::Chain));
    assert_eq!(fault(&text.replace("\"number\":3", "\"number\":x")), (3, AuditFault::NotALine));
    let swapped: String = [0, 2, 1, 3, 4, 5].map(|at: usize| lines[at]).concat();
    assert_eq!(fault(&swapped), (2, AuditFault::Number { found: 3, expected: 2 }));
    let removed: String = [0, 1, 3, 4, 5].map(|at: usize| lines[at]).concat();
    assert_eq!(fault(&removed), (3, AuditFault::Number { found: 4, expected: 3 }));
    let twice: String = [0, 1, 1, 2].map(|at: usize| lines[at]).concat();
    assert_eq!(fault(&twice), (3, AuditFault::Number { found: 2, expected: 3 }));
    assert_eq!(fault("hello\n"), (1, AuditFault::NotALine));
    assert_eq!(fault(""), (0, AuditFault::Empty));
}

#[test]
fn two_logs_that_were_joined_are_told_apart() {
    let (_one, text) = filled(6);
    let other = Site::new();
    let audit = other.audit();
    (0..6).for_each(|at| audit.record(&Event::new("license.removed", "b", "removed"), at));
    drop(audit);
    let joined: String = text.split_inclusive('\n').take(3).chain(other.text().split_inclusive('\n').skip(3)).collect();
    assert_eq!(fault(&joined), (3, AuditFault::Changed));
}

#[test]
fn a_log_without_its_beginning_is_told_by_the_name_of_its_file() {
    let (site, text) = filled(6);
    let rest = &text[text.find('\n').unwrap() + 1..];
    let (name, _) = site.files().remove(0);
    for path in [name.clone(), format!("some/where/{name}")] {
        let broken = verify(&[(path, rest.as_bytes().to_vec())]).unwrap_err();
        assert_eq!((broken.line, broken.fault), (1, AuditFault::Number { found: 2, expected: 1 }));
    }
}

#[test]
fn a_crash_within_a_line_is_closed_by_the_next_opening_and_told() {
    let (_site, text) = filled(4);
    let start = text.trim_end().rfind('\n').unwrap() + 1;
    for cut in start + 1..text.len() {
        let site = Site::new();
        fs::create_dir_all(site.folder()).unwrap();
        fs::write(site.folder().join("00000000000000000001.jsonl"), &text[..cut]).unwrap();
        assert_eq!(site.verify().unwrap().unfinished, (cut - start) as u64);
        site.audit().record(&Event::new("license.installed", "z", "installed"), 9);
        let summary = site.verify().unwrap();
        assert_eq!((summary.last, summary.recovered, summary.unfinished), (5, 1, 0), "cut at {cut}");
        assert!(site.text().contains(&format!("\"count\":{}", cut - start)));
    }
}

#[test]
fn a_crash_at_the_beginning_of_a_file_is_closed_too() {
    let (site, text) = filled(2);
    fs::write(site.folder().join("00000000000000000003.jsonl"), "{\"num").unwrap();
    site.audit().record(&Event::new("license.installed", "z", "installed"), 9);
    let summary = site.verify().unwrap();
    assert_eq!((summary.last, summary.recovered), (4, 1));
    assert!(site.text().starts_with(&text));
}

#[test]
fn what_could_not_be_written_is_told_when_it_can_be() {
    let site = Site::new();
    let mut log = site.log(BOUNDS);
    let write = |log: &mut Log, time| log.write(vec![Entry::own("license.installed", time, None)]);
    write(&mut log, 1);
    // The folder is gone from under it, and a file has its place.
    log.end = None;
    fs::rename(site.folder(), site.0.path().join("aside")).unwrap();
    fs::write(site.folder(), "").unwrap();
    assert!((2..5).all(|time| write(&mut log, time).unwrap().is_err()));
    fs::remove_file(site.folder()).unwrap();
    fs::rename(site.0.path().join("aside"), site.folder()).unwrap();
    assert_eq!(write(&mut log, 5), Some(Ok(())));
    let summary = site.verify().unwrap();
    assert_eq!((summary.lines, summary.lost), (3, 3));
}

#[test]
fn a_log_that_cannot_be_written_is_known_as_soon_as_something_was_to_be_and_until_something_was() {
    let site = Site::new();
    let trouble = |audit: &Audit| {
        audit.record(&Event::new("license.installed", "l", "installed"), 1);
        audit.trouble()
    };
    let audit = site.audit();
    assert_eq!((audit.trouble(), trouble(&audit)), (None, None));
    drop(audit);
    let (name, _) = site.files().remove(0);
    let (path, aside) = (site.folder().join(name), site.0.path().join("aside"));
    fs::rename(&path, &aside).unwrap();
    fs::create_dir(&path).unwrap();
    let audit = site.audit();
    assert!(trouble(&audit).is_some());
    fs::remove_dir(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    assert_eq!((trouble(&audit), audit.trouble()), (None, None));
}

#[test]
fn a_damaged_line_stays_and_is_named_whatever_follows() {
    let (site, text) = filled(3);
    let name = site.folder().join("00000000000000000001.jsonl");
    fs::write(name, text.replace("\"l2\"", "\u{0}l2\"")).unwrap();
    site.audit().record(&Event::new("license.installed", "z", "installed"), 9);
    let broken = site.verify().unwrap_err();
    assert_eq!((broken.line, broken.fault), (3, AuditFault::NotALine));
    assert!(site.text().lines().last().unwrap().contains("\"number\":4"));
}

#[test]
fn after_the_largest_number_the_log_goes_on_and_says_what_is_wrong() {
    let (site, text) = filled(2);
    let (name, largest) = (site.folder().join("00000000000000000001.jsonl"), format!("\"number\":{}", u64::MAX));
    let changed = text.replace("\"number\":2", &largest);
    for end in ["", "no line\n"] {
        fs::write(&name, format!("{changed}{end}")).unwrap();
        site.audit().record(&Event::new("license.installed", "z", "installed"), 9);
        assert!(site.text().lines().last().unwrap().contains("\"z\""), "it was not written");
        assert_eq!(site.verify().unwrap_err().fault, AuditFault::Number { found: u64::MAX, expected: 2 });
    }
}

#[test]
fn counters_that_were_put_back_are_told_by_their_heads() {
    let site = Site::new();
    let state = Arc::new(StateDir::open(&site.0.path().join("state")).unwrap());
    for commits in [5, 2] {
        let store = Arc::new(MemoryStore::default());
        (1..=commits).for_each(|mark| store.commit_mark(mark).unwrap());
        Audit::start(state.clone(), store, Vault::default())
            .record(&Event::new("installation.opened", "", "active"), commits);
    }
    assert_eq!(site.verify().unwrap().put_back, [2]);
}

/// The numbers of what is read; negative: damaged.
fn read(site: &Site, vault: &Vault, before: Option<u64>, limit: usize) -> Vec<i64> {
    let lines = audit_lines(&site.0.path().join("state"), vault, before, limit).unwrap();
    let shown = |line: &ReadLine| match line {
        ReadLine::Whole(line) => line.number.cast_signed(),
        ReadLine::Damaged(line) => -line.number.cast_signed(),
    };
    lines.iter().map(shown).collect()
}

#[test]
fn lines_are_read_newest_first_through_all_files() {
    let site = Site::new();
    let mut log = site.log(Bounds { files: 3, bytes: 1_000 });
    assert_eq!(read(&site, &Vault::default(), None, 10), [0; 0]);
    for time in 0..20 {
        log.write(vec![Entry::new(&Event::new("license.installed", "a", "installed"), time)]);
    }
    assert_eq!(site.files().len(), 3);
    let first = i64::try_from(site.verify().unwrap().first).unwrap();
    let all: Vec<_> = (first..=20).rev().collect();
    assert!(first > 1 && all.len() > 8, "{all:?}");
    assert_eq!(read(&site, &Vault::default(), None, 1_000), all);
    assert_eq!(read(&site, &Vault::default(), None, 0), [0; 0]);
    assert_eq!(read(&site, &Vault::default(), Some(1), 10), [0; 0]);
    for size in 1..all.len() {
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let page = read(&site, &Vault::default(), before, size);
            let Some(last) = page.last() else { break };
            assert!(page.len() <= size);
            before = Some(last.unsigned_abs());
            pages.extend(page);
        }
        assert_eq!(pages, all, "by {size}");
    }
}

#[test]
fn what_cannot_be_read_is_told_in_its_place() {
    let (site, text) = filled(5);
    let name = site.folder().join("00000000000000000001.jsonl");
    fs::write(&name, text.replace("\"l1\"", "\"l1").replace("\"number\":5", "\"number\":\"5\"") + "{\"number\":6")
        .unwrap();
    assert_eq!(read(&site, &Vault::default(), None, 10), [-5, 4, 3, -2, 1]);
    assert_eq!(read(&site, &Vault::default(), Some(3), 10), [-2, 1]);
    let lines = audit_lines(&site.0.path().join("state"), &Vault::default(), None, 1).unwrap();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let told = serde_json::to_string(line).unwrap();
    let damage = "it is not a line of an audit log: it was changed, or the file is another";
    assert_eq!(told, format!("{{\"number\":5,\"damage\":\"{damage}\"}}"));
    // Nothing but line feeds, of which each would be a line.
    fs::write(&name, "\n".repeat(1 << 20)).unwrap();
    assert_eq!(read(&site, &Vault::default(), None, 2), [-(1 << 20), 1 - (1 << 20)]);
}

#[test]
fn sealed_lines_are_opened_and_without_their_key_told_as_sealed() {
    let site = Site::new();
    let state = Arc::new(StateDir::open(&site.0.path().join("state")).unwrap());
    let vault = Vault::test(1);
    let audit = Audit::start(state, Arc::new(MemoryStore::default()), vault.clone());
    (0..3).for_each(|at| audit.record(&Event::new("license.removed", "b", "removed"), at));
    drop(audit);
    assert_eq!(read(&site, &vault, None, 10), [3, 2, 1]);
    for (vault, fault) in [(Vault::default(), AuditFault::Sealed), (Vault::test(2), AuditFault::OtherKey)] {
        let lines = audit_lines(&site.0.path().join("state"), &vault, None, 1).unwrap();
        assert_eq!(lines, [ReadLine::Damaged(DamagedLine { number: 3, damage: fault })]);
    }
}

/// What so many denials of 300 tenants write, spread over simulated minutes.
fn flooded(vault: Vault, denials: u64, minutes: u64) -> u64 {
    let site = Site::new();
    let state = Arc::new(StateDir::open(&site.0.path().join("state")).unwrap());
    let mut log = Log::new(state, Arc::new(MemoryStore::default()), vault.clone(), BOUNDS);
    let mut throttle = Throttle::new(log.seals());
    let each = denials / minutes;
    for minute in 0..minutes {
        let mut lines = Vec::new();
        for at in 0..each {
            let entry = Entry::new(&denied(&format!("tenant-{}", at % 300)), minute * 60_000 + at);
            if throttle.admit(&entry) {
                lines.push(entry);
            }
        }
        lines.extend(throttle.take());
        log.write(lines);
    }
    let files = site.files();
    let named = files.iter().map(|(name, content)| (&**name, &**content));
    assert_eq!(verify_audit(named, &vault).unwrap().lost, 0);
    let lines = audit_lines(&site.0.path().join("state"), &vault, None, usize::MAX).unwrap();
    let counted = lines.iter().map(|line| match line {
        ReadLine::Whole(line) => line.count.unwrap_or(1),
        ReadLine::Damaged(line) => panic!("{line:?}"),
    });
    assert_eq!(counted.sum::<u64>(), each * minutes);
    files.iter().map(|(_, content)| content.len() as u64).sum()
}

#[test]
fn a_million_denials_over_minutes_write_less_than_a_megabyte_plain_and_sealed() {
    for vault in [Vault::default(), Vault::test(1)] {
        // 500 a second.
        assert!((300_000..1_000_000).contains(&flooded(vault.clone(), 1_000_000, 33)));
        // And ten hours in which each tenant is denied each minute; beyond the budget there are heads, and counts of all others.
        assert!(flooded(vault, 400 * 600, 600) < 11 * BUDGET + 600 * 512);
    }
}

#[test]
fn the_counters_hold_the_newest_line_and_never_one_that_is_not_there() {
    let site = Site::new();
    let state = Arc::new(StateDir::open(&site.0.path().join("state")).unwrap());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let compared = || compare(&state, &*store, &Vault::default());
    assert_eq!(compared(), Misfit::default());
    let mut log = Log::new(state.clone(), store.clone(), Vault::default(), BOUNDS);
    let write = |log: &mut Log, time| log.write(vec![Entry::own("license.installed", time, None)]);
    let name = site.folder().join("00000000000000000001.jsonl");
    log.promise();
    assert_eq!(compared(), Misfit::default(), "nothing was written yet");
    for time in 1..=6 {
        write(&mut log, time);
        assert_eq!(compared(), Misfit::default(), "ahead of what was promised");
        if time == 3 {
            log.promise();
        }
    }
    let text = fs::read_to_string(&name).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    for kept in 0..=6 {
        fs::write(&name, lines[..kept].concat()).unwrap();
        assert_eq!(compared().cut, (kept < 3).then_some(3), "{kept} lines are left");
    }
    // The promised line is another, or damaged; or another one is.
    for (from, to, cut) in [
        ("\"time\":3", "\"time\":9", Some(3)),
        ("\"number\":3", "\"number\":x", Some(3)),
        ("\"number\":5", "\"number\":x", None),
    ] {
        fs::write(&name, text.replace(from, to)).unwrap();
        assert_eq!(compared().cut, cut, "{to}");
    }
    fs::remove_file(&name).unwrap();
    assert_eq!(compared().cut, Some(3), "the file is gone");
    fs::remove_dir(site.folder()).unwrap();
    assert_eq!(compared().cut, Some(3), "all of it is gone");
}

#[test]
fn a_promised_line_in_an_older_file_is_found_and_one_that_was_let_go_is_not_missed() {
    let site = Site::new();
    let state = Arc::new(StateDir::open(&site.0.path().join("state")).unwrap());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let bounds = Bounds { files: BOUNDS.files, bytes: 300 };
    let mut log = Log::new(state.clone(), store.clone(), Vault::test(1), bounds);
    let write = |log: &mut Log, time| log.write(vec![Entry::own("license.installed", time, None)]);
    write(&mut log, 1);
    log.promise();
    for time in 2..40 {
        write(&mut log, time);
        assert_eq!(compare(&state, &*store, &Vault::test(1)), Misfit::default(), "{time}");
    }
    assert!(!site.folder().join("00000000000000000001.jsonl").exists());
}

#[test]
fn counters_behind_what_the_log_saw_are_told() {
    let site = Site::new();
    let state = Arc::new(StateDir::open(&site.0.path().join("state")).unwrap());
    let at = |commits: u64| {
        let store = Arc::new(MemoryStore::default());
        (1..=commits).for_each(|mark| store.commit_mark(mark).unwrap());
        store
    };
    let log = Log::new(state.clone(), at(5), Vault::default(), BOUNDS);
    Audit::start_with(log, COUNTS).record(&Event::new("installation.opened", "", "active"), 5);
    let restored = |commits| compare(&state, &*at(commits), &Vault::default()).restored.map(|head| head.number);
    assert_eq!([restored(4), restored(5), restored(6)], [Some(5), None, None]);
}
