//! Where a license comes from, and what else is told to the service at its start.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::service::{Service, Site};

fn allows(service: &Service) -> bool {
    service.post("/v1/check", &json!({"feature": "sso"})).json()["allowed"] == true
}

#[test]
fn a_license_by_value_comes_from_a_flag_a_variable_a_file_or_a_variable_that_the_product_has() {
    let site = Site::without_license();
    let new = ["license", "new", "--customer", "Globex GmbH", "--product", "acme/router", "--expires", "1y"];
    site.0
        .done(&[&new[..], &["--feature", "sso", "--key", "TEST-license.key", "--compact", "--out", "token"]].concat());
    let token = site.0.read("token").trim().to_owned();
    assert!(!allows(&site.serve(&[])));
    let serve = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
        command.args(["serve", "--config", "placet.yaml", "--root", "TEST-root.pub"]).args(more);
        Service::start(&site, command.envs(variables.iter().copied()))
    };
    for (variables, more) in [
        (&[][..], &["--license-token", &token][..]),
        (&[("PLACET_LICENSE_TOKEN", &*token)], &[]),
        (&[], &["--license-token-file", "token"]),
        (&[("ACME_LICENSE", &token)], &["--license-token-env", "ACME_LICENSE"]),
        // A variable that is set to nothing is not set.
        (&[("PLACET_LICENSE_TOKEN", ""), ("PLACET_LICENSE", "")], &["--license-token", &token]),
    ] {
        assert!(allows(&serve(variables, more)), "{variables:?} {more:?}");
    }
}

#[test]
fn a_license_is_read_again_by_itself() {
    let site = Site::without_license();
    let service = site.serve(&["--license-watch-interval", "1h", "--license-recheck-interval", "1s"]);
    assert!(!allows(&service));
    site.license("license.json", &["--expires", "1y"]);
    let began = Instant::now();
    while !allows(&service) {
        assert!(began.elapsed() < Duration::from_secs(30), "it is not read again");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_the_product_tells_of_itself_and_what_opens_a_license_are_told_by_the_configuration() {
    let site = Site::without_license();
    site.license("license.json", &["--expires", "1y", "--scope-environment", "production"]);
    assert!(!allows(&site.serve(&[])));
    assert!(!allows(&site.serve(&["--fact", "environment=test"])));
    let config = site.0.read("placet.yaml");
    site.0.write("placet.yaml", config + "facts: {environment: production}\nsecret_files: [seal=TEST-seal]\n");
    let secret =
        <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string(b"TEST a secret of the operator 32");
    site.0.write("TEST-seal", secret + "\n");
    assert!(allows(&site.serve(&[])));
    site.license("license.json", &["--expires", "1y", "--encrypt-with", "seal=TEST-seal"]);
    assert!(allows(&site.serve(&[])));
    site.0.write("placet.yaml", site.0.read("placet.yaml").replace("seal=", "other="));
    assert!(!allows(&site.serve(&["--license-grace-period-on-validation-error", "0s"])));
}

#[test]
fn a_storage_secret_comes_from_a_variable() {
    let site = Site::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
    command.args(["serve", "--config", "placet.yaml", "--root", "TEST-root.pub"]);
    let secret = "TEST storage secret of 32 bytes or more";
    let service = Service::start(&site, command.env("PLACET_STORAGE_SECRET", secret));
    assert_eq!(service.get("/v1/status").json()["sealed"], true);
    drop(service);
    let (code, said) = site.refused(&[]);
    assert!(code == 2 && said.contains("storage-secret-missing"), "{said}");
}

#[test]
fn where_the_counters_give_no_answer_it_is_503_or_a_denial_that_names_it() {
    let site = Site::new();
    let serve = |more: &[&str]| {
        let mut shell = Command::new("sh");
        let script = "trap '' XFSZ; exec \"$0\" serve --config placet.yaml --root TEST-root.pub \"$@\"";
        let service = Service::start(&site, shell.args(["-c", script]).arg(env!("CARGO_BIN_EXE_placet")).args(more));
        // As on a full disk: a file that would grow cannot be written.
        let length = std::fs::metadata(site.0.path("state/counters.redb")).unwrap().len();
        let (process, limit) = (service.id().to_string(), format!("--fsize={length}"));
        assert!(Command::new("prlimit").args(["--pid", &process, &limit]).status().unwrap().success());
        service
    };
    let consume = |service: &Service, path: &str, at: usize| {
        let tenant = format!("{at:0>200}");
        let charge = json!({"charges": [{"limit": "objects", "amount": 1}], "context": {"tenant": tenant}});
        service.post(path, &charge)
    };
    // Until there is no room.
    let service = serve(&[]);
    service.wait_for_rate();
    let failed = (0..20_000).map(|at| consume(&service, "/v1/consume", at)).find(|answer| answer.status != 200);
    let failed = failed.unwrap();
    let reason = failed.json()["reason"].as_str().unwrap().to_owned();
    assert_eq!((failed.status, failed.header("content-type")), (503, "application/problem+json"), "{failed:?}");
    let enforced = consume(&service, "/v1/enforce/consume", 50_000);
    assert_eq!((enforced.status, enforced.json()["reason"].clone()), (503, reason.clone().into()), "{enforced:?}");
    let tenant = [("placet-tenant", "t1"), ("placet-charge", "tokens=1")];
    assert_eq!(service.ask("GET", "/v1/enforce/request", &tenant, "").status, 503);
    // What counts nothing is decided on.
    assert!(allows(&service));
    let figures = service.get("/metrics").text;
    assert!(figures.contains(&format!("placet_license_failures_total{{reason=\"{reason}\"}}")), "{figures}");
    drop(service);
    let service = serve(&["--fail-mode", "closed"]);
    let denied = (0..20_000)
        .map(|at| consume(&service, "/v1/consume", 30_000 + at))
        .find(|answer| answer.json()["allowed"] == false);
    let denied = denied.unwrap();
    assert_eq!((denied.status, denied.json()["reason"].clone()), (200, reason.into()), "{denied:?}");
}
