//! The host's side, first half: is this a policy that somebody signed who may?

use crate::format::{FormatError, MANIFEST_SECTION, SIGNATURE_SECTION, Sections};
use crate::key::{ContentHash, KeyId};
use crate::manifest::{Manifest, ManifestError};
use crate::name::PolicyName;
use crate::root::{PolicyRoot, PolicyRoots};
use crate::signature::{Signature, SignatureError, content_hash, message};

/// Checks a policy file against the roots that the product was built with. In this order, and nothing later is looked at
/// before: size and header, signature, sections, manifest, and whether the key may sign this name.
///
/// # Errors
/// [`VerifyError`]; the policy is then not to be used in any way.
pub fn verify(bytes: Vec<u8>, roots: &PolicyRoots) -> Result<Verified, VerifyError> {
    let (manifest, manifest_json, hash, key_id) = {
        let signed = check_signature(&bytes, roots)?;
        let manifest_json = find_manifest(&signed)?;
        let manifest = Manifest::from_json(manifest_json)?;
        if !signed.root.allows(&manifest.name) {
            return Err(VerifyError::KeyNotAllowed { key: signed.root.key_id(), name: manifest.name });
        }
        (manifest, manifest_json.to_owned(), signed.hash, signed.root.key_id())
    };
    Ok(Verified { bytes, manifest, manifest_json, hash, key_id })
}

/// A policy whose signature holds, by a key that may sign it. Only [`verify`] makes one.
#[derive(Debug, Clone)]
pub struct Verified {
    bytes: Vec<u8>,
    manifest: Manifest,
    manifest_json: String,
    hash: ContentHash,
    key_id: KeyId,
}

impl Verified {
    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as it was signed, for handing to the policy.
    #[must_use]
    pub fn manifest_json(&self) -> &str {
        &self.manifest_json
    }

    /// The whole file, which is a component: custom sections mean nothing to a runtime.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole file, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What the signature covers. It names the policy, whoever signed it.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        self.hash
    }

    /// The root that signed it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }
}

/// What a trusted key has signed; nothing is known of it but that its bytes are the vendor's.
struct Signed<'a> {
    /// After the signature section.
    sections: Sections<'a>,
    hash: ContentHash,
    root: &'a PolicyRoot,
}

fn check_signature<'a>(file: &'a [u8], roots: &'a PolicyRoots) -> Result<Signed<'a>, VerifyError> {
    let mut sections = Sections::of(file)?;
    let first = sections.next().transpose()?.filter(|section| section.name == Some(SIGNATURE_SECTION));
    let signature = Signature::read(first.ok_or(VerifyError::SignatureMissing)?.payload)?;
    let root = roots.find(signature.key_id).ok_or(VerifyError::KeyUnknown { key: signature.key_id })?;

    // The section is not covered by the signature, so what it says of the hash is compared, and what is verified is ours.
    let hash = content_hash(sections.rest());
    if signature.hash != hash {
        return Err(VerifyError::OtherContent);
    }
    if !root.signed(&message(hash), signature.signature) {
        return Err(VerifyError::SignatureInvalid { key: root.key_id() });
    }
    Ok(Signed { sections, hash, root })
}

/// The one manifest, which is the last section. All sections are walked, so that the file is known to end with one.
fn find_manifest<'a>(signed: &Signed<'a>) -> Result<&'a str, VerifyError> {
    let mut manifest = None;
    let mut last = None;
    for section in signed.sections.clone() {
        let section = section?;
        match section.name {
            Some(SIGNATURE_SECTION) => return Err(VerifyError::SignatureSecond),
            Some(MANIFEST_SECTION) if manifest.is_some() => return Err(VerifyError::ManifestSecond),
            Some(MANIFEST_SECTION) => manifest = Some(section.payload.bytes),
            _ => {}
        }
        last = section.name;
    }
    let manifest = manifest.ok_or(VerifyError::ManifestMissing)?;
    if last != Some(MANIFEST_SECTION) {
        return Err(VerifyError::ManifestNotLast);
    }
    Ok(str::from_utf8(manifest).map_err(ManifestError::from)?)
}

/// A policy file is refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not a component, or a damaged one.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The first section is not a signature: the vendor shipped the unsigned file, or somebody took the signature off.
    #[error("the policy is not signed; ask the vendor for the signed file")]
    SignatureMissing,
    /// The signature section cannot be read.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signature belongs to other bytes: changed on the way, or taken from another policy.
    #[error("the policy is not what was signed: changed, cut, or under the signature of another file; fetch it again")]
    OtherContent,
    /// The signature is not the key's.
    #[error("the signature by key {key} does not hold; fetch the policy again")]
    SignatureInvalid {
        /// The key that the file names.
        key: KeyId,
    },
    /// A second signature section, within what was signed.
    #[error("the policy has a second signature section; sign the packed file, not a signed one")]
    SignatureSecond,
    /// No root has this key id: a policy of another vendor, or signed with a key newer than the product.
    #[error(
        "key {key} is none of this product's policy roots; use the vendor's policy for this product, or upgrade it"
    )]
    KeyUnknown {
        /// The key that the file names.
        key: KeyId,
    },
    /// The key is a root, for other policies.
    #[error("key {key} may not sign policy `{name}`; ask the vendor for the policy of this product")]
    KeyNotAllowed {
        /// The key that signed.
        key: KeyId,
        /// The name in the manifest.
        name: PolicyName,
    },
    /// No manifest section at the top level.
    #[error("the policy has no manifest; pack the component before it is signed")]
    ManifestMissing,
    /// Two manifest sections.
    #[error("the policy has a second manifest; pack the component as the compiler wrote it")]
    ManifestSecond,
    /// A section follows the manifest.
    #[error("the manifest is not the last section; pack the component as the last step before it is signed")]
    ManifestNotLast,
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl VerifyError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Format(error) => error.reason(),
            Self::SignatureMissing => "signature-missing",
            Self::Signature(error) => error.reason(),
            Self::OtherContent => "signature-other-content",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::SignatureSecond => "signature-second",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyNotAllowed { .. } => "key-not-allowed",
            Self::ManifestMissing => "manifest-missing",
            Self::ManifestSecond => "manifest-second",
            Self::ManifestNotLast => "manifest-not-last",
            Self::Manifest(error) => error.reason(),
        }
    }
}
