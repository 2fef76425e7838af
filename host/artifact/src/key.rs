//! Keys and what names them: the vendor's signing key, key ids, content hashes.

use std::fmt;

use ed25519_compact::{KeyPair, PublicKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::root::PolicyRoot;

/// Names a policy key: the first 12 bytes of HMAC-SHA-256 over the text `key_id`, with the 32 bytes of the public key as
/// the HMAC's key, which is what wasmsign2 computes. It finds a key, it proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KeyId::LENGTH]);

impl KeyId {
    /// Its length in bytes.
    pub const LENGTH: usize = 12;

    /// The bytes as they stand in the signature section.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    pub(crate) fn of(key: &PublicKey) -> Result<Self, KeyError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).map_err(|_| KeyError::Malformed)?;
        mac.update(b"key_id");
        let digest = mac.finalize().into_bytes();
        digest.first_chunk().copied().map(Self).ok_or(KeyError::Malformed)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// SHA-256 of all bytes that follow the signature section, which is what the signature covers. Signing the same content
/// with another key leaves it as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; ContentHash::LENGTH]);

impl ContentHash {
    /// Its length in bytes.
    pub const LENGTH: usize = 32;

    /// A hash that was kept, as from a state store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

/// `sha256:` and 64 hexadecimal digits, as OCI registries write a digest.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        hex(&self.0, f)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// A private key cannot be used. The fault is the file's; nothing of it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not one PKCS#8 `PRIVATE KEY` block (RFC 8410 section 7, version 1) with an Ed25519 key.
    #[error("not an Ed25519 private key in PKCS#8 PEM; `openssl genpkey -algorithm ed25519` writes one")]
    Malformed,
}

impl KeyError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "key-malformed",
        }
    }
}

/// A vendor's private policy key. It is wiped from memory when dropped, and its `Debug` shows the key id alone.
pub struct SigningKey {
    pair: KeyPair,
    id: KeyId,
}

impl SigningKey {
    /// Reads a PKCS#8 PEM block, `-----BEGIN PRIVATE KEY-----` (RFC 8410 section 7, version 1).
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when it is anything else.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pem(pem).map_err(|_| KeyError::Malformed)?;
        let id = KeyId::of(&pair.pk)?;
        Ok(Self { pair, id })
    }

    /// The id of its public half.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Its public half, as a root for every policy name.
    #[must_use]
    pub fn root(&self) -> PolicyRoot {
        PolicyRoot::for_any_name(self.pair.pk, self.id)
    }

    /// Ed25519 (RFC 8032), deterministic: the same message gives the same signature.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        *self.pair.sk.sign(message, None)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
