//! Decisions as statuses.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::service::{Answer, Site};

#[test]
fn a_yes_is_204_and_a_no_a_problem_document() {
    let site = Site::new();
    let service = site.serve(&[]);
    let yes = service.post("/v1/enforce/check", &json!({"feature": "sso"}));
    assert_eq!((yes.status, &*yes.text), (204, ""));
    let no = service.post("/v1/enforce/check", &json!({"feature": "audit"}));
    assert_eq!((no.status, no.header("content-type")), (403, "application/problem+json"));
    assert_eq!((no.json()["feature"].clone(), no.json()["reason"].clone()), ("audit".into(), "not-licensed".into()));
    assert_eq!(no.json().get("limitCode"), None);

    let consume = |amount| json!({"charges": [{"limit": "tokens", "amount": amount}], "context": {"tenant": "t1"}});
    assert_eq!(service.post("/v1/enforce/consume", &consume(900)).status, 204);
    let no = service.post("/v1/enforce/consume", &consume(200));
    let problem = no.json();
    assert_eq!(
        (no.status, problem["limitCode"].clone(), problem["title"].clone()),
        (403, "tokens".into(), "limit exceeded".into())
    );
    assert!(problem["detail"].as_str().unwrap().contains("900 of 1000"), "{problem}");
    assert_eq!(problem["instance"], "/v1/enforce/consume");
    assert_eq!((no.header("retry-after"), problem.get("feature")), ("", None));
}

#[test]
fn a_denial_names_the_limit_or_the_feature_that_was_asked_for_whatever_the_reason() {
    let expired: &[&str] = &["--starts", "2020-01-01", "--expires", "2021-01-01"];
    for (license, state) in [(None, "missing"), (Some(expired), "expired"), (Some(&["--expires", "1y"][..]), "active")]
    {
        let site = Site::without_license();
        license.iter().for_each(|terms| site.license("license.json", terms));
        let service = site.serve(&[]);
        let named = |answer: &Answer| {
            let problem = answer.json();
            ["reason", "limitCode", "feature"].map(|name| problem[name].as_str().unwrap_or_default().to_owned())
        };
        let consume = |limit: &str, amount: u64| {
            let context = if limit == "tokens" { json!({"once": "TEST-1"}) } else { json!({}) };
            let body = json!({"charges": [{"limit": limit, "amount": amount}], "context": context});
            service.post("/v1/enforce/consume", &body)
        };
        let header = |charge: &str| {
            service.ask("GET", "/v1/enforce/request", &[("placet-tenant", "t1"), ("placet-charge", charge)], "")
        };
        let seat = json!({"charge": {"limit": "objects", "amount": 1}, "holder": "ada"});
        let check = service.post("/v1/enforce/check", &json!({"feature": "gold"}));
        let reason = |active: &'static str| if state == "active" { active } else { state };
        if state == "active" {
            assert_eq!(consume("tokens", 1).status, 204);
        }
        for (answer, reason, limit, feature) in [
            (consume("tokens", 2), reason("once-mismatch"), "tokens", ""),
            (consume("nope", 1), reason("not-licensed"), "nope", ""),
            (header("nope=1"), reason("not-licensed"), "nope", ""),
            (service.post("/v1/enforce/seats", &seat), reason("kind-mismatch"), "objects", ""),
            (check, reason("not-licensed"), "", "gold"),
        ] {
            assert_eq!(named(&answer), [reason, limit, feature], "{state}: {answer:?}");
        }
        if state == "active" {
            let tenantless = json!({"charges": [{"limit": "objects", "amount": 1}]});
            assert_eq!(named(&service.post("/v1/enforce/consume", &tenantless)), ["tenant-required", "objects", ""]);
        }
    }
}

