//! What an installation keeps, at rest: sealed by a key of its own, or readable where no storage secret is given.
//!
//! Each piece is sealed alone, with AES-256-GCM (NIST SP 800-38D). Of 24 random bytes the first twelve derive the key of the piece and the
//! other twelve are its nonce, as in [XAES-256-GCM](https://c2sp.org/XAES-256-GCM), though by HMAC-SHA256: so no count of pieces uses up a
//! key. What the piece is, and its name, are authenticated with it: one that is put into another's place does not open.
//!
//! ```text
//! 89 70 6c 61 63 65 74 01   magic, and the version of this form
//! 8 bytes                   by which the key is known
//! 24 bytes                  random
//! …                         ciphertext, and the tag of 16 bytes
//! ```
//!
//! The key is random, made once, and lies in `storage.key`, sealed in the same form by the storage secret. So another secret means one
//! small file, written anew and renamed into its place; everything else stays as it is.

mod secret;
mod storage_key;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::Mac;
use zeroize::Zeroizing;

use crate::install_key::mac;
use crate::random;

pub use self::secret::SecretError;
pub(crate) use self::secret::{Secret, Secrets};
pub(crate) use self::storage_key::Unlocked;

/// No text begins so.
const MAGIC: [u8; 8] = *b"\x89placet\x01";
/// Bytes by which a key is known.
const ID: usize = 8;
/// Bytes that derive the key of a piece.
const SALT: usize = 12;
/// Bytes of a nonce of AES-GCM.
const NONCE: usize = 12;
/// So many bytes a sealed piece is longer than what it holds.
pub(crate) const OVERHEAD: u64 = (MAGIC.len() + ID + SALT + NONCE + 16) as u64;

/// What seals and opens what an installation keeps. The default one has no key: it keeps everything readable, and opens nothing sealed.
#[derive(Clone, Debug, Default)]
pub struct Vault(Option<Arc<Key>>);

/// What a piece is, and whose.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'n> {
    StorageKey,
    InstallKey,
    /// A document that was installed, by its file's name.
    Document(&'n str),
    /// The copy of a document that was adopted, by the policy's name and its own.
    Copy(&'n str, &'n str),
    /// A line of the audit log. Its place in the log is told by the chain.
    AuditLine,
    /// What the holder of a state directory tells.
    Status,
}

/// A piece could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnsealError {
    #[error("it is sealed, and no storage secret is given")]
    NoKey,
    #[error("it was sealed by another storage key")]
    OtherKey,
    #[error("it is damaged, or stands in the place of something else")]
    Damaged,
}

impl Vault {
    /// Whether there is a key; if not, what is kept stays readable.
    pub fn seals(&self) -> bool {
        self.0.is_some()
    }

    /// The piece as it is to be kept.
    ///
    /// # Errors
    ///
    /// Where the system has no randomness to give.
    pub(crate) fn seal<'c>(&self, piece: Piece<'_>, content: &'c [u8]) -> io::Result<Cow<'c, [u8]>> {
        match &self.0 {
            Some(key) => key.seal(piece, content).map(Cow::Owned),
            None => Ok(Cow::Borrowed(content)),
        }
    }

    /// A piece as it was, kept sealed or readable.
    pub(crate) fn open<'c>(&self, piece: Piece<'_>, kept: &'c [u8]) -> Result<Cow<'c, [u8]>, UnsealError> {
        if !is_sealed(kept) {
            return Ok(Cow::Borrowed(kept));
        }
        self.0.as_ref().ok_or(UnsealError::NoKey)?.open(piece, kept).map(Cow::Owned)
    }
}

/// Whether it has the form of a sealed piece.
pub(crate) fn is_sealed(kept: &[u8]) -> bool {
    kept.starts_with(&MAGIC)
}

/// 32 bytes, and what they are known by.
struct Key {
    bytes: Zeroizing<[u8; 32]>,
    id: [u8; ID],
}

