//! Who may ask for what.

use std::os::unix::fs::PermissionsExt as _;

use crate::service::{Service, Site};

/// Every route, and the least of the roles that may: `open`, `caller`, `owner` or `admin`.
pub(crate) const ROUTES: [(&str, &str, &str); 37] = [
    ("GET", "/healthz", "open"),
    ("GET", "/readyz", "open"),
    ("GET", "/metrics", "caller"),
    ("GET", "/v1/openapi.json", "caller"),
    ("GET", "/v1/reasons", "caller"),
    ("POST", "/v1/check", "caller"),
    ("POST", "/v1/preview", "caller"),
    ("POST", "/v1/consume", "caller"),
    ("POST", "/v1/credit", "caller"),
    ("POST", "/v1/measure", "caller"),
    ("POST", "/v1/seats", "caller"),
    ("DELETE", "/v1/seats", "caller"),
    ("GET", "/v1/seats", "caller"),
    ("POST", "/v1/reserve", "caller"),
    ("POST", "/v1/reserve/{id}/settle", "caller"),
    ("POST", "/v1/reserve/{id}/release", "caller"),
    ("POST", "/v1/enforce/check", "caller"),
    ("POST", "/v1/enforce/consume", "caller"),
    ("POST", "/v1/enforce/seats", "caller"),
    ("GET", "/v1/enforce/request", "caller"),
    ("POST", "/v1/enforce/request", "caller"),
    ("PURGE", "/v1/enforce/request", "caller"),
    ("GET", "/v1/enforce/request/", "caller"),
    ("GET", "/v1/enforce/request/{path}", "caller"),
    ("GET", "/v1/license", "owner"),
    ("GET", "/v1/usage", "owner"),
    ("GET", "/v1/usage/history", "owner"),
    ("POST", "/v1/license", "admin"),
    ("POST", "/v1/license?dry_run=true", "admin"),
    ("POST", "/v1/license/rollback", "admin"),
    ("GET", "/v1/status", "admin"),
    ("POST", "/v1/status/preview", "admin"),
    ("GET", "/v1/audit", "admin"),
    ("GET", "/admin/license/status", "admin"),
    ("GET", "/v1/policy", "admin"),
    ("POST", "/v1/policy", "admin"),
    ("POST", "/v1/policy/rollback", "admin"),
];

const ROLES: [&str; 4] = ["open", "caller", "owner", "admin"];

/// A service with a token of each role, and a caller's and an owner's that are bound to the tenant `t1`.
fn service(site: &Site) -> (Service, impl Fn(&str) -> String + '_) {
    service_with(site, &[])
}

