//! What Keygen wraps its documents in: certificates in PEM's likeness around `{enc, sig, alg}`, and `key/DATASET.SIGNATURE`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::super::Glance;
use super::{Algorithm, Settings};
use crate::envelope::Form;
use crate::jwk::PublicKey;
use crate::refusal::Refusal;
use crate::secrets::Secrets;
use crate::types::Attribute;
use crate::{aes_gcm, base64url, json, reason};

/// What a signed key begins with, and what is signed before the dataset.
const KEY: &str = "key/";
/// The certificates, by label, with what is signed before `enc`.
const CERTIFICATES: [(&str, Form, &str); 2] =
    [("LICENSE FILE", Form::LicenseFile, "license/"), ("MACHINE FILE", Form::MachineFile, "machine/")];

/// Does it begin as one of them does?
pub(crate) fn looks_like(document: &[u8]) -> bool {
    document.starts_with(b"-----BEGIN ") || document.starts_with(KEY.as_bytes())
}

/// A well-formed document. Nothing that it says is proven.
#[derive(Clone, Debug)]
pub(crate) struct Unverified {
    form: Form,
    /// The bytes under the signature.
    signed: String,
    signature: Vec<u8>,
    content: Content,
    /// What it names; a signed key names none.
    algorithm: Option<Algorithm>,
}

#[derive(Clone, Debug)]
enum Content {
    Plain(Vec<u8>),
    Encrypted { text: Vec<u8>, nonce: Vec<u8>, tag: Vec<u8> },
}

/// What a signature holds for, perhaps still encrypted. Only [`Unverified::verify`] makes it.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    form: Form,
    content: Content,
    algorithm: Algorithm,
}

impl Unverified {
    pub(crate) fn read(document: &[u8]) -> Result<Self, Refusal> {
        let text = str::from_utf8(document).map_err(|_| envelope())?;
        match text.strip_prefix(KEY) {
            Some(rest) => signed_key(rest),
            None => certificate(text),
        }
    }

    pub(crate) fn glance(&self) -> Glance {
        let plain = match &self.content {
            Content::Plain(content) => json::parse(content).ok(),
            Content::Encrypted { .. } => None,
        };
        let form = match self.form {
            Form::MachineFile => "machine-file",
            Form::SignedKey => "signed-key",
            Form::LicenseFile | Form::Jws => "license-file",
        };
        let encryption = if matches!(self.content, Content::Plain(_)) { "base64" } else { "aes-256-gcm" };
        let algorithm = self.algorithm.map(|algorithm| format!("{encryption}+{}", algorithm.as_str()));
        Glance { form, algorithm, content: plain.map(without_keys) }
    }

    pub(crate) fn verify(&self, key: &PublicKey, settings: &Settings) -> Result<Sealed, Refusal> {
        let algorithm = settings.algorithm();
        if self.algorithm.is_some_and(|named| named != algorithm) {
            return Err(Refusal::new(reason::ALGORITHM_MISMATCH));
        }
        algorithm.check(key, self.signed.as_bytes(), &self.signature).map_err(|error| Refusal::new(error.reason()))?;
        Ok(Sealed { form: self.form, content: self.content.clone(), algorithm })
    }
}

impl Sealed {
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// As a file spells it, with the encryption.
    pub(crate) fn algorithm(&self) -> String {
        match (&self.content, self.form) {
            (Content::Encrypted { .. }, _) => format!("aes-256-gcm+{}", self.algorithm.as_str()),
            (Content::Plain(_), Form::SignedKey) => self.algorithm.as_str().to_string(),
            (Content::Plain(_), _) => format!("base64+{}", self.algorithm.as_str()),
        }
    }

    /// What it holds. A license file opens by the license key, a machine file by the license key followed by the fingerprint of the
    /// machine: every secret of that name is tried, with every fingerprint that the host tells.
    pub(crate) fn open(
        self,
        settings: &Settings,
        secrets: &Secrets,
        deployment: &[Attribute],
    ) -> Result<Vec<u8>, Refusal> {
        let (text, nonce, tag) = match self.content {
            Content::Plain(content) => return Ok(content),
            Content::Encrypted { text, nonce, tag } => (text, nonce, tag),
        };
        let name = settings.secret();
        let fingerprints: Vec<&str> = match self.form {
            Form::MachineFile => fingerprints(deployment).collect(),
            _ => Vec::from([""]),
        };
        let mut tried = secrets.under(name).flat_map(|secret| fingerprints.iter().map(move |fact| (secret, *fact)));
        let opened = tried.find_map(|(secret, fingerprint)| {
            let mut hash = Sha256::new();
            hash.update(secret);
            hash.update(fingerprint);
            aes_gcm::open(&Zeroizing::new(hash.finalize().into()), &nonce, &text, &tag, b"")
        });
        opened.ok_or_else(|| secrets.refusal(name))
    }
}

