//! What lies in a state directory: readable without a storage secret, and nothing of it with one.

use std::fs;
use std::path::{Path, PathBuf};

use placet::{Builder, Placet, Vault, verify_audit};
use placet_tests::rig::{Site, claims};
use serde_json::json;

const OLD: [u8; 32] = *b"TEST-secret-of-32-bytes-exactly!";
const NEW: &str = "TEST-another-secret-that-is-longer-than-32-bytes";

/// What a stranger may not find: of the license's text and claims, of its installed form, of what happened.
fn tell_tales(site: &Site) -> Vec<String> {
    let token = site.vendor.license(&license());
    let parts = token.split('.').flat_map(|part| [&part[..24], &part[part.len() - 24..]]).map(str::to_owned);
    // Not the words that stand in the policy's own text.
    let claims =
        ["Globex GmbH", "org_globex", "plan-of-secrecy", "secret-feature", "tenant-of-secrecy"].map(str::to_owned);
    let events = ["license.installed", "license.limit_exceeded", "installation.opened"].map(str::to_owned);
    parts.chain(claims).chain(events).collect()
}

fn license() -> serde_json::Value {
    let mut claims = claims("lic_1");
    claims["plan"] = "plan-of-secrecy".into();
    claims["features"] = json!({"sso": true, "secret-feature": true});
    claims["limits"]["tokens"]["per"] = "tenant".into();
    claims["grace"] = json!({"validation": "72h"});
    claims
}

