//! Signatures made by others, through `placet jws verify --batch`; see the README of their folder.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::Desk;

/// The folder: `PLACET_VECTORS`, or `shared/vectors` beside the repository. None where there is none, unless
/// `PLACET_REQUIRE_VECTORS` says that there must be.
fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let folder = std::env::var_os("PLACET_VECTORS").map_or(beside, PathBuf::from).join("jws");
    let required = std::env::var_os("PLACET_REQUIRE_VECTORS").is_some();
    assert!(
        folder.is_dir() || !required,
        "PLACET_REQUIRE_VECTORS is set, and there is no folder `{}`",
        folder.display()
    );
    folder.is_dir().then_some(folder)
}

#[test]
fn every_foreign_token_is_answered_as_its_source_says() {
    let Some(folder) = folder() else { return };
    // The number of rows that are to be accepted and refused stands in the folder's README.
    for (file, verdict, accepted, refused) in [
        ("third-party.jsonl", "product", 19, 441),
        ("interop.jsonl", "expected", 267, 0),
        ("signed-negative.jsonl", "expected", 0, 122),
    ] {
        let lines = std::fs::read_to_string(folder.join(file)).unwrap();
        let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let run = Desk::new().run_with(&["jws", "verify", "--batch"], lines.as_bytes());
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{file}");
        let answers: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), rows.len(), "{file}");
        let mut found = [0, 0];
        for (row, answer) in rows.iter().zip(&answers) {
            let expected = row[verdict] == "accept";
            assert_eq!((&answer["id"], &answer["accepted"]), (&row["id"], &json!(expected)), "{file}: {answer}");
            if let Some(payload) = row.get("payload_b64u").filter(|_| expected) {
                assert_eq!(&answer["payload"], payload, "{}", row["id"]);
            }
            // A refusal has a reason that can be looked up, and hands out nothing.
            let reason = answer["reason"].as_str().unwrap();
            assert!(expected == reason.is_empty() && !reason.contains(' '), "{answer}");
            assert!(expected == answer["payload"].is_string() && answer.get("error").is_none(), "{answer}");
            found[usize::from(!expected)] += 1;
        }
        assert_eq!(found, [accepted, refused], "{file}");
    }
}
