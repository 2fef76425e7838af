//! The command says of a running service what it says of an installation that it opens: the same lines, the same exit codes.

use crate::mask::masked;
use crate::service::{Service, Site};
use crate::support::Run;
use crate::tls::{P256, marked_certificate};

/// Two installations that begin alike: one that each command opens, and one that a service has.
struct Twins {
    here: Site,
    there: Site,
    service: Service,
}

const HERE: [&str; 8] =
    ["--state", "state", "--license", "license.json", "--policy", "policy.wasm", "--root", "TEST-root.pub"];

impl Twins {
    fn new() -> Self {
        let here = Site::without_license();
        issue(&here, "license.json", &["--expires", "1y"]);
        issue(&here, "renewed.json", &["--expires", "2y", "--id", "lic_2", "--limit", "extra=quota:5"]);
        here.0.write("rubbish.json", "rubbish");
        let pack = ["policy", "pack", "--name", "acme/router", "--version", "1.1.0", "--sequence", "2"];
        let sign = ["--trust", "TEST-license.pub", "--key", "TEST-root.key", "--out", "next.wasm"];
        here.0.done(&[&pack[..], &sign].concat());
        let there = Site::without_license();
        for name in ["TEST-root.pub", "policy.wasm", "next.wasm", "license.json", "renewed.json", "rubbish.json"] {
            std::fs::copy(here.0.path(name), there.0.path(name)).unwrap();
        }
        let service = there.serve(&[]);
        Self { here, there, service }
    }

    fn there(&self, command: &[&str]) -> Run {
        let server = ["--server", &self.service.address, "--server-token-file", "state/admin.token"];
        self.there.0.run(&[command, &server].concat())
    }

    /// Says both the same?
    fn same(&self, command: &[&str]) -> (Run, Run) {
        let (here, there) = (self.here.0.run(&[command, &HERE].concat()), self.there(command));
        let shown = |run: &Run, site: &Site| {
            let folder = site.0.path("");
            format!("{}\n{}\n= {}", masked(&run.out, &folder), masked(&run.err, &folder), run.code)
        };
        let (told, other) = (shown(&here, &self.here), shown(&there, &self.there));
        let apart = told.lines().zip(other.lines()).find(|(told, other)| told != other);
        assert!(told == other, "{command:?}: {apart:?}\n{told}\n{other}");
        (here, there)
    }

    /// In both forms.
    fn twice(&self, command: &[&str], code: i32) {
        for format in ["text", "json"] {
            let (run, _) = self.same(&[command, &["--format", format]].concat());
            assert_eq!(run.code, code, "{command:?}: {}{}", run.out, run.err);
        }
    }
}

/// Without a rate, which a command that ends cannot count.
fn issue(site: &Site, out: &str, more: &[&str]) {
    let new = ["license", "new", "--customer", "Globex GmbH", "--product", "acme/router", "--plan", "enterprise"];
    let limits = [
        "tokens=quota:1000,refund",
        "objects=gauge:5,per=tenant",
        "users=seats:2,per=tenant",
        "cores=seats:64,ttl=10m",
    ];
    let limits: Vec<_> = limits.into_iter().flat_map(|limit| ["--limit", limit]).collect();
    let sign = ["--feature", "sso", "--key", "TEST-license.key", "--out", out];
    site.0.done(&[&new[..], &limits, more, &sign].concat());
}