impl Key {
    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let mut id = [0; ID];
        id.iter_mut().zip(*derive(&bytes, &[b"id"])).for_each(|(id, byte)| *id = byte);
        Self { bytes, id }
    }

    fn seal(&self, piece: Piece<'_>, content: &[u8]) -> io::Result<Vec<u8>> {
        let (salt, nonce): ([u8; SALT], [u8; NONCE]) = (random::bytes()?, random::bytes()?);
        let payload = Payload { msg: content, aad: &piece.associated() };
        let sealed = self.cipher(&salt).encrypt(&Nonce::from(nonce), payload);
        // Beyond 64 GiB alone.
        let sealed = sealed.map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok([&MAGIC[..], &self.id, &salt, &nonce, &sealed].concat())
    }

    fn open(&self, piece: Piece<'_>, kept: &[u8]) -> Result<Vec<u8>, UnsealError> {
        let parts = || {
            let (id, rest) = kept.strip_prefix(&MAGIC)?.split_first_chunk::<ID>()?;
            let (salt, rest) = rest.split_first_chunk::<SALT>()?;
            let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
            Some((id, salt, nonce, sealed))
        };
        let (id, salt, nonce, sealed) = parts().ok_or(UnsealError::Damaged)?;
        if *id != self.id {
            return Err(UnsealError::OtherKey);
        }
        let payload = Payload { msg: sealed, aad: &piece.associated() };
        self.cipher(salt).decrypt(&Nonce::from(*nonce), payload).map_err(|_| UnsealError::Damaged)
    }

    fn cipher(&self, salt: &[u8; SALT]) -> Aes256Gcm {
        let key: Zeroizing<[u8; 32]> = derive(&self.bytes, &[b"piece/", salt]);
        Aes256Gcm::new(&(*key).into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Piece<'_> {
    /// What is authenticated with it. No name has a NUL.
    fn associated(self) -> Vec<u8> {
        match self {
            Self::StorageKey => b"storage-key".to_vec(),
            Self::InstallKey => b"install-key".to_vec(),
            Self::Document(name) => [b"document\0", name.as_bytes()].concat(),
            Self::Copy(policy, name) => [b"copy\0", policy.as_bytes(), b"\0", name.as_bytes()].concat(),
            Self::AuditLine => b"audit-line".to_vec(),
            Self::Status => b"status".to_vec(),
        }
    }
}

fn derive(key: &[u8; 32], purpose: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac = mac(key);
    mac.update(b"placet/storage/");
    purpose.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
impl Vault {
    /// A TEST key.
    pub(crate) fn test(byte: u8) -> Self {
        Self(Some(Arc::new(Key::new(Zeroizing::new([byte; 32])))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES: [Piece<'_>; 9] = [
        Piece::StorageKey,
        Piece::InstallKey,
        Piece::Document("a"),
        Piece::Document("b"),
        Piece::Copy("a", "b"),
        Piece::Copy("a", "a"),
        Piece::Copy("b", "a"),
        Piece::AuditLine,
        Piece::Status,
    ];

    #[test]
    fn a_piece_opens_in_its_own_place_alone() {
        let vault = Vault::test(1);
        for (at, piece) in PIECES.into_iter().enumerate() {
            let sealed = vault.seal(piece, b"content").unwrap();
            assert_eq!(sealed.len() as u64, 7 + OVERHEAD);
            for (other, place) in PIECES.into_iter().enumerate() {
                let opened = vault.open(place, &sealed);
                let expected = if at == other { Ok(b"content".to_vec()) } else { Err(UnsealError::Damaged) };
                assert_eq!(opened.map(Cow::into_owned), expected, "{piece:?} as {place:?}");
            }
            assert_eq!(Vault::test(2).open(piece, &sealed), Err(UnsealError::OtherKey));
            assert_eq!(Vault::default().open(piece, &sealed), Err(UnsealError::NoKey));
        }
    }

    #[test]
    fn no_bit_of_a_piece_can_be_changed_and_none_cut_off() {
        let vault = Vault::test(1);
        let sealed = vault.seal(Piece::Status, b"content").unwrap().into_owned();
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Without the magic it is readable rubbish.
            let opened = vault.open(Piece::Status, &damaged);
            assert!(opened.as_deref().map_or(true, |opened| bit < 64 && opened == damaged), "bit {bit}");
        }
        for length in 8..sealed.len() {
            assert_eq!(vault.open(Piece::Status, &sealed[..length]), Err(UnsealError::Damaged), "{length} bytes");
        }
    }

    #[test]
    fn the_same_content_is_never_sealed_alike_and_shows_nowhere() {
        let vault = Vault::test(1);
        let seal = || vault.seal(Piece::Status, &[7; 100]).unwrap().into_owned();
        let (one, other) = (seal(), seal());
        assert_ne!(one[16..], other[16..]);
        assert!(!one.windows(4).any(|window| window == [7; 4]));
        assert_eq!(format!("{vault:?}"), "Vault(Some(Key))");
    }

    #[test]
    fn without_a_key_everything_stays_as_it_is() {
        let vault = Vault::default();
        assert_eq!(&*vault.seal(Piece::Status, b"content").unwrap(), b"content");
        assert_eq!(&*Vault::test(1).open(Piece::Status, b"content").unwrap(), b"content");
    }
}
