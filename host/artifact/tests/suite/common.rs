//! The test data, and a second writer of the format: one that also writes what no tool should.

use std::path::PathBuf;

use ed25519_compact::KeyPair;
use placet_artifact::{Manifest, PolicyRoots, SigningKey, pack, sign};
use sha2::{Digest, Sha256};

pub(crate) const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
pub(crate) const ACME: &str = include_str!("../data/TEST-acme.private.pem");
pub(crate) const GLOBEX: &str = include_str!("../data/TEST-globex.private.pem");
pub(crate) const ACME_ROOT: &str = include_str!("../data/TEST-acme.pem");
pub(crate) const MANIFEST: &str = include_str!("../data/manifest.json");

pub(crate) fn directory(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Whether the run is to write what it would otherwise compare with.
pub(crate) fn bless() -> bool {
    std::env::var_os("BLESS").is_some()
}

pub(crate) fn component() -> Vec<u8> {
    wat::parse_str(include_str!("../data/component.wat")).unwrap()
}

pub(crate) fn manifest() -> Manifest {
    Manifest::from_json(MANIFEST).unwrap()
}

pub(crate) fn roots() -> PolicyRoots {
    PolicyRoots::from_pem(ACME_ROOT).unwrap()
}

pub(crate) fn signing_key(pem: &str) -> SigningKey {
    SigningKey::from_pem(pem).unwrap()
}

/// The valid policy that the attacks start from, and that `docs/artifact-format.md` shows.
pub(crate) fn policy() -> Vec<u8> {
    sign(&pack(&component(), &manifest()).unwrap(), &signing_key(ACME)).unwrap()
}

/// What follows the signature section of [`policy`].
pub(crate) fn content() -> Vec<u8> {
    pack(&component(), &manifest()).unwrap()[HEADER.len()..].to_vec()
}

pub(crate) fn leb(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value % 0x80) as u8 + 0x80);
        value /= 0x80;
    }
    out.push(value as u8);
    out
}

pub(crate) fn sized(bytes: &[u8]) -> Vec<u8> {
    [&leb(bytes.len()), bytes].concat()
}

pub(crate) fn custom(name: &str, payload: &[u8]) -> Vec<u8> {
    let content = [&sized(name.as_bytes()), payload].concat();
    [&[0], &sized(&content)[..]].concat()
}

pub(crate) fn manifest_section(json: &str) -> Vec<u8> {
    custom("placet:manifest", json.as_bytes())
}

pub(crate) fn hash(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// The id that wasmsign2 gives a key.
pub(crate) fn key_id(public: &[u8; 32]) -> Vec<u8> {
    let key = wasmsign2::PublicKey { pk: ed25519_compact::PublicKey::new(*public), key_id: None };
    key.attach_default_key_id().key_id.unwrap()
}

pub(crate) fn ed25519(pem: &str, hashes: &[Vec<u8>]) -> Vec<u8> {
    let pair = KeyPair::from_pem(pem).unwrap();
    pair.sk.sign([&b"wasmsig\x01\x01\x01"[..], &hashes.concat()].concat(), None).to_vec()
}

/// The fields of a signature section, each of which an attack may set.
pub(crate) struct Signature {
    pub(crate) fields: [u8; 3],
    pub(crate) hashes: Vec<Vec<u8>>,
    pub(crate) key_id: Vec<u8>,
    pub(crate) algorithm: u8,
    pub(crate) signatures: Vec<Vec<u8>>,
}

impl Signature {
    /// As it should be for this content.
    pub(crate) fn of(content: &[u8], pem: &str) -> Self {
        let hashes = vec![hash(content)];
        let signatures = vec![ed25519(pem, &hashes)];
        let key_id = key_id(&KeyPair::from_pem(pem).unwrap().pk);
        Self { fields: [1, 1, 1], hashes, key_id, algorithm: 1, signatures }
    }

    pub(crate) fn set(&self) -> Vec<u8> {
        let mut out = [leb(self.hashes.len()), self.hashes.concat(), leb(self.signatures.len())].concat();
        for signature in &self.signatures {
            out.extend(sized(&[sized(&self.key_id), vec![self.algorithm], sized(signature)].concat()));
        }
        out
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        [&self.fields[..], &[1], &sized(&self.set())].concat()
    }

    pub(crate) fn before(&self, content: &[u8]) -> Vec<u8> {
        [HEADER, &custom("signature", &self.data()), content].concat()
    }
}

/// Signs any content, as long as it is told to.
pub(crate) fn signed(content: &[u8]) -> Vec<u8> {
    Signature::of(content, ACME).before(content)
}
