//! Recorded decisions, made again: by the real component on a real disk, and then elsewhere.

use placet::{Placet, Recorded, Recording, RecordingError, Replay, ReplayError, Request};
use placet_tests::rig::{Site, claims};
use serde_json::{Value, json};

fn site() -> Site {
    let site = Site::known();
    let mut terms = claims("lic_1");
    terms["limits"]["requests"] = json!({ "kind": "quota", "max": 100, "per": "tenant", "warn": 50 });
    site.license(&terms);
    site
}

fn recorded(request: Request<'_>) -> Recorded {
    let recorded = request.record();
    // It goes through a file.
    let recording = Recording::from_json(recorded.recording.to_json().as_bytes()).unwrap();
    assert_eq!(recording, recorded.recording);
    recorded
}

/// Replayed elsewhere: counters and clock are another machine's, whose state keeps the native code from one replay to the next.
fn replayed(site: &Site, recording: &Recording) -> Result<Replay, ReplayError> {
    let builder = Placet::builder().root(site.vendor.policy_root()).state(site.path("elsewhere"));
    builder.policy(site.path("policy.wasm")).licenses(site.path("license.json")).replay(recording)
}

/// The recording with one value changed.
fn changed(recording: &Recording, pointer: &str, value: Value) -> Result<Recording, RecordingError> {
    let mut json: Value = serde_json::from_str(&recording.to_json()).unwrap();
    *json.pointer_mut(pointer).expect(pointer) = value;
    Recording::from_json(json.to_string().as_bytes())
}

#[test]
fn every_question_is_answered_again_bit_for_bit_elsewhere() {
    let site = site();
    let placet = site.open();
    let recordings = [
        recorded(placet.check("sso")),
        recorded(placet.check("audit").tenant("t1").detail("access", "read")),
        recorded(placet.preview("tokens", 5_000)),
        recorded(placet.consume("tokens", 900).and("requests", 60).tenant("t1").once("request-1")),
        recorded(placet.consume("tokens", 900).and("requests", 60).tenant("t1").once("request-1")),
        recorded(placet.consume("tokens", 200)),
        recorded(placet.credit("tokens", 100).once("request-1").tenant("t1")),
        recorded(placet.measure("objects", 9)),
    ];
    let allowed: Vec<_> = recordings.iter().map(|one| one.answer.as_ref().unwrap().allowed).collect();
    assert_eq!(allowed, [true, false, false, true, true, false, true, false]);
    // What was recorded was counted as ever.
    let used = placet.usage(None).unwrap().into_iter().find(|usage| usage.limit == "tokens").unwrap().used;
    assert_eq!(used, 800);
    drop(placet);
    for Recorded { answer, recording } in recordings {
        let replay = replayed(&site, &recording).unwrap();
        assert_eq!(replay.differences, []);
        assert_eq!(replay.answer, answer);
    }
}

#[test]
fn a_recording_holds_no_token_payload_or_key() {
    let site = site();
    let placet = site.builder().secret("license-key", "TEST-secret").open().unwrap();
    let text = recorded(placet.consume("tokens", 1).once("k")).recording.to_json();
    let license = site.vendor.license(&claims("lic_1"));
    for part in license.split('.').chain(["TEST-secret", "Globex"]) {
        assert!(!text.contains(part), "{part}");
    }
    assert!(text.contains("\"license-key\""), "{text}");
}