/// Which of the tell-tales stand in a file below a directory.
fn found(dir: &Path, tales: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(dir) {
        let content = fs::read(&path).expect("reads");
        // They are ASCII, which stays as it is; and a text is searched a hundred times as quickly as bytes are.
        let content = String::from_utf8_lossy(&content);
        let name = path.strip_prefix(dir).expect("below").display().to_string();
        found.extend(tales.iter().filter(|tale| content.contains(&***tale)).map(|tale| format!("{name}: {tale}")));
    }
    found
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("lists").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Installs, renews, consumes, is denied.
fn live(site: &Site, placet: &Placet) {
    let install = |claims| placet.install(site.vendor.license(&claims).as_bytes(), None).expect("installs");
    install(license());
    let mut renewal = license();
    renewal["jti"] = "lic_2".into();
    install(renewal);
    assert!(placet.check("secret-feature").decide().expect("a decision").allowed);
    let ask = |amount| placet.consume("tokens", amount).tenant("of-secrecy").decide().expect("a decision").allowed;
    assert!(ask(1) && !ask(10_000));
    placet.install(b"rubbish", None).expect_err("is none");
}

fn state(site: &Site) -> PathBuf {
    site.path("state")
}

fn refused(builder: Builder) -> String {
    builder.open().map(drop).expect_err("is refused").reason().to_owned()
}

/// Verifies the log of a state directory, and answers how many lines there are, and how many are sealed.
fn audit(site: &Site, vault: &Vault) -> (u64, u64) {
    let mut paths = files(&state(site).join("audit"));
    paths.sort();
    let read: Vec<_> = paths.iter().map(|path| fs::read(path).expect("reads")).collect();
    let summary = verify_audit(read.iter().map(|content| ("log", &**content)), vault).expect("is whole");
    (summary.lines, summary.sealed)
}

#[test]
fn without_a_secret_it_is_readable_and_the_status_says_so() {
    let site = Site::known();
    let placet = site.open();
    live(&site, &placet);
    assert!(!placet.status().sealed);
    drop(placet);
    let found = found(&state(&site), &tell_tales(&site)).join("\n");
    for place in ["licenses/lic_1.json: eyJ", "counters.redb: eyJ", ".jsonl: license.installed"] {
        assert!(found.contains(place), "{place} is not in\n{found}");
    }
    assert_eq!(audit(&site, &Vault::default()).1, 0);
}

#[test]
fn with_a_secret_nothing_of_it_stands_in_any_file() {
    let site = Site::known();
    let sealed = || site.builder().storage_secret(OLD);
    let placet = sealed().open().expect("opens");
    live(&site, &placet);
    // The holder's status is written within seconds; what is seen beside it is all that there is while it runs.
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert!(state(&site).join("status.json").exists());
    assert_eq!(found(&state(&site), &tell_tales(&site)), [""; 0]);
    assert!(placet.status().sealed);
    drop(placet);
    assert_eq!(found(&state(&site), &tell_tales(&site)), [""; 0]);
    let (lines, are_sealed) = audit(&site, &sealed().vault().expect("opens"));
    assert!(lines > 5 && lines == are_sealed, "{lines}, {are_sealed}");

    // It is all there again.
    let placet = sealed().open().expect("opens");
    let status = placet.status();
    assert_eq!((status.licenses.len(), status.usable), (2, true));
    let used = placet.preview("tokens", 0).tenant("of-secrecy").decide().expect("a decision");
    assert_eq!(used.usage[0].used, 1);
}

#[test]
fn a_secret_that_is_missing_wrong_or_short_opens_nothing_and_changes_nothing() {
    let site = Site::known();
    drop(site.builder().storage_secret(OLD).open().expect("opens"));
    let before: Vec<_> = files(&state(&site)).into_iter().map(|path| fs::read(path).expect("reads")).collect();
    assert_eq!(refused(site.builder()), "storage-secret-missing");
    assert_eq!(refused(site.builder().storage_secret(NEW)), "storage-secret-wrong");
    assert_eq!(refused(site.builder().storage_secret(&OLD[..31])), "storage-secret-short");
    assert_eq!(refused(site.builder().storage_secret(b"\n".repeat(40))), "storage-secret-short");
    assert_eq!(refused(site.builder().storage_secret_file(site.path("nothing"))), "storage-secret-unreadable");
    assert_eq!(refused(site.builder().storage_secret_file(site.put("empty", ""))), "storage-secret-short");
    let after: Vec<_> = files(&state(&site)).into_iter().map(|path| fs::read(path).expect("reads")).collect();
    assert!(before == after, "a refused opening left something behind");
    let file = site.put("secret", [&OLD[..], b"\r\n"].concat());
    drop(site.builder().storage_secret_file(file).open().expect("the line feed is not of the secret"));

    let key = fs::read(state(&site).join("storage.key")).expect("reads");
    fs::remove_file(state(&site).join("storage.key")).expect("removes");
    assert_eq!(refused(site.builder()), "storage-key-missing");
    assert_eq!(refused(site.builder().storage_secret(OLD)), "storage-key-missing");
    assert!(!state(&site).join("storage.key").exists(), "a new key would open nothing of what is there");
    site.put("state/storage.key", key);
    drop(site.builder().storage_secret(OLD).open().expect("opens"));
}

#[test]
fn no_error_and_no_debug_output_shows_the_secret() {
    let site = Site::known();
    drop(site.builder().storage_secret(OLD).open().expect("opens"));
    let wrong = site.builder().storage_secret(NEW).next_storage_secret(&NEW[1..]);
    let error = wrong.clone().open().map(drop).expect_err("is wrong");
    let told = format!("{wrong:?} {error:?} {error} {:?}", site.builder().storage_secret(OLD).vault());
    for secret in [NEW, "TEST-secret", &format!("{:?}", NEW.as_bytes())[1..40], &format!("{OLD:?}")[1..40]] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// A copy of a directory, as a disk is after a cut.
fn copied(from: &Path, to: &Path) {
    for path in files(from) {
        let copy = to.join(path.strip_prefix(from).expect("below"));
        fs::create_dir_all(copy.parent().expect("a parent")).expect("makes");
        fs::copy(path, copy).expect("copies");
    }
}

/// The files that sealing writes, in its order, each in one step.
fn steps(state: &Path) -> Vec<PathBuf> {
    let below = |name: &str| state.join(name);
    let mut steps = vec![below("storage.key")];
    for folder in ["licenses", "audit"] {
        let mut inside = files(&below(folder));
        inside.sort();
        steps.extend(inside);
    }
    steps.push(below("install.key"));
    steps
}

#[test]
fn what_was_readable_is_sealed_with_the_next_opening_wherever_the_one_before_was_cut() {
    let site = Site::known();
    let placet = site.open();
    live(&site, &placet);
    drop(placet);
    let readable = site.path("readable");
    copied(&state(&site), &readable);
    let sealed = || site.builder().storage_secret(OLD);
    drop(sealed().open().expect("opens"));
    let steps = steps(&state(&site));
    assert_eq!(steps.len(), 5, "{steps:?}");
    for cut in 1..=steps.len() {
        let image = site.path(&format!("cut-{cut}"));
        copied(&readable, &image);
        for step in &steps[..cut] {
            fs::copy(step, image.join(step.strip_prefix(state(&site)).expect("below"))).expect("copies");
        }
        // What was being written when it was cut.
        fs::write(image.join("licenses/.lic_1.json.new"), site.vendor.license(&license())).expect("writes");
        fs::write(image.join(".install.key.new"), b"half").expect("writes");
        let here = || sealed().state(&image);
        assert_eq!(refused(site.builder().state(&image)), "storage-secret-missing");
        let placet = here().open().unwrap_or_else(|error| panic!("cut after {cut}: {error}"));
        assert_eq!(placet.status().licenses.len(), 2, "cut after {cut}");
        let used = placet.preview("tokens", 0).tenant("of-secrecy").decide().expect("a decision");
        assert_eq!(used.usage[0].used, 1, "cut after {cut}");
        drop(placet);
        // What the counters' file freed is not overwritten at once.
        fs::remove_file(image.join("counters.redb")).expect("removes");
        assert_eq!(found(&image, &tell_tales(&site)), [""; 0], "cut after {cut}");
    }
    let (lines, are_sealed) = audit(&site, &sealed().vault().expect("opens"));
    assert!(lines > 5 && lines == are_sealed, "{lines}, {are_sealed}");
}

#[test]
fn a_secret_is_changed_in_one_step() {
    let site = Site::known();
    let old = || site.builder().storage_secret(OLD);
    let placet = old().open().expect("opens");
    live(&site, &placet);
    drop(placet);
    let before = fs::read(state(&site).join("storage.key")).expect("reads");
    assert_eq!(refused(old().next_storage_secret("short")), "storage-secret-short");
    assert_eq!(fs::read(state(&site).join("storage.key")).expect("reads"), before);

    let both = || old().next_storage_secret(NEW);
    drop(both().open().expect("opens"));
    let after = fs::read(state(&site).join("storage.key")).expect("reads");
    assert_eq!(refused(old()), "storage-secret-wrong");
    let status = site.builder().storage_secret(NEW).open().expect("opens").status();
    assert_eq!((status.licenses.len(), status.sealed), (2, true));
    // Before the step, after it, and with what was being written when it was cut: both given, it opens.
    for (key, unfinished) in
        [(&before, &b""[..]), (&before, &after[..40]), (&after, &after[..]), (&after, &before[..9])]
    {
        fs::write(state(&site).join("storage.key"), key).expect("writes");
        fs::write(state(&site).join(".storage.key.new"), unfinished).expect("writes");
        assert_eq!(both().open().expect("opens").status().licenses.len(), 2);
        drop(site.builder().storage_secret(NEW).open().expect("is the new one's now"));
    }
}

#[test]
fn a_readable_line_in_a_sealed_log_stays_readable_and_one_that_was_cut_is_not_sealed_again() {
    let site = Site::known();
    let sealed = || site.builder().storage_secret(OLD);
    live(&site, &sealed().open().expect("opens"));
    let log = files(&state(&site).join("audit")).pop().expect("a file");
    let whole = fs::read(&log).expect("reads");
    fs::write(&log, &whole[..whole.len() - 41]).expect("writes");
    drop(sealed().open().expect("opens"));
    let (lines, are_sealed) = audit(&site, &sealed().vault().expect("opens"));
    assert_eq!(lines, are_sealed);
    let cut = whole.len() - 41 - whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').expect("lines") - 1;
    let placet = sealed().open().expect("opens");
    let told = placet.audit_lines(None, 100).expect("reads");
    let told = serde_json::to_value(&told).expect("serializes");
    let recovered = told.as_array().expect("lines").iter().find(|line| line["event"] == "audit.recovered");
    assert_eq!(recovered.expect("is told")["count"], cut, "{told}");
    drop(placet);
    let forged = br#"{"number":1,"event":"TEST-forged"}"#;
    fs::write(&log, [&fs::read(&log).expect("reads"), &forged[..], b"\n"].concat()).expect("writes");
    drop(sealed().open().expect("opens"));
    assert!(String::from_utf8_lossy(&fs::read(&log).expect("reads")).contains("TEST-forged"));
}

/// One bit of a file turned around, and what it was.
fn flipped(path: &Path, byte: usize) -> Vec<u8> {
    let whole = fs::read(path).expect("reads");
    let mut damaged = whole.clone();
    damaged[byte] ^= 1;
    fs::write(path, damaged).expect("writes");
    whole
}

#[test]
fn one_bit_of_what_is_sealed_is_told_and_grants_nothing() {
    let site = Site::known();
    let sealed = || site.builder().storage_secret(OLD);
    let placet = sealed().open().expect("opens");
    placet.install(site.vendor.license(&claims("lic_1")).as_bytes(), None).expect("installs");
    placet.install(site.vendor.license(&claims("lic_2")).as_bytes(), None).expect("installs");
    drop(placet);
    // Magic, key id, salt, nonce, content.
    for byte in [0, 7, 8, 16, 28, 40, 60] {
        let path = state(&site).join("storage.key");
        let whole = flipped(&path, byte);
        let expected = if (8..16).contains(&byte) { "storage-secret-wrong" } else { "storage-key-damaged" };
        assert_eq!(refused(sealed()), expected, "byte {byte}");
        fs::write(&path, whole).expect("writes");

        let path = state(&site).join("install.key");
        let whole = flipped(&path, byte);
        assert_eq!(refused(sealed()), "damaged", "byte {byte}");
        fs::write(&path, whole).expect("writes");

        let path = state(&site).join("licenses/lic_1.json");
        let whole = flipped(&path, byte);
        let placet = sealed().open().expect("opens");
        let status = placet.status();
        let document = status.documents.iter().find(|one| one.name == "lic_1.json").expect("is on offer");
        assert!(!document.adopted, "byte {byte}: {document:?}");
        let holds = status.licenses.iter().any(|license| license.id == "lic_1" && license.state == "active");
        assert!(!holds, "byte {byte}: {:?}", status.licenses);
        drop(placet);
        fs::write(&path, whole).expect("writes");
    }
    // In each other's place.
    let [one, two] = ["lic_1.json", "lic_2.json"].map(|name| state(&site).join("licenses").join(name));
    let (first, second) = (fs::read(&one).expect("reads"), fs::read(&two).expect("reads"));
    fs::write(&one, second).expect("writes");
    fs::write(&two, first).expect("writes");
    let placet = sealed().open().expect("opens");
    assert!(placet.status().documents.iter().all(|document| !document.adopted), "{:#?}", placet.status().documents);
    assert!(!placet.check("sso").decide().expect("a decision").allowed);
}

#[test]
fn a_damaged_document_has_its_sealed_copy_stand_in() {
    let site = Site::known();
    let sealed = || site.builder().storage_secret(OLD);
    let placet = sealed().open().expect("opens");
    placet.install(site.vendor.license(&license()).as_bytes(), None).expect("installs");
    drop(placet);
    flipped(&state(&site).join("licenses/lic_1.json"), 50);
    let placet = sealed().open().expect("opens");
    let status = placet.status();
    assert_eq!((&*status.state, &*status.reason), ("grace", "validation-grace"));
    assert!(placet.check("sso").decide().expect("a decision").allowed);
}

#[test]
fn an_opening_that_is_refused_does_not_seal_what_another_process_holds() {
    let site = Site::known();
    let holder = site.open();
    assert_eq!(refused(site.builder().storage_secret(OLD)), "locked");
    assert!(!state(&site).join("storage.key").exists());
    drop(holder);
    drop(site.open());
}
