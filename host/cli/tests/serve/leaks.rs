//! Nothing that the service says holds a token, a signature, a payload or a key.

use serde_json::{Value, json};

use crate::service::Site;

#[test]
fn no_answer_log_line_or_event_holds_a_secret() {
    let site = Site::without_license();
    site.0.write("storage.secret", "TEST-storage-secret-of-32-bytes-or-more\n");
    let entry = site.0.done(&["token", "new", "--role", "admin", "--name", "ops", "--out", "ops.token"]);
    site.0.write("credentials.yaml", &entry);
    site.0.write("headers", "authorization: Bearer TEST-token-of-the-collector\n");
    site.license("license.json", &["--expires", "1y", "--id", "lic_1"]);
    site.license("other.json", &["--expires", "2y", "--id", "lic_2"]);
    let [license, other] = ["license.json", "other.json"].map(|name| site.0.read(name));
    let documents = [&license, &other].map(|text| serde_json::from_str::<Value>(text).unwrap());

    let mut service = site.serve(&[
        "--credentials-file",
        "credentials.yaml",
        "--storage-secret-file",
        "storage.secret",
        "--otlp-endpoint",
        // Nobody is there, which is told.
        "http://127.0.0.1:1",
        "--otlp-headers-file",
        "headers",
        "--log-format",
        "json",
    ]);
    let token = site.0.read("ops.token").trim().to_owned();
    service.token.clone_from(&token);
    let mut said = String::new();
    let mut ask = |method: &str, path: &str, body: &str| {
        let answer = service.ask(method, path, &[("content-type", "application/json")], body);
        said += &format!("{:?}\n{}\n", answer.headers, answer.text);
        answer.status
    };
    let damaged = other.replacen("\"signature\":\"", "\"signature\":\"AAAA", 1).replacen(
        "\"signature\": \"",
        "\"signature\": \"AAAA",
        1,
    );
    assert_ne!(damaged, other);
    assert_eq!(ask("POST", "/v1/license", &other), 200);
    for (method, path, body) in [
        ("POST", "/v1/license", &*damaged),
        ("POST", "/v1/license", &token),
        ("POST", "/v1/license?dry_run=true", &license),
        ("POST", "/v1/license/rollback", ""),
        ("POST", "/v1/policy", &other),
        ("POST", "/v1/policy/rollback", &json!({"hash": token}).to_string()),
        ("POST", "/v1/check", &json!({"feature": "sso"}).to_string()),
        ("POST", "/v1/check", &other),
        ("POST", "/v1/check", &json!(token).to_string()),
        ("POST", "/v1/consume", &json!({"charges": [{"limit": "tokens", "amount": token}]}).to_string()),
        ("POST", "/v1/consume", &json!({"charges": [{"limit": "tokens", "amount": 5000}]}).to_string()),
        ("GET", "/v1/license", ""),
        ("GET", "/v1/usage", ""),
        ("GET", "/v1/usage/history", ""),
        ("GET", "/v1/policy", ""),
        ("GET", "/v1/status", ""),
        ("POST", "/v1/status/preview", &license),
        ("POST", "/v1/status/preview", &damaged),
        ("GET", "/v1/openapi.json", ""),
        ("GET", "/v1/audit", ""),
        ("GET", "/admin/license/status", ""),
        ("GET", "/metrics", ""),
        ("GET", "/readyz", ""),
        ("GET", "/nowhere", ""),
    ] {
        ask(method, path, body);
    }
    let wrong = format!("Bearer {token}x");
    said += &service.ask("GET", "/v1/license", &[("authorization", &wrong)], "").text;
    site.0.write("license.json", &damaged);
    service.signal("-HUP");
    service.logged("read anew");
    let status = std::fs::read_to_string(site.0.path("state/status.json")).unwrap_or_default();
    service.signal("-TERM");
    assert_eq!(service.ended(), 0);
    said += &service.log;
    said += &status;
    // Sealed; what stands in it was asked for above.
    for file in std::fs::read_dir(site.0.path("state/audit")).unwrap() {
        said += &String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap());
    }

    assert!(service.log.contains("figures cannot be exported"), "{}", service.log);
    assert!(said.contains("lic_2") && said.contains("token-unknown") && service.log.contains("listening"), "{said}");
    let hash = entry.split("\"token_sha256\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut secrets = vec![token, hash, "TEST-storage-secret".to_owned(), "TEST-token-of-the-collector".to_owned()];
    for document in &documents {
        secrets.extend(["payload", "signature"].map(|part| document[part].as_str().unwrap().to_owned()));
    }
    for key in ["TEST-root.key", "TEST-license.key", "state/install.key"] {
        let bytes = std::fs::read(site.0.path(key)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        secrets.extend(text.lines().filter(|line| line.len() > 30 && !line.starts_with("-----")).map(str::to_owned));
    }
    assert!(secrets.len() >= 8, "{}", secrets.len());
    for secret in secrets {
        // A part gives it away as the whole does.
        let part: String = secret.chars().take(24).collect();
        assert!(!said.contains(&part), "`{part}` was said");
    }
}