#[test]
fn decisions_are_told_alike() {
    let twins = Twins::new();
    twins.twice(&["status"], 0);
    twins.twice(&["usage"], 0);
    twins.twice(&["check", "sso"], 0);
    twins.twice(&["check", "sso", "--detail", "access=read"], 0);
    twins.twice(&["check", "audit"], 1);
    twins.twice(&["check", ""], 1);
    twins.twice(&["preview", "tokens", "100", "--and", "objects=2", "--tenant", "t1"], 0);
    twins.twice(&["consume", "tokens", "100", "--once", "request-1"], 0);
    twins.twice(&["consume", "tokens", "101", "--once", "request-1"], 1);
    twins.twice(&["consume", "tokens", "300"], 0);
    twins.twice(&["consume", "tokens", "901"], 1);
    twins.twice(&["credit", "tokens", "50", "--once", "request-1"], 0);
    twins.twice(&["measure", "objects", "3", "--tenant", "t1"], 0);
    twins.twice(&["measure", "objects", "9", "--tenant", "t1"], 1);
    twins.twice(&["consume", "nothing", "1"], 1);
    twins.twice(&["usage"], 0);
    twins.twice(&["usage", "--tenant", "t1"], 0);
    twins.twice(&["seats", "claim", "users", "ada", "--tenant", "t1"], 0);
    twins.twice(&["seats", "claim", "cores", "m1", "--weight", "8", "--ttl", "5m"], 0);
    twins.twice(&["seats", "claim", "cores", "m2", "--weight", "60"], 1);
    twins.twice(&["seats", "list", "users", "--tenant", "t1"], 0);
    twins.twice(&["seats", "list", "cores", "--after", "m1"], 0);
    twins.twice(&["seats", "list", "tokens"], 2);
    twins.same(&["seats", "evict", "cores", "m1"]);
    twins.twice(&["seats", "evict", "cores", "m1"], 1);
    twins.twice(&["seats", "release", "users", "ada", "--tenant", "t1"], 0);
}