/// The same, with these arguments besides.
fn service_with<'a>(site: &'a Site, more: &[&str]) -> (Service, impl Fn(&str) -> String + 'a) {
    let mut entries = String::new();
    for (role, name, more) in [
        ("caller", "caller", &[][..]),
        ("owner", "owner", &["--tenant", "t1"]),
        ("admin", "admin", &[]),
        ("caller", "bound", &["--tenant", "t1"]),
    ] {
        let out = format!("{name}.token");
        let made = ["token", "new", "--role", role, "--name", name, "--out", &out];
        entries += &site.0.done(&[&made[..], more].concat());
        assert_eq!(std::fs::metadata(site.0.path(&out)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    site.0.write("credentials.yaml", entries);
    let service = site.serve(&[&["--credentials-file", "credentials.yaml"], more].concat());
    assert!(!site.0.path("state/admin.token").exists());
    (service, |name: &str| format!("Bearer {}", site.0.read(&format!("{name}.token")).trim()))
}

#[test]
fn every_route_lets_in_the_roles_that_may_and_no_others() {
    let routes = include_str!("../../../sidecar/src/api/mod.rs").matches(".route(").count();
    let paths: std::collections::BTreeSet<_> = ROUTES
        .iter()
        .map(|(_, path, role)| (path.split('?').next(), *path == "/v1/license" && *role == "admin"))
        .collect();
    assert_eq!(paths.len(), routes, "a route is missing here, or one too many");

    let site = Site::new();
    let (service, bearer) = service(&site);
    for (method, path, least) in ROUTES {
        let least = ROLES.iter().position(|role| *role == least).unwrap();
        for (rank, role) in ROLES.iter().enumerate() {
            let token = if rank == 0 { String::new() } else { bearer(role) };
            let mut headers = vec![("content-type", "application/json")];
            if rank > 0 {
                headers.push(("authorization", &*token));
            }
            let answer = service.ask(method, path, &headers, "");
            let refused = match (rank >= least, rank) {
                (true, _) => None,
                (false, 0) => Some((401, "token-unknown")),
                (false, _) => Some((403, "role-refused")),
            };
            match refused {
                Some((status, reason)) => {
                    assert_eq!(
                        (answer.status, answer.json()["reason"].as_str()),
                        (status, Some(reason)),
                        "{role} {method} {path}"
                    );
                    assert_eq!(answer.header("www-authenticate"), if status == 401 { "Bearer" } else { "" });
                }
                None => assert!(
                    answer.status != 401 && !(answer.status == 403 && answer.text.contains("role-refused")),
                    "{role} {method} {path}: {answer:?}"
                ),
            }
        }
    }
    let wrong = service.ask(
        "GET",
        "/v1/license",
        &[("authorization", "Bearer placet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
        "",
    );
    assert_eq!(wrong.status, 401);
}

#[test]
fn owners_install_where_that_is_set_and_callers_never_do() {
    let site = Site::without_license();
    site.license("first.json", &["--expires", "1y"]);
    let (service, bearer) = service_with(&site, &["--install-role", "owner"]);
    let install = |role: &str| {
        service.ask("POST", "/v1/license", &[("authorization", &bearer(role))], &site.0.read("first.json"))
    };
    for role in ["caller", "bound"] {
        assert_eq!(
            (install(role).status, install(role).json()["reason"].clone()),
            (403, "role-refused".into()),
            "{role}"
        );
    }
    let installed = install("owner");
    assert_eq!((installed.status, installed.json()["status"].clone()), (200, "valid".into()), "{installed:?}");
    // Of what is used, it is told that of its tenant alone.
    let usage = installed.json()["usage"].clone();
    assert!(usage.as_array().unwrap().iter().all(|usage| usage["tenant"] == "t1"), "{usage}");
    let headers = [("authorization", &*bearer("owner"))];
    assert_eq!(service.ask("POST", "/v1/license/rollback", &headers, "").status, 403);
    assert_eq!(install("admin").status, 200);
}

#[test]
fn a_bound_token_speaks_for_its_tenant_alone() {
    let site = Site::new();
    let (service, bearer) = service(&site);
    let token = bearer("bound");
    let ask = |body: &str| {
        service.ask("POST", "/v1/measure", &[("content-type", "application/json"), ("authorization", &token)], body)
    };
    let own = ask(r#"{"charge": {"limit": "objects", "amount": 3}}"#);
    assert_eq!((own.status, own.json()["usage"][0]["tenant"].clone()), (200, "t1".into()), "{own:?}");
    for body in [
        r#"{"charge": {"limit": "objects", "amount": 1}, "context": {"tenant": "t2"}}"#,
        r#"[{"charge": {"limit": "objects", "amount": 1}}, {"charge": {"limit": "objects", "amount": 1}, "context": {"tenant": "t2"}}]"#,
    ] {
        let other = ask(body);
        assert_eq!((other.status, other.json()["reason"].clone()), (403, "tenant-refused".into()), "{other:?}");
    }
    for (method, path, header) in [
        ("GET", "/v1/seats?limit=users&tenant=t2", ""),
        ("DELETE", "/v1/seats?limit=users&tenant=t2&holder=ada", ""),
        ("GET", "/v1/enforce/request", "t2"),
        ("POST", "/v1/enforce/check", "t2"),
        ("POST", "/v1/reserve", "t2"),
    ] {
        let body = match path {
            "/v1/enforce/check" => r#"{"feature": "sso", "context": {"tenant": "t2"}}"#,
            "/v1/reserve" => r#"{"charges": [{"limit": "tokens", "amount": 1}], "context": {"tenant": "t2"}}"#,
            _ => "",
        };
        let headers = [("content-type", "application/json"), ("authorization", &*token), ("placet-tenant", header)];
        let answer = service.ask(method, path, &headers, body);
        assert_eq!(
            (answer.status, answer.json()["reason"].clone()),
            (403, "tenant-refused".into()),
            "{path}: {answer:?}"
        );
    }
    // An owner sees what its tenant uses, and nothing of others.
    let owner = bearer("owner");
    let usage = service.ask("GET", "/v1/usage", &[("authorization", &owner)], "").json();
    assert_eq!(usage[0]["limit"], "objects", "{usage}");
    assert!(usage.as_array().unwrap().iter().all(|usage| usage["tenant"] == "t1"), "{usage}");
    assert_eq!(service.ask("GET", "/v1/usage?tenant=t2", &[("authorization", &owner)], "").status, 403);
    let license = service.ask("GET", "/v1/license", &[("authorization", &owner)], "").json();
    assert!(license["usage"].as_array().unwrap().iter().all(|usage| usage["tenant"] == "t1"), "{license}");
}

#[test]
fn a_bound_token_moves_and_sees_the_place_of_its_tenant_alone_where_tenants_hold_the_seats() {
    let site = Site::new();
    let (service, bearer) = service(&site);
    let (caller, bound) = (bearer("caller"), bearer("bound"));
    let ask = |token: &str, method: &str, path: &str, body: &str| {
        service.ask(method, path, &[("content-type", "application/json"), ("authorization", token)], body)
    };
    let claim = |holder: &str| format!(r#"{{"charge": {{"limit": "tenants", "amount": 1}}, "holder": "{holder}"}}"#);
    assert_eq!(ask(&caller, "POST", "/v1/enforce/seats", &claim("t2")).status, 204);
    let two = r#"{"charge": {"limit": "tenants", "amount": 2}, "holder": "t1"}"#;
    let twice = r#"{"charges": [{"limit": "tenants", "amount": 1}, {"limit": "objects", "amount": 1}, {"limit": "tenants", "amount": 1}]}"#;
    for (method, path, body) in [
        ("POST", "/v1/seats", two.to_owned()),
        ("POST", "/v1/enforce/seats", two.to_owned()),
        ("POST", "/v1/consume", twice.to_owned()),
        ("POST", "/v1/enforce/consume", twice.to_owned()),
        ("POST", "/v1/reserve", twice.to_owned()),
        ("POST", "/v1/seats", claim("evil1")),
        ("POST", "/v1/seats", format!("[{}, {}]", claim("t1"), claim("t2"))),
        ("POST", "/v1/enforce/seats", claim("evil1")),
        ("DELETE", "/v1/seats?limit=tenants&holder=t2", String::new()),
    ] {
        let answer = ask(&bound, method, path, &body);
        let told = (answer.status, answer.json()["reason"].clone());
        assert_eq!(told, (403, "tenant-refused".into()), "{method} {path}: {answer:?}");
    }
    let holders = |token: &str| {
        let holders = ask(token, "GET", "/v1/seats?limit=tenants", "").json();
        holders.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((holders(&bound), holders(&caller)), (vec![], vec!["t2".to_owned()]));
    assert_eq!(ask(&caller, "POST", "/v1/enforce/seats", &claim("t3")).status, 204);
    // Where none is left it is not told who has them.
    let one = r#"{"charges": [{"limit": "tenants", "amount": 1}]}"#;
    for (path, body) in
        [("seats", &*claim("t1")), ("enforce/seats", &claim("t1")), ("enforce/consume", one), ("reserve", one)]
    {
        let answer = ask(&bound, "POST", &format!("/v1/{path}"), body);
        assert!(answer.text.contains("limit-exceeded") && !answer.text.contains("t2"), "{path}: {answer:?}");
    }
    assert_eq!(ask(&caller, "DELETE", "/v1/seats?limit=tenants&holder=t3", "").status, 200);
    assert_eq!(ask(&bound, "POST", "/v1/enforce/seats", &claim("t1")).status, 204);
    assert_eq!(holders(&bound), ["t1"]);
    assert_eq!(ask(&bound, "DELETE", "/v1/seats?limit=tenants&holder=t1", "").status, 200);
    let more = [("authorization", &*bound), ("placet-charge", "tenants=1")];
    let refused = service.ask("GET", "/v1/enforce/request", &more, "");
    assert_eq!((refused.status, refused.json()["reason"].clone()), (403, "tenant-refused".into()), "{refused:?}");
    // The figures are of all tenants.
    let figures = ask(&bound, "GET", "/metrics", "");
    assert_eq!((figures.status, figures.json()["reason"].clone()), (403, "tenant-refused".into()), "{figures:?}");
    assert_eq!(ask(&caller, "GET", "/metrics", "").status, 200);
    // Of other seats the holders are whoever the product says.
    let core = r#"{"charge": {"limit": "cores", "amount": 1}, "holder": "node"}"#;
    assert_eq!(ask(&bound, "POST", "/v1/enforce/seats", core).status, 204);
}

#[test]
fn without_credentials_a_token_for_the_run_is_in_a_file_that_its_owner_alone_can_read() {
    let site = Site::new();
    let mut service = site.serve(&[]);
    let path = site.0.path("state/admin.token");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let first = service.token.clone();
    assert_eq!(service.get("/v1/license").status, 200);
    assert_eq!(service.ask("GET", "/v1/license", &[("authorization", "")], "").status, 401);
    assert!(!service.log.contains(&first));
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    assert!(!path.exists());
    let next = site.serve(&[]);
    let old = format!("Bearer {first}");
    assert_eq!(next.ask("GET", "/v1/license", &[("authorization", &old)], "").status, 401);
}

#[test]
fn who_is_taken_off_the_list_is_nobody_from_then_on_and_a_list_that_is_none_changes_nothing() {
    let site = Site::new();
    let made = |name: &str| {
        site.0.done(&["token", "new", "--role", "caller", "--name", name, "--out", &format!("{name}.token")])
    };
    let (old, new) = (made("old"), made("new"));
    site.0.write("credentials.yaml", &old);
    let mut service = site.serve(&["--credentials-file", "credentials.yaml", "--license-watch-interval", "100ms"]);
    let known = |service: &Service, name: &str| {
        let token = format!("Bearer {}", site.0.read(&format!("{name}.token")).trim());
        service.ask("GET", "/v1/reasons", &[("authorization", &token)], "").status == 200
    };
    assert!(known(&service, "old") && !known(&service, "new"));
    site.0.write("next.yaml", &new);
    std::fs::rename(site.0.path("next.yaml"), site.0.path("credentials.yaml")).unwrap();
    service.logged("the credentials were read anew");
    assert!(!known(&service, "old") && known(&service, "new"));
    site.0.write("credentials.yaml", "nonsense");
    let line = service.logged("the credentials could not be read anew");
    assert!(line.contains("not a YAML list") && known(&service, "new"), "{line}");
    drop(service);

    // Told by a signal, where nobody looks.
    site.0.write("credentials.yaml", &old);
    let mut service = site.serve(&["--credentials-file", "credentials.yaml", "--license-watch-interval", "1h"]);
    site.0.write("credentials.yaml", &new);
    service.signal("-HUP");
    service.logged("the credentials were read anew");
    assert!(!known(&service, "old") && known(&service, "new"));
}

#[test]
fn an_empty_file_locks_nobody_out_and_a_list_of_nobody_everybody() {
    let site = Site::new();
    site.0.write(
        "credentials.yaml",
        site.0.done(&["token", "new", "--role", "caller", "--name", "x", "--out", "x.token"]),
    );
    let token = format!("Bearer {}", site.0.read("x.token").trim());
    let arguments =
        ["--credentials-file", "credentials.yaml", "--license-watch-interval", "1h", "--log-format", "json"];
    let mut service = site.serve(&arguments);
    let mut said = |text: Option<&str>| {
        match text {
            Some(text) => site.0.write("credentials.yaml", text),
            None => std::fs::remove_file(site.0.path("credentials.yaml")).unwrap(),
        }
        service.signal("-HUP");
        let line = service.logged("the credentials could not be read anew");
        assert_eq!(service.ask("GET", "/v1/reasons", &[("authorization", &token)], "").status, 200, "{text:?}");
        line
    };
    for text in ["", "# nobody\n"] {
        let line = said(Some(text));
        assert!(line.contains("are empty") && line.contains("\"level\":\"WARN\""), "{line}");
    }
    // The cause is told, too.
    let line = said(None);
    assert!(line.contains("cannot be read: No such file"), "{line}");
    site.0.write("credentials.yaml", "[]");
    service.signal("-HUP");
    service.logged("the credentials were read anew");
    assert_eq!(service.ask("GET", "/v1/reasons", &[("authorization", &token)], "").status, 401);
    drop(service);
    let service = site.serve(&arguments);
    assert!(service.log.contains("the credentials list nobody"), "{}", service.log);
}

#[test]
fn who_is_refused_is_counted_and_told_by_the_id_that_the_answer_names_and_never_by_a_token() {
    let site = Site::new();
    let mut service = site.serve(&["--log-level", "debug"]);
    let shown = "Bearer placet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (id, level) in [("refused-1", "WARN"), ("refused-2", "DEBUG")] {
        let answer = service.ask("GET", "/v1/reasons", &[("authorization", shown), ("x-request-id", id)], "");
        assert_eq!((answer.status, answer.json()["trace_id"].clone()), (401, id.into()));
        assert!(answer.json()["detail"].as_str().unwrap().contains("Basic"));
        let line = service.logged(id);
        assert!(line.contains(level) && line.contains("token-unknown") && !line.contains("placet_"), "{line}");
    }
    let headers = [("content-type", "application/json"), ("x-request-id", "denied-1")];
    let bearer = format!("Bearer {}", service.token);
    let headers = [&headers[..], &[("authorization", &*bearer)]].concat();
    assert_eq!(service.ask("POST", "/v1/enforce/check", &headers, r#"{"feature":"audit"}"#).status, 403);
    assert!(service.logged("denied-1").contains("not-licensed"));
    let figures = service.get("/metrics").text;
    assert!(figures.contains("placet_license_refusals_total{reason=\"token-unknown\"} 2\n"), "{figures}");
}

#[test]
fn wrong_credentials_are_told_and_nothing_starts() {
    let site = Site::new();
    for (text, said) in [
        ("- {role: owner, name: globex, token_sha256: TEST}", "`globex` has a `token_sha256` that is no SHA-256"),
        ("nonsense", "are not a YAML list of entries"),
    ] {
        site.0.write("credentials.yaml", text);
        let (code, out) = site.refused(&["--credentials-file", "credentials.yaml"]);
        assert!(code == 2 && out.contains(said) && !out.contains("TEST}"), "{code} {out}");
    }
    assert_eq!(site.refused(&["--credentials-file", "nowhere.yaml"]).0, 2);
    let run = site.0.run(&["token", "new", "--role", "owner", "--name", "x", "--out", "x.token"]);
    assert!(run.code == 2 && run.err.contains("names no `tenants`"), "{}", run.err);
    let new = ["token", "new", "--role", "caller", "--name", "x", "--out", "x.token"];
    site.0.done(&new);
    let again = site.0.run(&new);
    assert!(again.code == 2 && again.err.contains("key or token is never overwritten"), "{}", again.err);
}
