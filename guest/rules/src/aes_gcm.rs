//! AES-256-GCM (NIST SP 800-38D), with nonces of 96 bits and whole tags: what encrypted documents are encrypted with.

use alloc::vec::Vec;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::Zeroizing;

/// Bytes of a nonce.
const NONCE: usize = 12;
/// Bytes of a tag.
const TAG: usize = 16;

/// What a key of 256 bits opens. None where the nonce or the tag has another length, or where the tag does not hold: another key, or
/// something was changed. Nothing of the text is to be had then.
pub(crate) fn open(
    key: &Zeroizing<[u8; 32]>,
    nonce: &[u8],
    text: &[u8],
    tag: &[u8],
    associated: &[u8],
) -> Option<Vec<u8>> {
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    if tag.len() != TAG {
        return None;
    }
    let sealed = [text, tag].concat();
    let cipher = Aes256Gcm::new_from_slice(key.as_slice()).ok()?;
    cipher.decrypt(&Nonce::from(nonce), Payload { msg: &sealed, aad: associated }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 14, and case 13 for the empty text.
    #[test]
    fn the_published_examples_open_and_no_other() {
        let key = Zeroizing::new([0; 32]);
        let text = [0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18];
        let tag = [0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19];
        let empty = [0x53, 0x0f, 0x8a, 0xfb, 0xc7, 0x45, 0x36, 0xb9, 0xa9, 0x63, 0xb4, 0xf1, 0xc4, 0xcb, 0x73, 0x8b];
        assert_eq!(open(&key, &[0; 12], &text, &tag, b"").as_deref(), Some(&[0; 16][..]));
        assert_eq!(open(&key, &[0; 12], b"", &empty, b"").as_deref(), Some(&[][..]));
        assert_eq!(open(&key, &[0; 12], &text, &empty, b""), None);
        assert_eq!(open(&key, &[0; 12], &text, &tag, b"more"), None);
        assert_eq!(open(&Zeroizing::new([1; 32]), &[0; 12], &text, &tag, b""), None);
        assert_eq!(open(&key, &[0; 12], &text, tag.get(..12).unwrap_or_default(), b""), None);
        assert_eq!(open(&key, &[0; 16], &text, &tag, b""), None);
    }
}
