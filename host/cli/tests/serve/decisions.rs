//! Decisions, seats and reservations as JSON.

use serde_json::json;

use crate::service::{Answer, Site};

fn reason(answer: &Answer) -> String {
    answer.json()["reason"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn charges(limit: &str, amount: u64) -> serde_json::Value {
    json!({"charges": [{"limit": limit, "amount": amount}]})
}

fn assert_problem(answer: &Answer, status: u16, reason: &str) {
    let problem = answer.json();
    assert_eq!((answer.status, problem["reason"].as_str()), (status, Some(reason)), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("https://placet.dev/reasons/{reason}"));
    assert_eq!(problem["trace_id"], answer.header("x-request-id"));
    assert!(problem["instance"].as_str().unwrap().starts_with('/') && !problem["detail"].as_str().unwrap().is_empty());
}

#[test]
fn a_decision_is_answered_with_200_whether_yes_or_no() {
    let site = Site::new();
    let service = site.serve(&[]);
    let check = service.post("/v1/check", &json!({"feature": "sso"}));
    assert_eq!(
        (check.status, check.json()["allowed"].clone(), reason(&check)),
        (200, true.into(), "granted".to_owned())
    );
    assert_eq!(check.header("content-type"), "application/json");
    assert_eq!(check.header("cache-control"), "no-store");
    let check = service.post("/v1/check", &json!({"feature": "audit"}));
    assert_eq!(
        (check.status, check.json()["allowed"].clone(), reason(&check)),
        (200, false.into(), "not-licensed".to_owned())
    );

    assert!(service.post("/v1/consume", &charges("tokens", 900)).json()["allowed"].as_bool().unwrap());
    let denied = service.post("/v1/consume", &charges("tokens", 200)).json();
    assert_eq!((denied["allowed"].clone(), denied["reason"].clone()), (false.into(), "limit-exceeded".into()));
    assert_eq!((denied["usage"][0]["used"].clone(), denied["usage"][0]["max"].clone()), (900.into(), 1000.into()));
    assert!(service.post("/v1/preview", &charges("tokens", 100)).json()["allowed"].as_bool().unwrap());
    let credit = service.post("/v1/credit", &json!({"charge": {"limit": "tokens", "amount": 400}}));
    assert_eq!(credit.json()["usage"][0]["used"], 500, "{credit:?}");
    let context = json!({"tenant": "t1"});
    let measure =
        service.post("/v1/measure", &json!({"charge": {"limit": "objects", "amount": 6}, "context": context}));
    assert_eq!((measure.status, reason(&measure)), (200, "limit-exceeded".to_owned()));
    assert_eq!(measure.json()["usage"][0]["tenant"], "t1");
}

#[test]
fn a_list_is_answered_with_a_list() {
    let site = Site::new();
    let service = site.serve(&[]);
    let list = json!([{"feature": "sso"}, {"feature": "audit"}]);
    let answers = service.post("/v1/check", &list).json();
    assert_eq!(
        (answers[0]["allowed"].clone(), answers[1]["allowed"].clone(), answers[2].clone()),
        (true.into(), false.into(), json!(null))
    );
    assert_eq!(service.post("/v1/check", &json!([])).text, "[]");
    assert_problem(&service.post("/v1/check", &json!(vec![json!({"feature": "sso"}); 101])), 422, "input-invalid");
    // Nothing of a list is asked where one of it is not understood.
    assert_problem(&service.post("/v1/consume", &json!([charges("tokens", 5), {"charges": []}])), 422, "input-invalid");
    assert_eq!(service.tokens(), 0);
}

#[test]
fn a_key_counts_once_and_is_refused_for_something_else() {
    let site = Site::new();
    let service = site.serve(&[]);
    let once = |amount| json!({"charges": [{"limit": "tokens", "amount": amount}], "context": {"once": "request-1"}});
    for _ in 0..2 {
        assert_eq!(service.post("/v1/consume", &once(7)).json()["usage"][0]["used"], 7);
    }
    assert_problem(&service.post("/v1/consume", &once(8)), 409, "once-mismatch");
    assert_problem(&service.post("/v1/enforce/consume", &once(8)), 409, "once-mismatch");
}

#[test]
fn what_cannot_be_understood_is_422_and_says_where() {
    let site = Site::new();
    let service = site.serve(&[]);
    for (path, body) in [
        ("/v1/check", json!({})),
        ("/v1/check", json!({"feature": 5})),
        ("/v1/check", json!({"feature": "sso", "tenant": "t1"})),
        ("/v1/check", json!({"feature": "sso", "context": {"tennant": "t1"}})),
        ("/v1/check", json!("sso")),
        ("/v1/consume", json!({"charges": []})),
        ("/v1/consume", json!({"charges": [{"limit": "tokens", "amount": -1}]})),
        ("/v1/consume", json!({"charges": [{"limit": "tokens", "amount": 1.5}]})),
        ("/v1/consume", json!({"charges": [{"limit": "tokens", "amount": "1"}]})),
        ("/v1/credit", json!({"charges": []})),
        ("/v1/seats", json!({"charge": {"limit": "users", "amount": 1}})),
        ("/v1/enforce/check", json!([{"feature": "sso"}])),
        // The members of an object, without it.
        ("/v1/enforce/check", json!(["sso"])),
        ("/v1/check", json!([["sso"]])),
        ("/v1/check", json!({"feature": "sso", "context": ["t1", null, []]})),
        ("/v1/check", json!({"feature": "sso", "context": {"details": [["access", "read"]]}})),
        ("/v1/consume", json!({"charges": [["tokens", 1]]})),
        ("/v1/measure", json!({"charge": ["objects", 1]})),
        ("/v1/reserve/none/settle", json!([1])),
    ] {
        assert_problem(&service.post(path, &body), 422, "input-invalid");
    }
    let json = [("content-type", "application/json")];
    for body in ["", "{", "{\"feature\": \"sso\", \"feature\": \"sso\"}", "\u{0}", "{\"feature\": \"\\ud800\"}"] {
        assert_problem(&service.ask("POST", "/v1/check", &json, body), 422, "input-invalid");
    }
    let deep = "[".repeat(50_000);
    assert_problem(&service.ask("POST", "/v1/check", &json, &deep), 422, "input-invalid");
    assert_problem(&service.get("/v1/usage?tenant="), 422, "request-invalid");
    let detail = service.post("/v1/check", &json!({"feature": 5})).json()["detail"].clone();
    assert!(detail.as_str().unwrap().contains("line 1 column"), "{detail}");
    // What reads as a question, and what no policy can decide.
    let long = "x".repeat(5_000);
    for feature in ["", &long] {
        let answer = service.post("/v1/check", &json!({"feature": feature}));
        assert!(answer.status < 500 && answer.json()["allowed"] != true, "{answer:?}");
    }
    let answer = service
        .post("/v1/consume", &json!({"charges": [{"limit": "objects", "amount": 1}], "context": {"tenant": long}}));
    assert_problem(&answer, 422, "request-invalid");
}

#[test]
fn seats_are_claimed_listed_and_released() {
    let site = Site::new();
    let service = site.serve(&[]);
    let claim = |holder: &str| json!({"charge": {"limit": "users", "amount": 1}, "holder": holder, "context": {"tenant": "t1"}});
    assert!(service.post("/v1/seats", &claim("ada")).json()["allowed"].as_bool().unwrap());
    let both = service.post("/v1/seats", &json!([claim("bob"), claim("eve")])).json();
    assert_eq!((both[0]["allowed"].clone(), both[1]["reason"].clone()), (true.into(), "limit-exceeded".into()));
    assert_problem(&service.post("/v1/enforce/seats", &claim("eve")), 403, "limit-exceeded");

    let holders = service.get("/v1/seats?limit=users&tenant=t1").json();
    assert_eq!(
        (holders[0]["name"].clone(), holders[1]["name"].clone(), holders[2].clone()),
        ("ada".into(), "bob".into(), json!(null))
    );
    let released = service.ask("DELETE", "/v1/seats?limit=users&holder=ada&tenant=t1", &[], "");
    assert_eq!((released.status, released.json()["usage"][0]["used"].clone()), (200, 1.into()), "{released:?}");
    assert_eq!(service.post("/v1/enforce/seats", &claim("eve")).status, 204);

    assert_problem(&service.get("/v1/seats?limit=tokens"), 422, "kind-mismatch");
    assert_problem(&service.get("/v1/seats?limit=nothing"), 422, "not-licensed");
    assert_problem(&service.get("/v1/seats?limit=users"), 422, "tenant-required");
    for query in ["", "?tenant=t1", "?limit=users&limit=users", "?limit=users&tennant=t1"] {
        assert_problem(&service.get(&format!("/v1/seats{query}")), 422, "input-invalid");
    }
    let ttl =
        service.post("/v1/seats", &json!({"charge": {"limit": "cores", "amount": 8}, "holder": "m1", "ttl": 60_000}));
    assert!(ttl.json()["allowed"].as_bool().unwrap(), "{ttl:?}");
    assert!(service.get("/v1/seats?limit=cores").json()[0]["expires"].is_u64());
}

#[test]
fn a_reservation_is_settled_or_released() {
    let site = Site::new();
    let service = site.serve(&[]);
    let reserve = |amount| {
        let body =
            json!({"charges": [{"limit": "tokens", "amount": amount}], "term": 60_000, "context": {"tenant": "t1"}});
        service.post("/v1/reserve", &body).json()
    };
    let reserved = reserve(400);
    assert_eq!(reserved["decision"]["allowed"], true, "{reserved}");
    assert_eq!(service.tokens(), 400);
    let path = format!("/v1/reserve/{}", reserved["reservation"].as_str().unwrap());
    let settled = service.post(&format!("{path}/settle"), &json!({"actual": 150}));
    assert_eq!((settled.status, settled.json()["charged"].clone()), (200, 150.into()), "{settled:?}");
    assert_eq!(service.tokens(), 150);
    assert_problem(&service.post(&format!("{path}/settle"), &json!({"actual": 151})), 409, "reservation-settled");
    assert_problem(&service.post("/v1/reserve/none/settle", &json!({"actual": 1})), 404, "reservation-unknown");

    let reserved = reserve(100);
    let path = format!("/v1/reserve/{}/release", reserved["reservation"].as_str().unwrap());
    assert_eq!(service.ask("POST", &path, &[], "").json()["reason"], "released");
    assert_eq!(service.tokens(), 150);
    let denied = reserve(5_000);
    assert_eq!(
        (denied["reservation"].clone(), denied["decision"]["reason"].clone()),
        (json!(null), "limit-exceeded".into())
    );
}

#[test]
fn requests_are_known_by_an_id() {
    let site = Site::new();
    let service = site.serve(&["--problem-type-base", "urn:acme:"]);
    assert_eq!(service.ask("GET", "/healthz", &[("x-request-id", "ada-1")], "").header("x-request-id"), "ada-1");
    assert_ne!(service.get("/healthz").header("x-request-id"), service.get("/healthz").header("x-request-id"));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let problem = service.ask("GET", "/nowhere", &[("traceparent", &parent)], "");
    assert_eq!((problem.status, problem.json()["trace_id"].as_str()), (404, Some(trace)));
    assert_eq!(problem.json()["type"], "urn:acme:route-unknown");
}
