//! Licenses that change while the service runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::service::{Service, Site};

/// Waits until the license grants so many of `extra`.
fn wait_for(service: &Service, extra: u64) {
    let began = Instant::now();
    while service.get("/v1/license").json()["limits"]["extra"] != extra {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "the change is not seen: {}",
            service.get("/v1/license").text
        );
        thread::sleep(Duration::from_millis(50));
    }
}

fn issue(site: &Site, out: &str, extra: u64) {
    site.license(
        out,
        &["--expires", "1y", "--grace-validation", "3d", "--id", "lic_1", "--limit", &format!("extra=quota:{extra}")],
    );
}

#[test]
fn a_changed_file_is_seen_written_renamed_and_behind_a_link_that_turns() {
    let site = Site::without_license();
    let service = site.serve(&["--license-watch-interval", "100ms"]);
    issue(&site, "license.json", 1);
    wait_for(&service, 1);
    issue(&site, "next.json", 2);
    std::fs::rename(site.0.path("next.json"), site.0.path("license.json")).unwrap();
    wait_for(&service, 2);
    drop(service);

    // As Kubernetes mounts it.
    for (index, extra) in [3_u64, 4].into_iter().enumerate() {
        std::fs::create_dir_all(site.0.path(&format!("mount/..v{index}"))).unwrap();
        issue(&site, &format!("mount/..v{index}/license.json"), extra);
    }
    let link = |to: &str| {
        std::os::unix::fs::symlink(to, site.0.path("mount/..next")).unwrap();
        std::fs::rename(site.0.path("mount/..next"), site.0.path("mount/..data")).unwrap();
    };
    link("..v0");
    std::os::unix::fs::symlink("..data/license.json", site.0.path("mount/license.json")).unwrap();
    let service = site.serve(&["--license", "mount", "--license-watch-interval", "100ms"]);
    wait_for(&service, 3);
    link("..v1");
    wait_for(&service, 4);
}

#[test]
fn a_signal_reloads_and_a_bad_file_is_told_while_what_held_holds_on() {
    let site = Site::without_license();
    issue(&site, "license.json", 1);
    let mut service = site.serve(&["--license-watch-interval", "1h"]);
    issue(&site, "next.json", 2);
    std::fs::rename(site.0.path("next.json"), site.0.path("license.json")).unwrap();
    assert_eq!(service.get("/v1/license").json()["limits"]["extra"], 1);
    service.signal("-HUP");
    wait_for(&service, 2);

    site.0.write("license.json", "rubbish");
    service.signal("-HUP");
    let line = service.logged("license.rejected");
    assert!(line.contains("WARN") && line.contains("license.json") && line.contains("envelope-invalid"), "{line}");
    service.logged("validation-grace");
    let told = |service: &Service, subject: &str| {
        let lines = service.get("/v1/audit").json();
        let is_it = |line: &&serde_json::Value| line["event"] == "license.rejected" && line["subject"] == subject;
        lines.as_array().unwrap().iter().filter(is_it).count()
    };
    let license = service.get("/v1/license").json();
    assert_eq!((license["usable"].clone(), license["grace_active"].clone()), (true.into(), true.into()), "{license}");
    assert_eq!(license["limits"]["extra"], 2);
    assert_eq!(service.get("/readyz").status, 200);
    let document = service.get("/v1/status").json()["documents"][0].clone();
    assert_eq!((document["recovered"].clone(), document["reason"].clone()), (true.into(), "envelope-invalid".into()));
    let figures = service.get("/metrics").text;
    for line in [
        "placet_license_grace_active 1",
        "placet_license_state{state=\"grace\"} 1",
        "placet_license_documents_refused 1",
    ] {
        assert!(figures.contains(&format!("\n{line}\n")), "{line}\n{figures}");
    }
    // What is known is not told again.
    service.signal("-HUP");
    service.logged("licenses were read anew");
    let began = Instant::now();
    while told(&service, "license.json") != 1 {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", service.get("/v1/audit").text);
        thread::sleep(Duration::from_millis(50));
    }
    drop(service);
    // It is at the next start.
    let service = site.serve(&[]);
    assert!(service.log.contains("license.rejected") && service.log.contains("installation.opened"), "{}", service.log);
    drop(service);

    // Without a copy that could stand in.
    let site = Site::without_license();
    site.0.write("license.json", "rubbish");
    let service = site.serve(&[]);
    let line =
        service.log.lines().find(|line| line.contains("license.rejected")).unwrap_or_else(|| panic!("{}", service.log));
    assert!(line.contains("WARN") && line.contains("license.json") && line.contains("envelope-invalid"), "{line}");
    let figures = service.get("/metrics").text;
    assert!(figures.contains("\nplacet_license_documents_refused 1\n"), "{figures}");
}

#[test]
fn a_license_that_is_replaced_again_and_again_under_load_gives_no_wrong_answer() {
    let replacements = if std::env::var_os("PLACET_LONG").is_some() { 10_000 } else { 1_000 };
    let site = Site::without_license();
    for extra in 0..2 {
        issue(&site, &format!("{extra}.json"), extra + 1);
    }
    site.0.write("license.json", site.0.read("0.json"));
    let service = site.serve(&["--license-watch-interval", "1h"]);
    let (done, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let yes = service.post("/v1/check", &json!({"feature": "sso"}));
                    assert!(yes.status == 200 && yes.json()["allowed"] == true, "{yes:?}");
                    let no = service.post("/v1/check", &json!({"feature": "audit"}));
                    assert!(no.status == 200 && no.json()["reason"] == "not-licensed", "{no:?}");
                    asked.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        for turn in 0..replacements {
            std::fs::copy(site.0.path(&format!("{}.json", turn % 2)), site.0.path("next.json")).unwrap();
            std::fs::rename(site.0.path("next.json"), site.0.path("license.json")).unwrap();
            service.signal("-HUP");
            thread::sleep(Duration::from_millis(10));
        }
        done.store(true, Ordering::Relaxed);
    });
    wait_for(&service, 2);
    assert!(asked.load(Ordering::Relaxed) > 100);
}
