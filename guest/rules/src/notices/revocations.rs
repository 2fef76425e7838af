//! Revocation lists: licenses that their vendor withdrew.

use alloc::collections::BTreeSet;
use alloc::string::ToString;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::claims::fields::{Fields, invalid, texts};
use crate::refusal::Refusal;
use crate::types::Attribute;

/// A whole list: each new one repeats what stays revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    /// `sequence`: of two lists the higher one stands.
    pub sequence: u64,
    /// `revoked`: SHA-256 of each license id.
    revoked: BTreeSet<[u8; 32]>,
}

impl Revocations {
    /// Does it withdraw the license of this id?
    pub fn names(&self, license: &str) -> bool {
        self.revoked.contains(&digest(license))
    }

    /// The digests of what it withdraws.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.revoked.iter()
    }

    pub(super) fn read(claims: &mut Fields) -> Result<Self, Refusal> {
        let sequence = claims.amount("sequence")?.ok_or_else(|| invalid("sequence"))?;
        let revoked = claims.typed("revoked", |value| {
            let mut digests = BTreeSet::new();
            for text in texts(value)? {
                digests.insert(from_hex(&text)?);
            }
            Some(digests)
        })?;
        Ok(Self { sequence, revoked: revoked.ok_or_else(|| invalid("revoked"))? })
    }

    pub(super) fn details(&self) -> Vec<Attribute> {
        Vec::from([
            Attribute::new("sequence", self.sequence.to_string()),
            Attribute::new("revoked", self.revoked.len().to_string()),
        ])
    }
}

/// What stands in a list for a license id: the SHA-256 of its UTF-8 bytes.
pub fn digest(license: &str) -> [u8; 32] {
    Sha256::digest(license.as_bytes()).into()
}

/// 64 hexadecimal digits of either case.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok().filter(|_| rest.is_empty())
}
