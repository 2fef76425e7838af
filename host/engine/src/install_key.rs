//! The key of an installation: made when its state begins, kept beside it, for its owner alone to read.
//!
//! It seals what the store holds, so that a row which another program wrote, or another installation's file, is told from our own.
//! It is no protection from who may read it: that is who runs the product.

use std::fmt;
use std::io::{self, Read};

use cap_std::fs::Dir;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::vault::{OVERHEAD, Piece, Vault};
use crate::{random, state_dir};

/// The file's name in the state directory.
pub(crate) const NAME: &str = "install.key";
/// The same until there are counters that it seals: the name tells whether there must be some.
const BEGUN: &str = ".install.key.begun";
/// It is no longer than this, in bytes.
pub(crate) const MAX: u64 = 100 + OVERHEAD;

/// HMAC with SHA-256 (RFC 2104, FIPS 180-4).
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// 32 random bytes. Keys for a purpose are derived from it; itself it is used for nothing.
#[derive(Clone)]
pub(crate) struct InstallKey([u8; 32]);

impl fmt::Debug for InstallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstallKey({})", self.id())
    }
}

impl InstallKey {
    /// The key that was kept in a state directory, sealed or readable; none where there is none.
    ///
    /// # Errors
    ///
    /// What the system said, or [`io::ErrorKind::InvalidData`] where the file holds no key, or none that the vault opens.
    pub(crate) fn read(dir: &Dir, vault: &Vault) -> io::Result<Option<Self>> {
        Self::read_as(NAME, dir, vault)
    }

    fn read_as(name: &str, dir: &Dir, vault: &Vault) -> io::Result<Option<Self>> {
        let file = match dir.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.take(MAX).read_to_end(&mut text)?;
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let text = vault.open(Piece::InstallKey, &text).map_err(invalid)?;
        Self::parse(&text).map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an install key"))
    }

    /// Makes a key for counters that are to be made, whole or not at all; where another process was quicker, or a crash came between, its
    /// key. It is kept under a name of its own until [`InstallKey::settle`].
    ///
    /// # Errors
    ///
    /// What the system said.
    pub(crate) fn begin(dir: &Dir, vault: &Vault) -> io::Result<Self> {
        let key = Self(random::bytes()?);
        state_dir::make(dir, BEGUN, &vault.seal(Piece::InstallKey, key.render().as_bytes())?)?;
        match Self::read_as(BEGUN, dir, vault)? {
            Some(key) => Ok(key),
            None => Self::read(dir, vault)?.ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }

    /// Gives the key its name, now that there are counters; none where none was begun and none is there.
    ///
    /// # Errors
    ///
    /// As [`InstallKey::read`].
    pub(crate) fn settle(dir: &Dir, vault: &Vault) -> io::Result<Option<Self>> {
        match dir.hard_link(BEGUN, dir, NAME) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                return Err(error);
            }
            // Another process was quicker, or there is none that was begun.
            _ => {}
        }
        match dir.remove_file(BEGUN) {
            Ok(()) => dir.open(".")?.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Self::read(dir, vault)
    }

    /// Sixteen hex digits by which the key is known; they tell nothing about it.
    pub(crate) fn id(&self) -> String {
        self.derive("id").iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// A key for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = mac(&self.0);
        mac.update(b"placet/install-key/");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim_end_matches('\n');
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let bytes: Option<Vec<u8>> =
            (0..64).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
        Some(Self(bytes?.try_into().ok()?))
    }

    fn render(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect()
    }
}

/// HMAC under a key, which fills one block with the zeros that the HMAC itself would append (RFC 2104, section 2).
pub(crate) fn mac(key: &[u8; 32]) -> HmacSha256 {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(block, byte)| *block = *byte);
    HmacSha256::new(&block.into())
}

#[cfg(test)]
impl InstallKey {
    /// A TEST key.
    pub(crate) fn test(byte: u8) -> Self {
        Self([byte; 32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).unwrap();
        let readable = Vault::default();
        assert!(InstallKey::read(&dir, &readable).unwrap().is_none());
        let key = InstallKey::begin(&dir, &readable).unwrap();
        assert_eq!(InstallKey::begin(&dir, &readable).unwrap().0, key.0);
        assert!(InstallKey::read(&dir, &readable).unwrap().is_none(), "there are no counters yet");
        assert_eq!(InstallKey::settle(&dir, &readable).unwrap().unwrap().0, key.0);
        // Of one that was begun beside it nothing is left.
        assert_ne!(InstallKey::begin(&dir, &readable).unwrap().0, key.0);
        assert_eq!(InstallKey::settle(&dir, &readable).unwrap().unwrap().0, key.0);
        assert_eq!(InstallKey::read(&dir, &readable).unwrap().unwrap().0, key.0);
        let path = temp.path().join(NAME);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
        for wrong in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(66)] {
            std::fs::write(&path, wrong).unwrap();
            assert_eq!(InstallKey::read(&dir, &readable).unwrap_err().kind(), io::ErrorKind::InvalidData, "{wrong}");
        }
    }

    #[test]
    fn keys_for_two_purposes_and_of_two_installations_differ() {
        let (one, two) = (InstallKey::test(1), InstallKey::test(2));
        assert_ne!(one.derive("a"), one.derive("b"));
        assert_ne!(one.derive("a"), two.derive("a"));
        assert_ne!(one.id(), two.id());
        assert!(!format!("{one:?}").contains("0101"));
    }
}
