//! The signature section: layout of the WebAssembly tool conventions ("Signatures", version 1) as wasmsign2 0.2.8 writes
//! it, narrowed to one hash and one signature.

use sha2::{Digest, Sha256};

use crate::format::{FormatError, Payload, Reader, SIGNATURE_SECTION, put_custom, put_slice};
use crate::key::{ContentHash, KeyId, SigningKey};

const VERSION: u8 = 1;
const CONTENT_TYPE_WASM: u8 = 1;
const HASH_SHA256: u8 = 1;
const ALGORITHM_ED25519: u8 = 1;

const KEY_ID_LENGTH: &str = "key id not of 12 bytes";
const SIGNATURE_LENGTH: &str = "signature not of 64 bytes";

/// What a signature section claims; nothing of it is checked but its form.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) key_id: KeyId,
    pub(crate) hash: ContentHash,
    pub(crate) signature: [u8; 64],
}

/// The signature section is not of the one form that is accepted. The fault is of the tool that signed, or the file is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A field has a value, or the section a length, that is not the expected one.
    #[error("the signature section is malformed ({what}); fetch the policy again, or sign it again")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// More or fewer than one hash, or than one signature: what the one does not cover would pass with the other.
    #[error("the signature section holds {count} {what}, exactly one is accepted; sign the policy again with one key")]
    Many {
        /// How many were found.
        count: u32,
        /// Of what.
        what: &'static str,
    },
    /// A length in the section is written longer than needed.
    #[error(transparent)]
    Length(FormatError),
}

impl SignatureError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "signature-malformed",
            Self::Many { .. } => "signature-many",
            Self::Length(error) => error.reason(),
        }
    }
}

/// A length that leads out of the section is the section's fault, not the file's.
impl From<FormatError> for SignatureError {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::NonMinimal { .. } => Self::Length(error),
            _ => Self::Malformed { what: "length past its end" },
        }
    }
}

impl Signature {
    pub(crate) fn read(section: Payload<'_>) -> Result<Self, SignatureError> {
        let mut data = Reader::new(section);
        expect(data.byte()? == VERSION, "unknown version")?;
        expect(data.byte()? == CONTENT_TYPE_WASM, "unknown content type")?;
        expect(data.byte()? == HASH_SHA256, "unknown hash function")?;
        expect_one(data.leb()?, "sets of signed hashes")?;
        let mut signed_hashes = Reader::new(data.slice()?);
        expect(data.is_empty(), "bytes after its end")?;

        expect_one(signed_hashes.leb()?, "hashes")?;
        let hash = ContentHash::from_bytes(signed_hashes.array()?);
        expect_one(signed_hashes.leb()?, "signatures")?;
        let mut entry = Reader::new(signed_hashes.slice()?);
        expect(signed_hashes.is_empty(), "bytes after its end")?;

        let mut key_id = Reader::new(entry.slice()?);
        let id = KeyId::from_bytes(key_id.array().map_err(|_| SignatureError::Malformed { what: KEY_ID_LENGTH })?);
        expect(key_id.is_empty(), KEY_ID_LENGTH)?;
        expect(entry.byte()? == ALGORITHM_ED25519, "unknown algorithm")?;
        let mut bytes = Reader::new(entry.slice()?);
        let signature = bytes.array().map_err(|_| SignatureError::Malformed { what: SIGNATURE_LENGTH })?;
        expect(bytes.is_empty(), SIGNATURE_LENGTH)?;
        expect(entry.is_empty(), "bytes after its end")?;
        Ok(Self { key_id: id, hash, signature })
    }

    /// Signs what is to follow the section, and writes the section.
    pub(crate) fn put(out: &mut Vec<u8>, content: &[u8], key: &SigningKey) {
        let hash = content_hash(content);

        let mut entry = Vec::new();
        put_slice(&mut entry, key.key_id().as_bytes());
        entry.push(ALGORITHM_ED25519);
        put_slice(&mut entry, &key.sign(&message(hash)));

        let mut signed_hashes = vec![1];
        signed_hashes.extend_from_slice(hash.as_bytes());
        signed_hashes.push(1);
        put_slice(&mut signed_hashes, &entry);

        let mut data = vec![VERSION, CONTENT_TYPE_WASM, HASH_SHA256, 1];
        put_slice(&mut data, &signed_hashes);
        put_custom(out, SIGNATURE_SECTION, &data);
    }
}

/// The hash of what follows the signature section.
pub(crate) fn content_hash(content: &[u8]) -> ContentHash {
    ContentHash::from_bytes(Sha256::digest(content).into())
}

/// What Ed25519 signs: a domain, the three fields that say how, and the hash.
pub(crate) fn message(hash: ContentHash) -> Vec<u8> {
    let mut message = b"wasmsig".to_vec();
    message.extend_from_slice(&[VERSION, CONTENT_TYPE_WASM, HASH_SHA256]);
    message.extend_from_slice(hash.as_bytes());
    message
}

fn expect(holds: bool, what: &'static str) -> Result<(), SignatureError> {
    if holds { Ok(()) } else { Err(SignatureError::Malformed { what }) }
}

fn expect_one(count: u32, what: &'static str) -> Result<(), SignatureError> {
    if count == 1 { Ok(()) } else { Err(SignatureError::Many { count, what }) }
}
