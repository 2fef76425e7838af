//! What `docs/sidecar.md` shows is what happens.

use std::process::Command;

use serde_json::Value;

use crate::service::Site;

#[test]
fn the_requests_of_the_documentation_are_answered_as_it_says() {
    let text = include_str!("../../../../docs/sidecar.md");
    let console = text.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let lines: Vec<_> = console.lines().collect();
    assert_eq!(lines.len() % 2, 0);
    let site = Site::new();
    let service = site.serve(&[]);
    for pair in lines.chunks(2) {
        let run = Command::new("sh")
            .args(["-c", pair[0].strip_prefix("$ ").unwrap()])
            .env("URL", &service.address)
            .env("TOKEN", &service.token)
            .output()
            .unwrap();
        let (answer, shown): (Value, Value) =
            (serde_json::from_slice(&run.stdout).unwrap(), serde_json::from_str(pair[1]).unwrap());
        assert!(holds(&answer, &shown), "{}\n{answer:#}", pair[0]);
    }
}

/// Everything that is shown is in the answer.
fn holds(answer: &Value, shown: &Value) -> bool {
    match (answer, shown) {
        (Value::Object(answer), Value::Object(shown)) => {
            shown.iter().all(|(name, shown)| answer.get(name).is_some_and(|answer| holds(answer, shown)))
        }
        (Value::Array(answer), Value::Array(shown)) => {
            answer.len() == shown.len() && answer.iter().zip(shown).all(|(answer, shown)| holds(answer, shown))
        }
        (answer, shown) => answer == shown,
    }
}