#[test]
fn the_document_that_is_to_blame_is_told_alike() {
    let mut twins = Twins::new();
    twins.service.signal("-TERM");
    twins.service.ended();
    for site in [&twins.here, &twins.there] {
        std::fs::write(site.0.path("license.json"), r#"{"payload":"e30","protected":"e30","signature":""}"#).unwrap();
    }
    twins.service = twins.there.serve(&[]);
    twins.twice(&["check", "sso"], 1);
    let (here, _) = twins.same(&["check", "sso"]);
    assert!(here.out.contains("document: license.json"), "{}", here.out);
}

#[test]
fn what_was_used_before_is_told_alike() {
    let mut twins = Twins::new();
    twins.twice(&["status"], 0);
    // A sample is taken when an installation is closed, as each command closes it.
    twins.service.signal("-TERM");
    twins.service.ended();
    twins.service = twins.there.serve(&[]);
    let (here, _) = twins.same(&["usage", "--history"]);
    assert!(here.out.contains("tokens: 0") && here.out.contains("not enough samples"), "{}", here.out);
    twins.twice(&["usage", "--history", "--hours", "--since", "2026-01-01"], 0);
    twins.twice(&["usage", "--history", "--tenant", "t1"], 0);
}

#[test]
fn reservations_are_settled_alike() {
    let twins = Twins::new();
    let reserve = ["reserve", "tokens", "400", "--once", "request-1"];
    let (here, there) = twins.same(&reserve);
    let id = |run: &Run| run.out.split("reservation: ").nth(1).unwrap().trim().to_owned();
    let folder = twins.here.0.path("");
    for (command, more, code) in [("settle", Some("150"), 0), ("settle", Some("151"), 2), ("release", None, 2)] {
        let (here, there) = (id(&here), id(&there));
        let line = |id| [Some(command), Some(id), more].into_iter().flatten().collect::<Vec<&str>>();
        let (here, there) = (twins.here.0.run(&[&line(&here), &HERE[..]].concat()), twins.there(&line(&there)));
        assert_eq!((masked(&here.out, &folder), here.code), (masked(&there.out, &folder), there.code), "{}", there.err);
        assert_eq!((masked(&here.err, &folder), code), (masked(&there.err, &folder), there.code));
    }
    twins.twice(&["reserve", "tokens", "5000"], 1);
    let (here, _) = twins.same(&["reserve", "tokens", "5", "--and", "nothing=1"]);
    assert!(here.out.contains("limit: nothing"), "{}", here.out);
    twins.twice(&["reserve", "tokens", "5", "--once", "request-1"], 1);
    twins.twice(&["settle", "none", "5"], 2);
    twins.twice(&["release", "a/b?c"], 2);
}

#[test]
fn licenses_and_policies_are_installed_and_taken_back_alike() {
    let twins = Twins::new();
    twins.twice(&["install", "renewed.json", "--dry-run"], 0);
    twins.same(&["install", "renewed.json"]);
    twins.twice(&["install", "rubbish.json"], 3);
    twins.same(&["license", "rollback"]);
    twins.same(&["license", "rollback"]);
    twins.twice(&["status"], 0);
    twins.twice(&["policy", "list"], 0);
    twins.same(&["policy", "install", "next.wasm"]);
    twins.twice(&["policy", "list"], 0);
    twins.same(&["policy", "rollback", "policy.wasm"]);
    twins.twice(&["status"], 0);
    // What is refused is refused for the same reason, if not in the same words.
    let (here, there) = (
        twins.here.0.run(&[&["policy", "install", "rubbish.json", "--format", "json"], &HERE[..]].concat()),
        twins.there(&["policy", "install", "rubbish.json", "--format", "json"]),
    );
    let reason = |run: &Run| serde_json::from_str::<serde_json::Value>(&run.err).unwrap()["reason"].clone();
    assert_eq!((here.code, reason(&here)), (3, reason(&there)), "{}", there.err);
    assert_eq!(there.code, 3);
}

#[test]
fn a_service_is_asked_by_a_socket_with_a_token_and_by_nobody_without() {
    let site = Site::new();
    let service = site.serve(&["--listen-unix", "placet.sock"]);
    let ask = |more: &[&str]| site.0.run(&[&["check", "sso", "--server", &service.address], more].concat());
    let known = ask(&["--server-token-file", "state/admin.token"]);
    assert_eq!((known.code, &*known.out), (0, "allowed: granted\n"), "{}", known.err);
    let unknown = ask(&[]);
    assert!(unknown.code == 2 && unknown.err.contains("token"), "{}", unknown.err);
    site.0.write("wrong.token", "TEST-nonsense");
    let wrong = ask(&["--server-token-file", "wrong.token"]);
    assert!(wrong.code == 2 && !wrong.err.contains("TEST"), "{}", wrong.err);
    site.0.write("two.token", "TEST-one\nTEST-two");
    let none = ask(&["--server-token-file", "two.token"]);
    assert!(none.code == 2 && none.err.contains("the token for the service is none"), "{}", none.err);
    assert!(!none.err.contains("TEST"), "{}", none.err);
    drop(service);
    let gone = site.0.run(&["check", "sso", "--server", "unix:placet.sock", "--server-token-file", "wrong.token"]);
    assert!(gone.code == 2 && gone.err.contains("does not answer"), "{}", gone.err);
    let other = site.0.run(&["check", "sso", "--server", "ftp://127.0.0.1:1"]);
    assert!(other.code == 2 && other.err.contains("unix:PATH"), "{}", other.err);
}

#[test]
fn a_service_that_speaks_tls_is_asked_where_its_certificate_is_known() {
    let site = Site::new();
    for (name, marked) in [("shown", "FALSE"), ("other", "FALSE"), ("marked", "TRUE")] {
        marked_certificate(&site, name, &P256, marked);
    }
    let service = site.serve(&["--listen-tls-certificate", "shown.pem", "--listen-tls-key", "shown.key"]);
    let ask = |more: &[&str]| {
        let server = ["check", "sso", "--server", &service.address, "--server-token-file", "state/admin.token"];
        site.0.run(&[&server[..], more].concat())
    };
    let known = ask(&["--server-ca", "shown.pem"]);
    assert_eq!((known.code, &*known.out), (0, "allowed: granted\n"), "{}", known.err);
    for (more, said) in [
        (&["--server-ca", "other.pem"][..], "service-untrusted"),
        (&["--server-ca", "license.json"], "not PEM with certificates"),
        (&[], "--server-ca"),
    ] {
        let refused = ask(more);
        assert!(refused.code == 2 && refused.err.contains(said), "{more:?}: {}", refused.err);
    }
    drop(service);
    // As `openssl req -x509` makes one unless it is told otherwise.
    let service = site.serve(&["--listen-tls-certificate", "marked.pem", "--listen-tls-key", "marked.key"]);
    let port = service.address.rsplit_once(':').unwrap().1;
    for (place, known, code) in [
        (&*service.address, "marked.pem", 0),
        (&*format!("https://localhost:{port}"), "marked.pem", 2),
        (&*service.address, "shown.pem", 2),
    ] {
        let more = ["--server", place, "--server-token-file", "state/admin.token", "--server-ca", known];
        let asked = site.0.run(&[&["check", "sso"][..], &more].concat());
        assert_eq!(asked.code, code, "{place} {known}: {}", asked.err);
    }
}
