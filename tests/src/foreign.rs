//! Documents as other systems issue them, signed with TEST keys: what a case says of one, and the document itself.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64ct::{Base64, Base64Url, Encoding};
use placet_rules::base64url;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::keys::TestKey;

/// What is signed unless something is changed in it, by name.
const BASES: &str = include_str!("../vectors/data/bases.json");
/// The nonce of everything that is encrypted here.
const NONCE: [u8; 12] = [7; 12];

/// A document of another system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    /// Which of `bases.json`.
    pub base: String,
    /// By JSON pointer; what is not there yet is added.
    #[serde(default)]
    pub changes: BTreeMap<String, Value>,
    /// JSON pointers of what is taken away.
    #[serde(default)]
    pub without: Vec<String>,
    /// The payload as text, in place of all that.
    pub payload: Option<String>,
    /// The TEST key that signs.
    pub key: String,
    /// `jws` unless told, `license-file`, `machine-file` or `signed-key`.
    #[serde(default)]
    pub form: Form,
    /// Of a JWS: members of the header, beside `alg`.
    #[serde(default)]
    pub header: Map<String, Value>,
    /// Of Keygen: what it is signed with, if not the key's own.
    pub algorithm: Option<String>,
    /// Of Keygen: what it is encrypted with (license key, or license key and fingerprint).
    pub secret: Option<String>,
    /// Of Keygen: what is signed before the content, if not the form's own.
    pub prefix: Option<String>,
    /// Of Keygen: members of the certificate, in place of its own; null takes one away.
    #[serde(default)]
    pub certificate: Map<String, Value>,
    /// Encrypted as a whole.
    pub encrypt: Option<Encrypt>,
    /// The end: in the text that comes out, each first text becomes the second one.
    #[serde(default)]
    pub edit: Vec<(String, String)>,
}

/// How a document is wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "as `Foreign::form` says")]
pub enum Form {
    #[default]
    Jws,
    LicenseFile,
    MachineFile,
    SignedKey,
}

/// An encrypted envelope.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encrypt {
    /// 32 bytes as base64url.
    pub secret: String,
    /// Members of the header, in place of its own; null takes one away.
    #[serde(default)]
    pub header: Map<String, Value>,
}

impl Foreign {
    /// One that is not changed.
    pub fn of(base: &str, key: &str, form: Form) -> Self {
        let foreign = json!({"base": base, "key": key});
        Self { form, ..serde_json::from_value(foreign).expect("a document") }
    }

    /// What it says.
    pub fn claims(&self) -> Value {
        let bases: Value = serde_json::from_str(BASES).expect("JSON");
        let mut claims = bases.get(&self.base).unwrap_or_else(|| panic!("no base `{}`", self.base)).clone();
        for (pointer, value) in &self.changes {
            let (object, name) = member(&mut claims, pointer);
            object.insert(name, value.clone());
        }
        for pointer in &self.without {
            let (object, name) = member(&mut claims, pointer);
            object.remove(&name).unwrap_or_else(|| panic!("nothing at `{pointer}`"));
        }
        claims
    }

    /// The document.
    pub fn text(&self) -> String {
        let payload = self.payload.clone().unwrap_or_else(|| self.claims().to_string());
        let key = TestKey::named(&self.key);
        let mut text = match self.form {
            Form::Jws => self.jws(&key, &payload),
            Form::LicenseFile => self.certificate(&key, &payload, "LICENSE FILE", "license/"),
            Form::MachineFile => self.certificate(&key, &payload, "MACHINE FILE", "machine/"),
            Form::SignedKey => self.signed_key(&key, &payload),
        };
        if let Some(encrypt) = &self.encrypt {
            text = encrypt.text(&text);
        }
        self.edit.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from.as_str()), "`{from}` does not occur");
            text.replace(from.as_str(), to)
        })
    }

    fn jws(&self, key: &TestKey, payload: &str) -> String {
        let mut header = json!({"alg": key.jws_algorithm()});
        header.as_object_mut().expect("an object").extend(self.header.clone());
        let signed =
            format!("{}.{}", base64url::encode(header.to_string().as_bytes()), base64url::encode(payload.as_bytes()));
        format!("{signed}.{}", base64url::encode(&key.sign(signed.as_bytes())))
    }

    fn certificate(&self, key: &TestKey, payload: &str, label: &str, prefix: &str) -> String {
        let algorithm = self.algorithm.as_deref().unwrap_or(key.keygen_algorithm());
        let (enc, encryption) = match &self.secret {
            None => (Base64::encode_string(payload.as_bytes()), "base64"),
            Some(secret) => {
                let sealed = seal(&Sha256::digest(secret).into(), payload.as_bytes(), b"");
                let (text, tag) = sealed.split_at(sealed.len() - 16);
                let parts = [text, &NONCE, tag].map(Base64::encode_string);
                (parts.join("."), "aes-256-gcm")
            }
        };
        let signed = format!("{}{enc}", self.prefix.as_deref().unwrap_or(prefix));
        let signature = Base64::encode_string(&key.sign_keygen(algorithm, signed.as_bytes()));
        let mut certificate = json!({"enc": enc, "sig": signature, "alg": format!("{encryption}+{algorithm}")});
        change(&mut certificate, &self.certificate);
        let body = Base64::encode_string(certificate.to_string().as_bytes());
        let lines: Vec<&str> = body.as_bytes().chunks(60).map(|line| str::from_utf8(line).expect("ASCII")).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn signed_key(&self, key: &TestKey, payload: &str) -> String {
        let algorithm = self.algorithm.as_deref().unwrap_or(key.keygen_algorithm());
        let dataset = Base64Url::encode_string(payload.as_bytes());
        let signed = format!("{}{dataset}", self.prefix.as_deref().unwrap_or("key/"));
        let signature = key.sign_keygen(algorithm, signed.as_bytes());
        format!("key/{dataset}.{}", Base64Url::encode_string(&signature))
    }
}

impl Encrypt {
    fn text(&self, document: &str) -> String {
        let mut header = json!({"alg": "dir", "enc": "A256GCM", "kid": "terms", "cty": "jose"});
        change(&mut header, &self.header);
        let protected = base64url::encode(header.to_string().as_bytes());
        let key = base64url::decode(&self.secret).expect("base64url").try_into().expect("32 bytes");
        let sealed = seal(&key, document.as_bytes(), protected.as_bytes());
        let (text, tag) = sealed.split_at(sealed.len() - 16);
        let [nonce, text, tag] = [&NONCE, text, tag].map(base64url::encode);
        format!("{protected}..{nonce}.{text}.{tag}")
    }
}

fn seal(key: &[u8; 32], text: &[u8], associated: &[u8]) -> Vec<u8> {
    let cipher = Aes256Gcm::new_from_slice(key).expect("a key");
    cipher.encrypt(&Nonce::from(NONCE), Payload { msg: text, aad: associated }).expect("encrypts")
}

/// The object that a pointer leads into, and the name of the member there.
fn member<'a>(value: &'a mut Value, pointer: &str) -> (&'a mut Map<String, Value>, String) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = value.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at `{parent}`"));
    (parent.as_object_mut().expect("an object"), name.to_owned())
}

fn change(object: &mut Value, changes: &Map<String, Value>) {
    let object = object.as_object_mut().expect("an object");
    for (name, value) in changes {
        if value.is_null() {
            object.remove(name).expect("it is there");
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}
