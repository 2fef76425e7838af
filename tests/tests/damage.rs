//! The files of a state directory, but for the counters', damaged at random: bits, blocks, cuts, files in each other's place, emptied, gone,
//! or a directory in their place. Whatever is opened then serves what was there, or says why it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use placet::{Builder, HolderStatus, Placet, Status, Vault, verify_audit};
use placet_tests::mutator::Mutator;
use placet_tests::rig::{Site, claims};
use serde_json::{Value, json};

const SECRET: [u8; 32] = *b"TEST-secret-of-32-bytes-exactly!";
/// What was used of the limit `tokens`, and what is free.
const USED: u64 = 700;
const FREE: u64 = 300;

/// An installation, closed, with something in each file of its state directory.
struct Original {
    site: Site,
    sealed: bool,
    /// What lies in it, by its path there; `status.json` as a crash leaves it.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Original {
    fn new(sealed: bool) -> Self {
        let site = Site::known();
        live(&site, sealed);
        let state = site.path("state");
        let relative = |path: PathBuf| path.strip_prefix(&state).expect("below").to_owned();
        let mut read: BTreeMap<_, _> =
            files(&state).into_iter().map(|path| (relative(path.clone()), fs::read(path).expect("reads"))).collect();
        read.insert("status.json".into(), fs::read(site.path("status.json")).expect("reads"));
        let original = Self { site, sealed, files: read };
        let found: Vec<_> = original.files.keys().map(|path| path.display().to_string()).collect();
        let expected =
            ["audit/", "code/", "counters.redb", "install.key", "licenses/", "policies/", "replaced/", "status.json"];
        assert!(expected.iter().all(|name| found.iter().any(|path| path.starts_with(name))), "{found:?}");
        original
    }

    /// A copy of the state directory.
    fn copy(&self, to: &Path) {
        for (name, content) in &self.files {
            let path = to.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
            fs::write(&path, content).expect("writes");
        }
        // Native code is read from a place that nobody else can write.
        for dir in [to.to_owned(), to.join("code")] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).expect("sets");
        }
    }

    fn open_at(&self, state: &Path) -> Result<Placet, String> {
        builder(&self.site, self.sealed).state(state).open().map_err(|error| error.reason().to_owned())
    }

    fn vault(&self, state: &Path) -> Option<Vault> {
        builder(&self.site, self.sealed).state(state).vault().ok()
    }
}

fn builder(site: &Site, sealed: bool) -> Builder {
    if sealed { site.builder().storage_secret(SECRET) } else { site.builder() }
}