#[test]
fn a_request_out_of_bounds_is_422_and_says_what_is() {
    let site = Site::new();
    let service = site.serve(&[]);
    let consume = |context| json!({"charges": [{"limit": "tokens", "amount": 1}], "context": context});
    let claim = |holder: &str, amount: u64| json!({"charge": {"limit": "cores", "amount": amount}, "holder": holder});
    for (path, body, part) in [
        ("consume", consume(json!({"tenant": ""})), "tenant"),
        ("consume", consume(json!({"once": "x".repeat(257)})), "once"),
        ("seats", claim("", 1), "holder"),
        ("seats", claim("ada", 0), "amount"),
    ] {
        for prefix in ["/v1/enforce", "/v1"] {
            let problem = service.post(&format!("{prefix}/{path}"), &body).json();
            assert_eq!((&problem["status"], &problem["reason"]), (&422.into(), &"request-invalid".into()));
            assert_eq!(problem["details"], json!([{"name": "invalid", "value": part}]));
            assert!(problem["detail"].as_str().unwrap().contains(&format!("its `{part}`")), "{problem}");
        }
    }
}

/// The first answer that is no yes; a bucket holds three tokens at most, and time goes on.
fn refused(ask: impl Fn() -> Answer) -> Answer {
    (0..10).map(|_| ask()).find(|answer| answer.status != 204).unwrap()
}

#[test]
fn a_rate_is_429_and_says_when_to_come_back() {
    let site = Site::new();
    let service = site.serve(&[]);
    let consume = json!({"charges": [{"limit": "requests", "amount": 1}]});
    // A bucket has one token more after each second.
    let no = refused(|| service.post("/v1/enforce/consume", &consume));
    assert_eq!((no.status, no.json()["limitCode"].clone()), (429, "requests".into()), "{no:?}");
    assert!(no.header("retry-after") == "1", "{no:?}");
    thread::sleep(Duration::from_millis(1_100));
    assert_eq!(service.post("/v1/enforce/consume", &consume).status, 204);
    assert_eq!(refused(|| service.post("/v1/enforce/consume", &consume)).status, 429);
    // More than there ever is: waiting does not help.
    let no = service.post("/v1/enforce/consume", &json!({"charges": [{"limit": "requests", "amount": 4}]}));
    assert_eq!((no.status, no.header("retry-after")), (403, ""), "{no:?}");
}

#[test]
fn a_request_is_decided_by_headers_alone_whatever_its_method() {
    let site = Site::new();
    let service = site.serve(&["--request-rate", "cores-are-no-rate"]);
    let ask = |method: &str, headers: &[(&str, &str)]| service.ask(method, "/v1/enforce/request", headers, "");
    for (method, tenant) in [("GET", "t1"), ("PUT", "t2"), ("OPTIONS", "t1")] {
        assert_eq!(ask(method, &[("placet-tenant", tenant)]).status, 204);
    }
    // As proxies ask that add the path of what they ask for.
    let deeper =
        |tenant| service.ask("DELETE", "/v1/enforce/request/orders/7?x=1", &[("placet-tenant", tenant)], "").status;
    assert_eq!((deeper("t2"), deeper("t3")), (204, 403));
    let third = ask("GET", &[("placet-tenant", "t3")]);
    assert_eq!((third.status, third.json()["limitCode"].clone()), (403, "tenants".into()), "{third:?}");

    let all = [
        ("placet-tenant", "t1"),
        ("placet-feature", "sso"),
        ("placet-charge", "tokens=5, objects=2"),
        ("placet-charge", "tokens=1"),
    ];
    let answer = ask("POST", &all);
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(service.tokens(), 6);
    let blocked = ask("GET", &[("placet-tenant", "t1"), ("placet-feature", "audit"), ("placet-charge", "tokens=5")]);
    assert_eq!((blocked.status, blocked.json()["feature"].clone()), (403, "audit".into()));
    // Nothing of it is counted where one part is denied.
    let denied = ask("GET", &[("placet-tenant", "t1"), ("placet-charge", "tokens=5, objects=4")]);
    assert_eq!((denied.status, denied.json()["limitCode"].clone()), (403, "objects".into()));
    assert_eq!(service.tokens(), 6);

    for wrong in
        [("placet-charge", "tokens"), ("placet-charge", "tokens=-5"), ("placet-charge", "=5"), ("placet-detail", "x")]
    {
        assert_eq!(ask("GET", &[("placet-tenant", "t1"), wrong]).status, 422, "{wrong:?}");
    }
    assert_eq!(ask("GET", &[("placet-tenant", "t1"), ("placet-tenant", "t2")]).status, 422);
    let misspelled = ask("GET", &[("placet-tenant", "t1"), ("placet-charges", "tokens=5")]);
    let detail = misspelled.json()["detail"].clone();
    assert!(misspelled.status == 422 && detail.as_str().unwrap().contains("`placet-charges`"), "{detail}");
    assert_eq!(service.tokens(), 6);
}

