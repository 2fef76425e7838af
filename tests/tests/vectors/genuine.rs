//! Genuine documents of Keygen, with what is known of them: each folder is made into cases, which both runs answer.

use std::path::{Path, PathBuf};

use placet_rules::base64url;
use placet_tests::vectors::vectors;
use serde_json::{Value, json};

use crate::case::Case;
use crate::run;

/// A time within the life of every file that has one.
const ANY_TIME: &str = "2026-01-01T00:00:00Z";

/// A folder of the vectors.
struct Genuine {
    name: String,
    expected: Value,
    document: String,
    key: String,
}

#[test]
fn genuine_files_and_keys_come_out_as_is_known_of_them() {
    let Some(folder) = vectors() else { return };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder.join("keygen"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    let genuine: Vec<Genuine> = folders.iter().map(|folder| Genuine::read(folder)).collect();
    let cases: Vec<Case> = genuine.iter().flat_map(Genuine::cases).collect();
    assert!(cases.len() >= 16, "{}", cases.len());
    let wrong: Vec<String> = cases.iter().flat_map(run).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

impl Genuine {
    fn read(folder: &Path) -> Self {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
        let expected: Value = serde_json::from_str(&text("expected.json")).expect("JSON");
        let hex = text("public_key.hex");
        let key: Vec<u8> = hex
            .trim()
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
            .collect();
        Self {
            name: folder.file_name().expect("a name").to_string_lossy().into_owned(),
            document: text(expected["artifact"].as_str().expect("a name")),
            expected,
            key: base64url::encode(&key),
        }
    }

    fn cases(&self) -> Vec<Case> {
        let expected = &self.expected["expected"];
        let mut cases = Vec::new();
        // 1. At every time that something is known of.
        for evaluation in expected["evaluations"].as_array().into_iter().flatten() {
            let now = evaluation["now"].as_str().expect("a time");
            let told = match evaluation["file"].as_str().expect("what it is") {
                "valid" => json!({"usable": true, "licenses": [self.summary()]}),
                "expired" => json!({"usable": false, "state": "expired", "reason": "file-expired"}),
                "invalid" => json!({"usable": false, "reason": "issued-in-future"}),
                other => panic!("{other}"),
            };
            cases.push(self.case(now, now, &self.document, told, |_| {}));
        }
        // 2. What the vectors say of files without a time.
        let decrypts = expected["decrypt"] == "ok";
        if expected["evaluations"].is_null() {
            let told = if self.expected["format"] == "keygen-signed-key" {
                let dataset: Value =
                    serde_json::from_str(expected["dataset"].as_str().expect("a dataset")).expect("JSON");
                let ends = &dataset["license"]["expiry"];
                json!({"state": "expired", "reason": "expired", "licenses": [{"id": dataset["license"]["id"], "expires": ends}]})
            } else {
                // The signature holds, and the secret is not known.
                json!({"usable": false, "reason": "secret-missing"})
            };
            cases.push(self.case("as it is", ANY_TIME, &self.document, told, |_| {}));
        }
        // 3. Its negatives.
        let refused = |reason: &str| json!({"usable": false, "state": "invalid", "reason": reason});
        cases.push(self.case("another key", ANY_TIME, &self.document, refused("key-unknown"), |case| {
            case["keys"][0]["jwk"]["x"] = json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        }));
        let (mine, others) =
            if self.document.contains("LICENSE FILE") { ("LICENSE", "MACHINE") } else { ("MACHINE", "LICENSE") };
        let relabelled = self.document.replace(&format!("{mine} FILE"), &format!("{others} FILE"));
        if relabelled != self.document {
            cases.push(self.case("another prefix", ANY_TIME, &relabelled, refused("key-unknown"), |_| {}));
        } else {
            let changed = self.document.replacen("key/ey", "key/eY", 1);
            cases.push(self.case("a dataset changed", ANY_TIME, &changed, refused("key-unknown"), |_| {}));
            let lock = self.document.replacen("key/", "lock/", 1);
            cases.push(self.case("another prefix", ANY_TIME, &lock, refused("envelope-invalid"), |_| {}));
        }
        if decrypts {
            cases.push(self.case("another secret", ANY_TIME, &self.document, refused("secret-wrong"), |case| {
                case["secrets"]["license-key"] = json!("TEST-OTHER");
            }));
            cases.push(self.case("no secret", ANY_TIME, &self.document, refused("secret-missing"), |case| {
                case["secrets"] = json!({});
            }));
        }
        if decrypts && mine == "MACHINE" {
            cases.push(self.case("another machine", ANY_TIME, &self.document, refused("secret-wrong"), |case| {
                case["deployment"]["fingerprint/machine"] = json!("another");
            }));
        }
        cases
    }

    /// What the license must be summed up as.
    fn summary(&self) -> Value {
        let expected = &self.expected["expected"];
        json!({"id": expected["license_id"], "issued": cut(&expected["meta"]["issued"]), "expires": expected["license_expiry"],
            "features": expected["entitlements"]})
    }

    fn case(&self, what: &str, now: &str, document: &str, told: Value, change: impl FnOnce(&mut Value)) -> Case {
        let inputs = &self.expected["inputs"];
        let entry =
            |name: &str, value: &Value| value.as_str().map(|value| json!({name: value})).unwrap_or_else(|| json!({}));
        let mut case = json!({
            "name": format!("{}: {what}", self.name),
            "now": now,
            "keys": [{"kid": "keygen", "format": "keygen", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": self.key}}],
            "secrets": entry("license-key", &inputs["license_key"]),
            "deployment": entry("fingerprint/machine", &inputs["fingerprint"]),
            "documents": {"license.lic": {"raw": document}},
            "steps": [{"do": "status", "expect": told}],
        });
        change(&mut case);
        serde_json::from_value(case).expect("a case")
    }
}

/// Times are read by the second.
fn cut(time: &Value) -> Value {
    let seconds = time.as_str().and_then(|time| time.split_once('.')).expect("a time with milliseconds").0;
    json!(format!("{seconds}Z"))
}
