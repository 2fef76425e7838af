//! What anyone may see of a policy file without trusting it: for support, and before signing.

use crate::format::{FormatError, MANIFEST_SECTION, SIGNATURE_SECTION, Sections};
use crate::key::{ContentHash, KeyId};
use crate::manifest::{Manifest, ManifestError};
use crate::signature::{Signature, SignatureError, content_hash};

/// Takes a file apart. **Nothing of it is verified**: whoever made the file says this. Only
/// [`verify`](crate::verify()) tells who signed it.
///
/// # Errors
/// [`FormatError`], when it cannot be taken apart. A signature or manifest that cannot be read is part of the answer.
pub fn inspect(file: &[u8]) -> Result<Inspection, FormatError> {
    let mut inspection = Inspection {
        sections: Vec::new(),
        signatures: Vec::new(),
        manifests: Vec::new(),
        content_hash: content_hash(Sections::of(file)?.rest()),
    };
    let mut sections = Sections::of(file)?;
    while let Some(section) = sections.next() {
        let section = section?;
        match section.name {
            Some(SIGNATURE_SECTION) => {
                if inspection.sections.is_empty() {
                    inspection.content_hash = content_hash(sections.rest());
                }
                inspection.signatures.push(Signature::read(section.payload).map(SignatureClaim::from));
            }
            Some(MANIFEST_SECTION) => inspection.manifests.push(read_manifest(section.payload.bytes)),
            _ => {}
        }
        inspection.sections.push(SectionInfo {
            id: section.id,
            name: section.name.map(str::to_owned),
            offset: section.range.start,
            length: section.range.len(),
        });
    }
    Ok(inspection)
}

/// The unverified claims of a policy file. Every text in it, errors included, may hold any character: escape it for a terminal.
#[derive(Debug)]
pub struct Inspection {
    /// Every top-level section, in file order.
    pub sections: Vec<SectionInfo>,
    /// Every signature section; a signed policy has one, and it stands first.
    pub signatures: Vec<Result<SignatureClaim, SignatureError>>,
    /// Every manifest section with its text as it stands; a policy has one, and it stands last.
    pub manifests: Vec<Result<(Manifest, String), ManifestError>>,
    /// Of what follows a leading signature section, or else the header: computed here, so it may be compared.
    pub content_hash: ContentHash,
}

/// One top-level section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionInfo {
    /// 0 custom, 1 core module, and so on (component model, `Binary.md`).
    pub id: u8,
    /// The name of a custom section.
    pub name: Option<String>,
    /// Where it starts in the file, in bytes.
    pub offset: usize,
    /// How long it is in bytes, id and length included.
    pub length: usize,
}

/// What a signature section claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureClaim {
    /// The key that is said to have signed.
    pub key_id: KeyId,
    /// The content that is said to have been signed.
    pub content_hash: ContentHash,
}

impl From<Signature> for SignatureClaim {
    fn from(signature: Signature) -> Self {
        Self { key_id: signature.key_id, content_hash: signature.hash }
    }
}

fn read_manifest(bytes: &[u8]) -> Result<(Manifest, String), ManifestError> {
    let text = str::from_utf8(bytes)?;
    Ok((Manifest::from_json(text)?, text.to_owned()))
}
