//! Documents signed by others: what they say is right and what they say is wrong.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

mod vectors;

use placet_rules::jwk::PublicKey;
use placet_rules::{base64url, jws};
use serde_json::Value;

#[test]
fn the_examples_of_the_rfcs_and_of_wycheproof_are_answered_as_expected() {
    let Some(rows) = rows("third-party.jsonl") else { return };
    let wrong: Vec<_> =
        rows.iter().filter(|row| (row["product"] == "accept") != verify(row).is_ok()).map(told).collect();
    assert_eq!(wrong, [""; 0]);
    assert_eq!(rows.iter().filter(|row| verify(row).is_ok()).count(), 19);
}

#[test]
fn what_other_libraries_sign_is_accepted_with_its_payload() {
    let Some(rows) = rows("interop.jsonl") else { return };
    let wrong: Vec<_> = rows.iter().filter(|row| !is_accepted_with_its_payload(row)).map(told).collect();
    assert_eq!(wrong, [""; 0]);
    assert!(rows.len() >= 267);
}

#[test]
fn what_is_correctly_signed_and_wrong_is_refused() {
    let Some(rows) = rows("signed-negative.jsonl") else { return };
    let wrong: Vec<_> = rows.iter().filter(|row| verify(row).is_ok()).map(told).collect();
    assert_eq!(wrong, [""; 0]);
    // Their signatures hold, so that it must be for another reason.
    let unread: Vec<_> = rows.iter().filter(|row| verify(row) == Err("signature-invalid")).map(told).collect();
    assert_eq!(unread, [""; 0]);
    assert!(rows.len() >= 122);
}

fn is_accepted_with_its_payload(row: &Value) -> bool {
    let expected = row.get("payload_b64u").map(|text| base64url::decode(text.as_str().unwrap()).unwrap());
    verify(row).is_ok_and(|payload| expected.is_none_or(|expected| expected == payload))
}

fn verify(row: &Value) -> Result<Vec<u8>, &'static str> {
    let key = PublicKey::parse(&row["key"].to_string()).map_err(|error| error.reason())?;
    let verified = jws::verify(row["token"].as_str().unwrap().as_bytes(), &key).map_err(|error| error.reason())?;
    Ok(verified.into_payload())
}

fn told(row: &Value) -> String {
    format!("{}: {:?}, why: {}", row["id"], verify(row).err(), row["why"])
}

/// None where the folder is not there.
fn rows(file: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(vectors::folder("jws")?.join(file)).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