#[test]
fn a_yes_is_200_where_that_is_set_also_for_the_root_behind_a_prefix() {
    let site = Site::new();
    let config = site.0.read("placet.yaml");
    site.0.write("placet.yaml", format!("{config}enforce: {{allowed_status: 200}}\nrequest: {{rate: none}}\n"));
    let service = site.serve(&[]);
    for path in
        ["/v1/enforce/request", "/v1/enforce/request/", "/v1/enforce/request/?x=1", "/v1/enforce/request/orders/7"]
    {
        for method in ["GET", "POST", "PURGE"] {
            let yes = service.ask(method, path, &[("placet-tenant", "t1")], "");
            assert_eq!((yes.status, &*yes.text), (200, ""), "{method} {path}");
        }
        let no = service.ask("GET", path, &[("placet-tenant", "t1"), ("placet-feature", "gold")], "");
        assert_eq!((no.status, no.json()["feature"].clone()), (403, "gold".into()), "{path}");
    }
    assert_eq!(service.post("/v1/enforce/check", &json!({"feature": "sso"})).status, 200);
    drop(service);
    let service = site.serve(&["--enforce-allowed-status", "204"]);
    assert_eq!(service.ask("GET", "/v1/enforce/request/", &[("placet-tenant", "t1")], "").status, 204);
    let (code, out) = site.refused(&["--enforce-allowed-status", "201"]);
    assert!(code == 2 && out.contains("204|200"), "{code} {out}");
}

#[test]
fn a_request_takes_one_unit_of_the_rate() {
    let site = Site::new();
    let service = site.serve(&[]);
    let ask = || service.ask("GET", "/v1/enforce/request", &[("placet-tenant", "t1")], "");
    let no = refused(ask);
    assert_eq!((no.status, no.json()["limitCode"].clone()), (429, "requests".into()));
    thread::sleep(Duration::from_millis(1_100));
    assert_eq!(ask().status, 204);
    assert!(!no.header("retry-after").is_empty());
}

#[test]
fn reading_goes_on_when_a_license_has_expired_and_nothing_else_does() {
    let site = Site::without_license();
    site.license("license.json", &["--starts", "2020-01-01", "--expires", "2021-01-01"]);
    let service = site.serve(&[]);
    let ask = |headers: &[(&str, &str)]| service.ask("GET", "/v1/enforce/request", headers, "");
    assert_eq!(
        ask(&[("placet-tenant", "t1"), ("placet-feature", "sso"), ("placet-detail", "access=read")]).status,
        204
    );
    let denied = ask(&[("placet-tenant", "t1"), ("placet-feature", "sso")]);
    assert_eq!((denied.status, denied.json()["reason"].clone()), (403, "expired".into()), "{denied:?}");
    let denied = ask(&[("placet-tenant", "t1")]);
    assert_eq!((denied.status, denied.json()["reason"].clone()), (403, "expired".into()), "{denied:?}");
    let read = json!({"feature": "sso", "context": {"details": [{"name": "access", "value": "read"}]}});
    assert_eq!(service.post("/v1/enforce/check", &read).status, 204);
}