/// Installs and renews licenses, adopts a policy above the one that is shipped, consumes, is denied.
fn live(site: &Site, sealed: bool) {
    let graced = |id: &str| {
        let mut claims = claims(id);
        claims["grace"] = json!({"validation": "72h"});
        claims
    };
    let second = |plan: &str| {
        let mut claims = graced("lic_2");
        (claims["plan"], claims["limits"], claims["features"]) = (plan.into(), json!({}), json!({"reports": true}));
        claims
    };
    let placet = builder(site, sealed).open().expect("opens");
    let install =
        |claims: &Value| drop(placet.install(site.vendor.license(claims).as_bytes(), None).expect("installs"));
    install(&graced("lic_1"));
    install(&second("basic"));
    install(&second("enterprise"));
    placet.install_policy(site.put("newer.wasm", site.vendor.policy(11))).expect("is adopted");
    assert!(placet.consume("tokens", USED).decide().expect("a decision").allowed);
    assert!(!placet.consume("tokens", FREE + 1).decide().expect("a decision").allowed);
    let told = site.path("state/status.json");
    let is_told = || {
        let told = HolderStatus::read(site.path("state"), &builder(site, sealed).vault().expect("opens"));
        told.is_ok_and(|told| told.status.usage.iter().any(|usage| usage.used == USED))
    };
    assert!((0..200).any(|_| {
        thread::sleep(Duration::from_millis(100));
        is_told()
    }));
    fs::copy(told, site.path("status.json")).expect("copies");
    assert_eq!(placet.status().licenses.len(), 2);
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("lists").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What was done to a state directory.
#[derive(Debug)]
struct Damage {
    what: &'static str,
    to: Vec<PathBuf>,
}

/// Damages one file, or puts two in each other's place.
fn damage(original: &Original, state: &Path, random: &mut Mutator) -> Damage {
    let names: Vec<_> = original.files.keys().filter(|name| **name != Path::new("counters.redb")).collect();
    // Code that is made anew takes seconds.
    let mut name = || loop {
        let name = names[random.below(names.len())];
        if !name.starts_with("code") || random.below(20) == 0 {
            break name.clone();
        }
    };
    let (one, other) = (name(), name());
    let (path, whole) = (state.join(&one), &original.files[&one]);
    let mut changed = whole.clone();
    let (at, length) = (random.below(whole.len()), 1 + random.below(64));
    let end = (at + length).min(whole.len());
    let what = match random.below(9) {
        0 => {
            changed[at] ^= 1 << random.below(8);
            "a bit"
        }
        1 => {
            changed[at..end].fill(0);
            "a block of zeros"
        }
        2 => {
            changed[at..end].fill_with(|| random.byte());
            "a block of anything"
        }
        3 => {
            changed.truncate(at);
            "cut"
        }
        4 => {
            changed.clear();
            "emptied"
        }
        5 => {
            changed = random.mutate(whole);
            "changed"
        }
        6 => {
            fs::remove_file(&path).expect("removes");
            fs::create_dir(&path).expect("makes");
            return Damage { what: "a directory", to: vec![one] };
        }
        7 => {
            fs::remove_file(&path).expect("removes");
            return Damage { what: "gone", to: vec![one] };
        }
        _ => {
            fs::write(state.join(&other), whole).expect("writes");
            changed = original.files[&other].clone();
            "in each other's place"
        }
    };
    fs::write(&path, changed).expect("writes");
    let to = if what == "in each other's place" { vec![one, other] } else { vec![one] };
    Damage { what, to }
}

/// Panics of any thread of this program.
fn panics() -> &'static AtomicUsize {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    static HOOK: OnceLock<()> = OnceLock::new();
    HOOK.get_or_init(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            tell(panic);
        }));
    });
    &PANICS
}

/// Opens it and uses it. Whether it was refused, and as what.
fn use_it(original: &Original, state: &Path, damage: &Damage) -> Option<String> {
    let placet = match original.open_at(state) {
        Ok(placet) => placet,
        Err(reason) => {
            assert!(may_be_refused(&reason, damage), "{reason}: {damage:?}");
            return Some(reason);
        }
    };
    let status = placet.status();
    assert_eq!(status.policy.sequence, 11, "an older policy decides: {damage:?}");
    are_genuine(&status, damage);
    let denied_well = |decision: &placet::Decision| {
        assert!(decision.allowed || placet::help(&decision.reason).is_some(), "{decision:?}: {damage:?}");
        decision.allowed
    };
    let used = placet.usage(None).expect("the usage");
    let used = used.iter().find(|usage| usage.limit == "tokens").map(|usage| (usage.used, usage.max));
    assert!([None, Some((USED, Some(USED + FREE)))].contains(&used), "{used:?}: {damage:?}");
    assert!(!denied_well(&placet.check("audit").decide().expect("a decision")), "{damage:?}");
    denied_well(&placet.check("sso").decide().expect("a decision"));
    assert!(!denied_well(&placet.consume("tokens", FREE + 1).decide().expect("a decision")), "{damage:?}");
    if denied_well(&placet.consume("tokens", FREE).decide().expect("a decision")) {
        assert!(!denied_well(&placet.consume("tokens", 1).decide().expect("a decision")), "{damage:?}");
    }
    // Whether there is something to go back to depends on what was damaged.
    drop(placet.rollback_install());
    are_genuine(&placet.status(), damage);
    drop(placet.audit_lines(None, 100));
    None
}

/// Nothing but what the vendor signed.
fn are_genuine(status: &Status, damage: &Damage) {
    for license in &status.licenses {
        let signed = [("lic_1", "enterprise"), ("lic_2", "enterprise"), ("lic_2", "basic")];
        assert!(signed.contains(&(&*license.id, &*license.plan)), "{license:?}: {damage:?}");
    }
}

