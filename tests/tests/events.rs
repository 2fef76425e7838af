//! What is told of an installation, by what happens to a real one; and that the table of events in the documentation is whole.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use placet::artifact::Manifest;
use placet::{Event, Placet};
use placet_tests::rig::{Site, claims, component, root};
use placet_tests::source::sources;
use serde_json::{Value, json};
use syn::visit::{self, Visit};

/// What a subscriber was told, as `name subject reason`.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn of(placet: &Placet) -> Self {
        let told = Self::default();
        placet.subscribe(told.listener());
        told
    }

    fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let told = self.clone();
        move |event| told.0.lock().unwrap().push(format!("{} {} {}", event.name, event.subject, event.reason))
    }

    /// What it was told since it was asked last.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The audit log of a site that nobody has open, line by line.
fn log(site: &Site) -> Vec<Value> {
    let text = fs::read_to_string(site.path("state/audit/00000000000000000001.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How often the log has an event of this subject.
fn logged(site: &Site, event: &str, subject: &str) -> usize {
    log(site).iter().filter(|line| line["event"] == event && line["subject"] == subject).count()
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[test]
fn counters_that_are_taken_away_are_told_once() {
    let site = Site::known();
    let placet = site.open();
    let told = Told::of(&placet);
    fs::remove_file(site.path("state/counters.redb")).unwrap();
    let began = Instant::now();
    while told.0.lock().unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing is told");
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_secs(6));
    assert_eq!(told.take(), ["store.failed counters.redb counters-missing"]);
}

#[test]
fn what_an_operator_does_and_what_is_denied() {
    let site = Site::known();
    let placet = site.open();
    let told = Told::of(&placet);
    let install = |claims: &Value| placet.install(site.vendor.license(claims).as_bytes(), None).unwrap();
    install(&claims("lic_1"));
    let installed = ["license.adopted lic_1.json adopted", "license.state_changed active active"];
    assert_eq!(told.take(), [&installed[..], &["license.installed lic_1.json installed"]].concat());
    install(&with(claims("lic_1"), "plan", json!("basic")));
    assert_eq!(told.take(), ["license.replaced lic_1.json adopted", "license.installed lic_1.json installed"]);
    placet.rollback_install().unwrap();
    assert_eq!(told.take(), ["license.replaced lic_1.json adopted", "license.installed lic_1.json rolled-back"]);
    // The same again takes the place of nothing.
    install(&claims("lic_1"));
    assert_eq!(told.take(), ["license.installed lic_1.json installed"]);

    // And what can be taken back stays what it was.
    placet.rollback_install().unwrap();
    assert_eq!(placet.status().licenses[0].plan, "basic");
    placet.install(format!("{}\n", site.vendor.license(&claims("lic_1"))).as_bytes(), None).unwrap();
    install(&claims("lic_1"));
    placet.rollback_install().unwrap();
    assert_eq!(placet.status().licenses[0].plan, "basic");
    install(&claims("lic_1"));
    told.take();

    placet.install(b"rubbish", Some("bad.json")).unwrap_err();
    let narrowed = with(claims("lic_3"), "scope", json!({"environments": ["production"]}));
    let refused = placet.install(site.vendor.license(&narrowed).as_bytes(), Some("bad.json")).unwrap_err();
    assert_eq!(refused.to_string(), "the document is refused: fact-missing (`environment`)");
    placet.check("sso").decide().unwrap();
    placet.check("audit").decide().unwrap();
    placet.consume("tokens", 1_001).decide().unwrap();
    placet.remove("lic_1").unwrap();
    assert_eq!(
        told.take(),
        [
            "license.rejected bad.json envelope-invalid",
            "license.rejected bad.json fact-missing",
            "license.feature_blocked audit not-licensed",
            "license.limit_exceeded tokens limit-exceeded",
            "license.state_changed missing missing",
            "license.removed lic_1 removed",
        ]
    );
    install(&claims("lic_2"));
    placet.rollback_install().unwrap();
    assert_eq!(told.take()[3..], ["license.state_changed missing missing", "license.removed lic_2.json rolled-back"]);
    drop(placet);
    assert_eq!((logged(&site, "license.replaced", "lic_1.json"), logged(&site, "license.removed", "lic_1")), (7, 1));
}

#[test]
fn an_upload_that_is_held_in_memory_is_told_as_any_other() {
    let site = Site::known();
    let placet = site.builder().uploads(placet::Uploads::Memory).open().unwrap();
    let told = Told::of(&placet);
    for plan in ["enterprise", "basic"] {
        placet.install(site.vendor.license(&with(claims("lic_1"), "plan", json!(plan))).as_bytes(), None).unwrap();
    }
    placet.reload().unwrap();
    assert_eq!(
        told.take(),
        [
            "license.adopted lic_1.json adopted",
            "license.state_changed active active",
            "license.installed lic_1.json installed",
            "license.replaced lic_1.json adopted",
            "license.installed lic_1.json installed",
        ]
    );
    // The same once more: what can be taken back stays what it was.
    let again = site.vendor.license(&with(claims("lic_1"), "plan", json!("basic")));
    placet.install(again.as_bytes(), None).unwrap();
    placet.rollback_install().unwrap();
    assert_eq!(placet.status().licenses[0].plan, "enterprise");
}

#[test]
fn a_place_that_is_not_there_is_told() {
    let site = Site::known();
    let nowhere = site.path("nowhere.json");
    let told = Told::default();
    let placet = site.builder().licenses(&nowhere).subscribe(told.listener());
    let placet = placet.open().unwrap();
    let rejected = format!("license.rejected {} not-found", nowhere.display());
    let times = |told: Vec<String>| told.iter().filter(|event| **event == rejected).count();
    assert_eq!(times(told.take()), 1);
    placet.reload().unwrap();
    assert_eq!(times(told.take()), 0);
}

#[test]
fn a_file_that_goes_away_is_told_as_its_document_alone() {
    let site = Site::known();
    site.license(&with(claims("lic_1"), "grace", json!({"validation": "3d"})));
    let placet = site.open();
    let told = Told::of(&placet);
    fs::remove_file(site.path("license.json")).unwrap();
    placet.reload().unwrap();
    assert_eq!(told.take(), ["license.rejected license.json file-missing", "license.grace_entered  validation-grace"]);
}

#[test]
fn what_cannot_be_loaded_anew_tells_nothing_of_how_it_stood_then() {
    let site = Site::known();
    let placet = site.open();
    let now = placet.status().evaluated / 1_000;
    placet.install(site.vendor.license(&with(claims("lic_1"), "exp", json!(now + 2))).as_bytes(), None).unwrap();
    let told = Told::of(&placet);
    let began = Instant::now();
    let wait_for = |event: &str| {
        while !told.take().iter().any(|told| told.starts_with(event)) {
            assert!(began.elapsed() < Duration::from_secs(60), "{event}");
            thread::sleep(Duration::from_millis(100));
        }
    };
    wait_for("license.expired");
    fs::remove_file(site.path("state/counters.redb")).unwrap();
    wait_for("store.failed");
    placet.reload().unwrap_err();
    assert_eq!(told.take(), [""; 0]);
}

#[test]
fn a_copy_that_is_not_to_stand_in_enters_no_grace_and_one_that_is_says_for_how_long() {
    for (seconds, entered) in
        [(0, "license.state_changed envelope-invalid invalid"), (30, "license.grace_entered  validation-grace")]
    {
        let site = Site::known();
        let mut license = claims("lic_1");
        license["grace"] = json!({"validation": "72h"});
        site.license(&license);
        let placet = site.builder().validation_grace(Duration::from_secs(seconds)).open().unwrap();
        let told = Told::of(&placet);
        site.put("license.json", "rubbish");
        placet.reload().unwrap();
        assert!(told.take().iter().skip_while(|event| event.starts_with("license.rejected")).eq([entered]));
        let warnings = placet.check("sso").decide().unwrap().warnings;
        assert_eq!(warnings.iter().any(|warning| warning.text.contains("no longer than 30 s")), seconds == 30);
        let reserved = placet.reserve("tokens", 1).decide().unwrap().decision().warnings.clone();
        for warnings in [&warnings, &reserved, &placet.status().warnings, &placet.license().warnings] {
            let told = warnings.iter().filter(|warning| warning.text.contains("`license.json`"));
            assert!(told.clone().all(|warning| warning.text.contains("no longer than 30 s")));
            assert_eq!(told.count(), usize::from(seconds == 30));
        }
        let until = placet.license().until;
        assert!(seconds == 0 || until.unwrap() <= placet.status().evaluated + 30_000);
    }
}

#[test]
fn a_file_that_is_exchanged_is_told_even_if_nothing_ran_meanwhile() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let told = Told::of(&placet);
    site.license(&claims("lic_2"));
    placet.reload().unwrap();
    placet.reload().unwrap();
    assert_eq!(told.take(), ["license.replaced license.json adopted"]);
    site.put("license.json", "rubbish");
    placet.reload().unwrap();
    assert_eq!(
        told.take(),
        ["license.rejected license.json envelope-invalid", "license.state_changed envelope-invalid invalid"]
    );
    // What is put back is what was there.
    site.license(&claims("lic_2"));
    placet.reload().unwrap();
    assert_eq!(told.take(), ["license.state_changed active active"]);
    drop(placet);
    site.license(&claims("lic_3"));
    drop(site.open());
    assert_eq!(logged(&site, "license.adopted", "license.json"), 1);
    assert_eq!(logged(&site, "license.replaced", "license.json"), 2);
}

#[test]
fn a_file_that_goes_bad_is_told_by_name_and_reason_where_its_copy_stands_in_once() {
    let site = Site::known();
    let license = with(claims("lic_1"), "grace", json!({"validation": "3d"}));
    site.license(&license);
    let placet = site.open();
    let told = Told::of(&placet);
    site.put("license.json", "rubbish");
    placet.reload().unwrap();
    placet.reload().unwrap();
    let bad = "license.rejected license.json envelope-invalid";
    assert_eq!(told.take(), [bad, "license.grace_entered  validation-grace"]);
    assert_eq!(placet.status().refused().map(|one| one.name.clone()).collect::<Vec<_>>(), ["license.json"]);
    drop(placet);
    // An opening tells it to those who subscribed before.
    let early = Told::default();
    let placet = site.builder().subscribe(early.listener());
    let placet = placet.open().unwrap();
    assert!(early.take().iter().any(|event| event == bad));
    site.license(&license);
    placet.reload().unwrap();
    assert_eq!(
        (early.take(), placet.status().refused().count()),
        (vec!["license.state_changed active active".to_owned()], 0)
    );
}

#[test]
fn a_license_is_told_at_each_step_to_its_end() {
    let site = Site::known();
    let placet = site.open();
    let told = Told::of(&placet);
    let now = placet.status().evaluated / 1_000;
    let mut license = with(claims("lic_1"), "exp", json!(now + 6));
    license["warn"] = json!({"expiring": "3s"});
    license["grace"] = json!({"expiry": "3s"});
    placet.install(site.vendor.license(&license).as_bytes(), None).unwrap();
    let (began, mut all) = (Instant::now(), Vec::new());
    while !all.iter().any(|event: &String| event.starts_with("license.expired")) {
        assert!(began.elapsed() < Duration::from_secs(60), "{all:?}");
        thread::sleep(Duration::from_millis(100));
        // The thread that looks every few seconds could pass a state over that is as short as these.
        placet.reload().unwrap();
        all.extend(told.take());
    }
    let steps: Vec<_> = all.iter().filter(|event| !event.contains("lic_1.json") && !event.contains("active")).collect();
    assert_eq!(
        steps,
        ["license.expiring  expiring", "license.grace_entered  expiry-grace", "license.expired  expired"]
    );
    drop(placet);
    // Who opens it later is told with the opening.
    drop(site.open());
    let lines = log(&site);
    let last = lines.iter().rfind(|line| line["event"] == "installation.opened").unwrap();
    assert_eq!(last["reason"], "expired");
    assert_eq!(lines.iter().filter(|line| line["event"] == "license.expired").count(), 1);
}

#[test]
fn a_limit_is_warned_of_once_and_beyond_its_maximum_each_time() {
    let site = Site::known();
    let mut license = claims("lic_1");
    license["limits"]["calls"] = json!({"kind": "quota", "max": 10, "enforce": "soft"});
    site.license(&license);
    let placet = site.open();
    let told = Told::of(&placet);
    let consume = |limit: &str, amount| assert!(placet.consume(limit, amount).tenant("t1").decide().unwrap().allowed);
    consume("tokens", 700);
    assert!(placet.preview("tokens", 200).decide().unwrap().allowed);
    assert_eq!(told.take(), [""; 0]);
    consume("tokens", 150);
    consume("tokens", 10);
    assert_eq!(told.take(), ["license.limit_warned tokens usage-high"]);
    (0..20).for_each(|_| consume("calls", 2));
    let warned = told.take();
    assert!(warned.len() > 10 && warned.iter().all(|event| event == "license.limit_warned calls usage-high"));
    drop(placet);
    let lines: Vec<_> = log(&site).into_iter().filter(|line| line["event"] == "license.limit_warned").collect();
    let told: Vec<_> = lines.iter().map(|line| (&line["subject"], &line["tenant"], &line["count"])).collect();
    let rest = json!(warned.len() - 1);
    let (tokens, calls, tenant) = (json!("tokens"), json!("calls"), json!("t1"));
    assert_eq!(told, [(&tokens, &tenant, &Value::Null), (&calls, &tenant, &Value::Null), (&calls, &tenant, &rest)]);
}

#[test]
fn a_policy_that_took_the_place_of_another_is_told_even_if_the_product_brought_it() {
    let site = Site::known();
    let placet = site.open();
    let told = Told::of(&placet);
    let next = site.put("next.wasm", site.vendor.policy(11));
    placet.install_policy(next).unwrap();
    assert_eq!(told.take(), ["policy.changed 1.11.0 adopted"]);
    placet.install_policy(site.path("next.wasm")).unwrap();
    assert_eq!(told.take(), [""; 0], "the same decides as before");
    placet.rollback_policy(site.path("policy.wasm")).unwrap();
    assert_eq!(told.take(), ["policy.changed 1.10.0 policy-rolled-back"]);
    placet.install_policy(site.put("bad.wasm", "rubbish")).unwrap_err();
    assert!(told.take()[0].starts_with("policy.rejected "));
    drop(placet);
    drop(site.open());
    site.put("policy.wasm", site.vendor.policy(12));
    (0..2).for_each(|_| drop(site.open()));
    assert_eq!([10, 11, 12].map(|at| logged(&site, "policy.changed", &format!("1.{at}.0"))), [1, 1, 1]);
}

#[test]
fn a_clock_that_is_behind_what_the_vendor_signed_is_told() {
    let site = Site::known();
    site.license(&claims("lic_1"));
    let placet = site.open();
    let told = Told::of(&placet);
    let mut manifest = serde_json::to_value(site.vendor.manifest(11)).unwrap();
    manifest["issued"] = json!(placet.status().evaluated / 1_000 + 3_600);
    let manifest = Manifest::from_json(&manifest.to_string()).unwrap();
    let ahead = site.put("ahead.wasm", site.vendor.policy_of(component(), &manifest));
    placet.install_policy(ahead).unwrap();
    (0..2).for_each(|_| assert!(placet.reload().unwrap().usable));
    assert_eq!(told.take().iter().filter(|event| *event == "clock.rollback  clock-rollback").count(), 1);
    drop(placet);
    // It is still so.
    drop(site.open());
    assert_eq!(log(&site).iter().filter(|line| line["event"] == "clock.rollback").count(), 2);
}

/// What events are about: the first words of their names.
const WORDS: [&str; 10] =
    ["audit", "clock", "counters", "decision", "installation", "license", "policy", "report", "reservation", "store"];

/// Collects the texts that are names of events.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        let text = literal.value();
        if is_event(&text) {
            self.0.insert(text);
        }
        visit::visit_lit_str(self, literal);
    }
}

fn is_event(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    // Files are named likewise.
    text.split_once('.').is_some_and(|(about, what)| WORDS.contains(&about) && is_word(what) && what != "redb")
}

#[test]
fn every_event_has_its_row_in_the_documentation_and_every_row_its_event() {
    let mut names = Names::default();
    sources(&root().join("host/engine")).iter().for_each(|file| names.visit_file(&file.syntax));
    let text = fs::read_to_string(root().join("docs/evidence.md")).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let rows = cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`').to_owned());
    assert_eq!(rows.filter(|name| is_event(name)).collect::<BTreeSet<_>>(), names.0);
}