/// The license key opens the other files of a license, and is not to be shown.
fn without_keys(mut content: Value) -> Value {
    let included = content.get_mut("included").and_then(Value::as_array_mut).map(|list| list.iter_mut());
    for license in included.into_iter().flatten() {
        take_key(license);
    }
    content.get_mut("data").into_iter().for_each(take_key);
    content
}

fn take_key(resource: &mut Value) {
    if let Some(attributes) = resource.get_mut("attributes").and_then(Value::as_object_mut) {
        attributes.remove("key");
    }
}

fn fingerprints(deployment: &[Attribute]) -> impl Iterator<Item = &str> {
    deployment.iter().filter(|fact| fact.name.starts_with("fingerprint/")).map(|fact| fact.value.as_str())
}

fn certificate(text: &str) -> Result<Unverified, Refusal> {
    let found = CERTIFICATES.into_iter().find_map(|(label, form, prefix)| {
        let body = text.strip_prefix(&format!("-----BEGIN {label}-----"))?;
        Some((form, prefix, body.strip_suffix(&format!("-----END {label}-----"))?))
    });
    let (form, prefix, body) = found.ok_or_else(envelope)?;
    let body: String = body.split_ascii_whitespace().collect();
    let members = json::parse(&base64(&body)?).map_err(|error| Refusal::new(error.reason()))?;
    let member = |name: &str| members.get(name).and_then(Value::as_str).ok_or_else(envelope);
    let (enc, signature) = (member("enc")?, base64(member("sig")?)?);
    let refused = || Refusal::new(reason::ALGORITHM_REFUSED);
    let (encryption, algorithm) = member("alg")?.split_once('+').ok_or_else(refused)?;
    let content = match encryption {
        "base64" => Content::Plain(base64(enc)?),
        "aes-256-gcm" => encrypted(enc)?,
        _ => return Err(refused()),
    };
    let algorithm = Some(Algorithm::named(algorithm).ok_or_else(refused)?);
    Ok(Unverified { form, signed: format!("{prefix}{enc}"), signature, content, algorithm })
}

/// `CIPHERTEXT.IV.TAG`.
fn encrypted(enc: &str) -> Result<Content, Refusal> {
    let mut parts = enc.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(text), Some(nonce), Some(tag), None) => {
            Ok(Content::Encrypted { text: base64(text)?, nonce: base64(nonce)?, tag: base64(tag)? })
        }
        _ => Err(envelope()),
    }
}

/// What follows `key/`. Both parts are padded.
fn signed_key(rest: &str) -> Result<Unverified, Refusal> {
    let (dataset, signature) = rest.split_once('.').ok_or_else(envelope)?;
    Ok(Unverified {
        form: Form::SignedKey,
        signed: format!("{KEY}{dataset}"),
        signature: padded(signature)?,
        content: Content::Plain(padded(dataset)?),
        algorithm: None,
    })
}

/// base64 (RFC 4648, section 4), canonical alone. By way of the alphabet for URLs: one decoder for all is a good part of the component.
fn base64(text: &str) -> Result<Vec<u8>, Refusal> {
    let for_urls = |letter| match letter {
        '+' => '-',
        '/' => '_',
        '-' | '_' => ' ',
        same => same,
    };
    padded(&text.chars().map(for_urls).collect::<String>())
}

/// base64url with its padding (RFC 4648, section 5), canonical alone.
fn padded(text: &str) -> Result<Vec<u8>, Refusal> {
    let bare = text.trim_end_matches('=');
    let is_whole = text.len().is_multiple_of(4) && text.len() - bare.len() <= 2;
    let decoded = is_whole.then(|| base64url::decode(bare).ok()).flatten();
    decoded.ok_or_else(|| Refusal::new(reason::ENCODING_INVALID))
}

fn envelope() -> Refusal {
    Refusal::new(reason::ENVELOPE_INVALID)
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Base64Url, Encoding};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn padded_texts_are_read_as_the_library_reads_them(text in "[AQgw9+/_-]{0,9}[AQgw+_]{0,3}={0,4}[=A ]{0,1}") {
            prop_assert_eq!(base64(&text).ok(), Base64::decode_vec(&text).ok());
            prop_assert_eq!(padded(&text).ok(), Base64Url::decode_vec(&text).ok());
        }
    }
}
