//! A report and its signature.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_compact::{KeyPair, PublicKey, Seed, Signature};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{FORMAT, Report, ReportedCounter};

/// The type in the header (RFC 7515 section 4.1.9).
const TYPE: &str = "placet-report+jwt";
const ALGORITHM: &str = "EdDSA";

/// A report whose signature is right, by the key that stands in it: which installation has that key is for a [`super::ReportPin`].
#[derive(Clone, Debug, PartialEq)]
pub struct SignedReport {
    /// What it says.
    pub report: Report,
    /// The public key, base64url.
    pub key: String,
    /// SHA-256 of all of it, in hex: what the next report names.
    pub hash: String,
}

/// It is no report, or not as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Not a compact JWS of this type and format. What is wrong, without its content.
    #[error("not a usage report: {0}")]
    Invalid(&'static str),
    /// It was changed, or signed by another key.
    #[error("the signature does not fit")]
    Signature,
}

impl ReportError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "report-invalid",
            Self::Signature => "report-signature-invalid",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    jwk: Jwk,
}

/// RFC 8037 section 2.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
}

impl SignedReport {
    /// Reads a report as it was handed out. White space around it is passed over.
    ///
    /// # Errors
    ///
    /// [`ReportError`].
    pub fn read(token: &str) -> Result<Self, ReportError> {
        let token = token.trim_ascii();
        let invalid = ReportError::Invalid;
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid("it has not the three parts of a compact JWS"));
        };
        let json: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| invalid("its header is not one of a report"))?;
        if (&*json.alg, &*json.typ, &*json.jwk.kty, &*json.jwk.crv) != (ALGORITHM, TYPE, "OKP", "Ed25519") {
            return Err(invalid("its header is not one of a report"));
        }
        let key = PublicKey::from_slice(&decode(&json.jwk.x)?).map_err(|_| invalid("its key is none"))?;
        let signature = Signature::from_slice(&decode(signature)?).map_err(|_| ReportError::Signature)?;
        let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
        key.verify(signed, &signature).map_err(|_| ReportError::Signature)?;
        let report: Report =
            serde_json::from_slice(&decode(payload)?).map_err(|_| invalid("its content is not one of this format"))?;
        if report.format != FORMAT || (report.number == 1) != report.previous.is_none() || report.number == 0 {
            return Err(invalid("its content is not one of this format"));
        }
        let each_once = |list: &[ReportedCounter]| list.is_sorted_by(|one, other| one.counter < other.counter);
        if ![&report.counters, &report.seats, &report.burned].into_iter().all(|list| each_once(list)) {
            return Err(invalid("a counter stands in it twice, or out of order"));
        }
        Ok(Self { report, key: json.jwk.x, hash: hash(token) })
    }
}

/// Signs a report with the key of this seed.
pub(crate) fn sign(report: &Report, seed: [u8; 32]) -> Result<String, serde_json::Error> {
    let pair = KeyPair::from_seed(Seed::new(seed));
    let jwk = Jwk { kty: "OKP".to_owned(), crv: "Ed25519".to_owned(), x: encode(&*pair.pk) };
    let header = Header { alg: ALGORITHM.to_owned(), typ: TYPE.to_owned(), jwk };
    let signed = format!("{}.{}", encode(&serde_json::to_vec(&header)?), encode(&serde_json::to_vec(report)?));
    let signature = pair.sk.sign(&signed, None);
    Ok(format!("{signed}.{}", encode(&*signature)))
}

fn hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Canonical text alone.
fn decode(text: &str) -> Result<Vec<u8>, ReportError> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| ReportError::Invalid("a part of it is not base64url"))
}
