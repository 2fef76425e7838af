//! Documents signed by others, through the component: each is answered as its source says.

use placet::Verifier;
use placet_rules::base64url;
use placet_tests::rig::{Vendor, component};
use placet_tests::vectors::vectors;
use serde_json::Value;

#[test]
fn the_examples_of_the_rfcs_and_of_wycheproof_are_answered_as_expected() {
    let Some(rows) = rows("third-party.jsonl") else { return };
    let verifier = verifier();
    let accepts = |row: &Value| verify(&verifier, row).is_ok();
    let wrong: Vec<_> = rows.iter().filter(|row| (row["product"] == "accept") != accepts(row)).map(told).collect();
    assert_eq!(wrong, [""; 0]);
    assert_eq!((rows.len(), rows.iter().filter(|row| row["product"] == "accept").count()), (460, 19));
}

#[test]
fn what_other_libraries_sign_is_accepted_with_its_payload() {
    let Some(rows) = rows("interop.jsonl") else { return };
    let verifier = verifier();
    let whole = |row: &Value| {
        let expected = row["payload_b64u"].as_str().map(|text| base64url::decode(text).expect("base64url"));
        verify(&verifier, row).is_ok_and(|payload| expected.is_none_or(|expected| expected == payload))
    };
    let wrong: Vec<_> = rows.iter().filter(|row| !whole(row)).map(told).collect();
    assert_eq!(wrong, [""; 0]);
    assert_eq!(rows.len(), 267);
    assert_eq!(rows.iter().filter(|row| row["payload_b64u"].is_string()).count(), 192);
}

#[test]
fn what_is_correctly_signed_and_wrong_is_refused_for_another_reason_than_its_signature() {
    let Some(rows) = rows("signed-negative.jsonl") else { return };
    let verifier = verifier();
    let refused = |row: &Value| verify(&verifier, row).is_err_and(|reason| reason != "signature-invalid");
    let wrong: Vec<_> = rows.iter().filter(|row| !refused(row)).map(told).collect();
    assert_eq!(wrong, [""; 0]);
    assert_eq!(rows.len(), 122);
}

#[test]
fn any_json_is_a_payload_that_is_read_or_refused_and_a_document_that_is_refused() {
    let Some(folder) = vectors() else { return };
    let vendor = Vendor::default();
    let verifier = verifier();
    let mut count = 0;
    for entry in std::fs::read_dir(folder.join("json/test_parsing")).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read(&path).expect("reads");
        // Unsigned: whatever it is, it is no license.
        let status = verifier.inspect(&text).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!((status.usable, &*status.state), (false, "invalid"), "{name}");
        // Signed: it is read as JSON, and what is no JSON says so.
        let status =
            verifier.inspect(vendor.sign(&text).as_bytes()).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let json = ["json-invalid", "json-duplicate-key", "json-too-deep"].contains(&&*status.reason);
        match name.split_once('_').expect("a prefix").0 {
            "y" => assert_eq!(json, name.starts_with("y_object_duplicated_key"), "{name}: {}", status.reason),
            "n" => assert!(json, "{name}: {}", status.reason),
            _ => assert!(!status.reason.is_empty(), "{name}"),
        }
        count += 1;
    }
    assert_eq!(count, 318);
}

#[test]
fn a_payload_of_a_megabyte_is_read_and_a_deeper_one_refused() {
    let vendor = Vendor::default();
    let verifier = verifier();
    // Within a document of 1 MiB, which is three quarters of it once decoded.
    let large = format!("{{\"note\":\"{}\"}}", "x".repeat(750_000));
    assert_eq!(&*verifier.inspect(vendor.sign(large.as_bytes()).as_bytes()).expect("an answer").reason, "active");
    let deep = "[".repeat(700_000);
    assert_eq!(&*verifier.inspect(vendor.sign(deep.as_bytes()).as_bytes()).expect("an answer").reason, "json-too-deep");
}

/// The real component; its manifest trusts a TEST key.
fn verifier() -> Verifier {
    Verifier::from_component(component(), &Vendor::default().manifest(1), &placet::Placet::builder())
        .expect("a verifier")
}

/// None where the folder is not there.
fn rows(file: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(vectors()?.join("jws").join(file)).expect("reads");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect())
}

/// The payload, or the reason.
fn verify(verifier: &Verifier, row: &Value) -> Result<Vec<u8>, String> {
    let token = row["token"].as_str().expect("a token").as_bytes();
    let verified = verifier.verify_jws(token, &row["key"].to_string());
    verified.map(|verified| verified.payload).map_err(|error| error.reason().to_owned())
}

fn told(row: &Value) -> String {
    format!("{}: why: {}", row["id"], row["why"])
}
