//! The vendor's side: a component becomes a policy, a policy becomes a signed policy.

use crate::format::{FormatError, HEADER, MANIFEST_SECTION, MAX_POLICY, SIGNATURE_SECTION, Sections, put_custom};
use crate::key::SigningKey;
use crate::manifest::{Manifest, ManifestError};
use crate::root::PolicyRoots;
use crate::signature::Signature;
use crate::verify::{VerifyError, verify};

/// Appends the manifest to a component. The result is not signed, and still a component that any runtime loads.
///
/// # Errors
/// [`PackError`]; a component that has a manifest or a signature already is refused, for it was packed before, and the two
/// would contradict each other.
pub fn pack(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, PackError> {
    for section in Sections::of(component)? {
        match section?.name {
            Some(MANIFEST_SECTION) => return Err(PackError::AlreadyPacked),
            Some(SIGNATURE_SECTION) => return Err(PackError::AlreadySigned),
            _ => {}
        }
    }
    let mut packed = component.to_vec();
    put_custom(&mut packed, MANIFEST_SECTION, manifest.to_json()?.as_bytes());
    if packed.len() > MAX_POLICY {
        return Err(FormatError::TooLarge { size: packed.len() }.into());
    }
    Ok(packed)
}

/// Signs a packed policy: the signature becomes the first section, and covers all that follows it. What is returned has
/// been verified with the same key, so a policy that no host would accept, or a signature that went wrong, never leaves here.
///
/// # Errors
/// [`SignError`]; a signed policy is refused. Whoever signs decides over what customers run, and a script that signs twice
/// or takes the wrong file should hear of it: [`resign`] is there for replacing a signature on purpose.
pub fn sign(packed: &[u8], key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let content = Sections::of(packed)?.rest();
    if leading_signature(packed)?.is_some() {
        return Err(SignError::AlreadySigned);
    }
    put_together(content, key)
}

/// Signs a signed policy anew, as for another key; the old signature goes, whether or not it was valid. The content hash
/// stays, so hosts that adopted the policy take the new file for the same one.
///
/// # Errors
/// [`SignError`]
pub fn resign(signed: &[u8], key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let content = leading_signature(signed)?.ok_or(SignError::NotSigned)?;
    put_together(content, key)
}

/// What follows the signature section, if that is how the file begins.
fn leading_signature(file: &[u8]) -> Result<Option<&[u8]>, FormatError> {
    let mut sections = Sections::of(file)?;
    match sections.next().transpose()? {
        Some(section) if section.name == Some(SIGNATURE_SECTION) => Ok(Some(sections.rest())),
        _ => Ok(None),
    }
}

fn put_together(content: &[u8], key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let mut signed = HEADER.to_vec();
    Signature::put(&mut signed, content, key);
    signed.extend_from_slice(content);
    let verified = verify(signed, &PolicyRoots::from(key.root())).map_err(SignError::Unfit)?;
    Ok(verified.into_bytes())
}

/// A component cannot be packed. The fault is the input's.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not a component, or a damaged one.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It has a manifest.
    #[error("the component has a manifest already; pack the component as the compiler wrote it")]
    AlreadyPacked,
    /// It has a signature.
    #[error("the component is signed already; pack the component as the compiler wrote it")]
    AlreadySigned,
}

impl PackError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Format(error) => error.reason(),
            Self::Manifest(error) => error.reason(),
            Self::AlreadyPacked => "manifest-second",
            Self::AlreadySigned => "signature-second",
        }
    }
}

/// A policy cannot be signed. The fault is the input's.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Not a component, or a damaged one.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It has a signature.
    #[error("the policy is signed already; to replace the signature, ask for it")]
    AlreadySigned,
    /// It has no signature to replace.
    #[error("the policy has no signature to replace; sign it")]
    NotSigned,
    /// A host would refuse the result.
    #[error("no host would accept the policy")]
    Unfit(#[source] VerifyError),
}

impl SignError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Format(error) => error.reason(),
            Self::AlreadySigned => "signature-second",
            Self::NotSigned => "signature-missing",
            Self::Unfit(error) => error.reason(),
        }
    }
}