#[test]
fn whatever_differs_is_named() {
    let site = site();
    let placet = site.open();
    let Recorded { recording, .. } = recorded(placet.consume("tokens", 900));
    let json: Value = serde_json::from_str(&recording.to_json()).unwrap();
    let calls = json["calls"].as_array().unwrap();
    let add = calls.iter().position(|call| call["asked"]["add"].is_object()).unwrap();
    let sums = format!("/calls/{add}/answer/sums/Ok/0");

    let difference = |pointer: &str, value: Value| {
        let replay = replayed(&site, &changed(&recording, pointer, value).unwrap()).unwrap();
        replay.differences.iter().map(|difference| difference.at.clone()).collect::<Vec<_>>()
    };
    assert_eq!(difference("/answer/decision/allowed", json!(false)), ["answer.decision.allowed"]);
    assert_eq!(difference(&sums, json!(901)), ["answer.decision.usage[0].used", "answer.decision.warnings[0].text"]);
    // Another amount is asked for otherwise, in that very call.
    assert_eq!(difference("/question/consume/0/amount", json!(901)), [format!("calls[{add}].asked")]);
    let mut more = calls.clone();
    more.push(calls[0].clone());
    assert_eq!(difference("/calls", json!(more)), [format!("calls[{}].asked", calls.len())]);
    assert_eq!(difference("/calls", json!(calls[..add])), [format!("calls[{add}].asked")]);
}

#[test]
fn what_is_not_at_hand_is_named() {
    let site = site();
    let placet = site.builder().secret("license-key", "TEST-secret").open().unwrap();
    let Recorded { recording, .. } = recorded(placet.check("sso"));
    assert!(matches!(replayed(&site, &recording), Err(ReplayError::SecretMissing(name)) if name == "license-key"));
    drop(placet);

    let Recorded { recording, answer } = recorded(site.open().check("sso"));
    let bare = || Placet::builder().root(site.vendor.policy_root());
    let missing = bare().licenses(site.path("license.json")).replay(&recording);
    assert!(matches!(missing, Err(ReplayError::PolicyMissing { name, .. }) if name == "acme/router"));
    let missing = bare().policy(site.path("policy.wasm")).replay(&recording);
    assert!(matches!(missing, Err(ReplayError::DocumentMissing { name, .. }) if name == "license.json"));

    // The state keeps both, whatever became of the files.
    std::fs::remove_file(site.path("license.json")).unwrap();
    std::fs::remove_file(site.path("policy.wasm")).unwrap();
    let replay = bare().state(site.path("state")).replay(&recording).unwrap();
    assert_eq!((replay.differences.len(), replay.answer), (0, answer));
}

#[test]
fn a_failure_is_replayed_as_one() {
    let site = site();
    let Recorded { answer, recording } = recorded(site.open().consume("tokens", 1).once("k".repeat(2_000)));
    let Err(failure) = answer else { return assert!(replayed(&site, &recording).unwrap().differences.is_empty()) };
    let replay = replayed(&site, &recording).unwrap();
    assert_eq!((replay.answer, replay.differences), (Err(failure), Vec::new()));
}

#[test]
fn rubbish_is_refused_with_its_place() {
    let site = site();
    let Recorded { recording, .. } = recorded(site.open().consume("tokens", 1));
    for text in ["", "hello", "{}", "[1]", r#"{"payload":"TEST","protected":"TEST"}"#] {
        let error = Recording::from_json(text.as_bytes()).unwrap_err();
        assert!(matches!(error, RecordingError::Form { .. }) && !error.to_string().contains("TEST"), "{error}");
    }
    assert!(matches!(changed(&recording, "/format", json!(2)), Err(RecordingError::Format(2))));
    for (pointer, value) in [
        ("/calls/0", json!({})),
        ("/calls/0/asked", json!("cloks")),
        ("/question", json!({ "destroy": "all" })),
        ("/documents/0/content", json!({ "sha1": "x" })),
        ("/context/tenant", json!(7)),
        ("/answer", json!({ "decision": { "allowed": "yes" } })),
    ] {
        assert!(matches!(changed(&recording, pointer, value), Err(RecordingError::Form { .. })), "{pointer}");
    }
    // The answer of one function under the question of another.
    let wrong = changed(&recording, "/calls/0/answer", json!({ "sum": { "Ok": 1 } })).unwrap();
    assert!(matches!(replayed(&site, &wrong), Err(ReplayError::Recording(RecordingError::Answer(0)))));
}