/// Whether an opening says of the damaged file what is wrong with it. What else may be damaged prevents no opening.
fn may_be_refused(reason: &str, damage: &Damage) -> bool {
    let fits = |name: &PathBuf| match name.iter().next().and_then(|first| first.to_str()) {
        Some("install.key") => ["damaged", "swapped", "install-key-missing"].contains(&reason),
        Some("storage.key") => ["storage-key-damaged", "storage-key-missing", "storage-secret-wrong"].contains(&reason),
        Some("policies") => reason.starts_with("policy-") || reason.starts_with("signature-"),
        _ => false,
    };
    let is_needed = |name: &PathBuf| name.extension().is_some_and(|end| end == "key") || name.starts_with("policies");
    let is_directory = damage.what == "a directory" && reason == "state-io";
    damage.to.iter().any(|name| fits(name) || is_directory && is_needed(name))
}

/// Whether the audit log tells of damage.
fn is_told_by_the_log(original: &Original, state: &Path) -> bool {
    let Some(vault) = original.vault(state) else { return true };
    let mut paths = files(&state.join("audit"));
    paths.sort();
    let Ok(read) = paths.iter().map(fs::read).collect::<Result<Vec<_>, _>>() else { return true };
    match verify_audit(read.iter().map(|content| ("log", &**content)), &vault) {
        Ok(summary) => !summary.cut.is_empty() || summary.recovered > 0,
        Err(_) => true,
    }
}

fn try_damages(sealed: bool) {
    let cases = if std::env::var_os("PLACET_LONG").is_some() { 5_000 } else { 100 };
    let before = panics().load(Ordering::Relaxed);
    let original = Original::new(sealed);
    let mut random = Mutator::new(if sealed { 1 } else { 2 });
    let mut refused = BTreeSet::new();
    for _ in 0..cases {
        let temp = tempfile::tempdir().expect("a directory");
        let state = temp.path().join("state");
        original.copy(&state);
        let damage = damage(&original, &state, &mut random);
        match use_it(&original, &state, &damage) {
            Some(reason) => {
                refused.insert(reason);
                // It changed nothing that is needed.
                for name in &damage.to {
                    let path = state.join(name);
                    if path.is_dir() {
                        fs::remove_dir(&path).expect("removes");
                    }
                    fs::write(&path, &original.files[name]).expect("writes");
                }
                let healed = use_it(&original, &state, &Damage { what: "healed", to: Vec::new() });
                assert_eq!(healed, None, "{damage:?}");
            }
            None => {
                let log = damage.to.iter().any(|name| name.starts_with("audit"));
                let is_harmless = damage
                    .to
                    .iter()
                    .all(|name| fs::read(state.join(name)).is_ok_and(|read| read.starts_with(&original.files[name])));
                assert!(!log || is_harmless || is_told_by_the_log(&original, &state), "{damage:?}");
                assert!(
                    log || !is_told_by_the_log(&original, &state),
                    "the log tells of damage that it has not: {damage:?}"
                );
            }
        }
        assert_eq!(panics().load(Ordering::Relaxed), before, "a thread panicked: {damage:?}");
    }
    try_told(&original, &mut random);
    assert!(refused.len() > 3, "{refused:?}");
}

#[test]
fn any_file_of_a_readable_installation_may_be_damaged() {
    try_damages(false);
}

#[test]
fn any_file_of_a_sealed_installation_may_be_damaged() {
    try_damages(true);
}

/// What a process that holds the state directory told is read as it was, or not at all.
fn try_told(original: &Original, random: &mut Mutator) {
    let vault = original.vault(&original.site.path("state")).expect("opens");
    let told = &original.files[Path::new("status.json")];
    let dir = tempfile::tempdir().expect("a directory");
    let read = |content: &[u8]| {
        fs::write(dir.path().join("status.json"), content).expect("writes");
        HolderStatus::read(dir.path(), &vault)
    };
    let whole = read(told).expect("is whole");
    for _ in 0..5_000 {
        match read(&random.mutate(told)) {
            Ok(read) => assert_eq!(read, whole),
            Err(error) => assert_eq!(error.reason(), "holder-unreadable"),
        }
    }
}
