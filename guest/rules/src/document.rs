//! One document: whose it is, and the license that was read from it.

use alloc::string::{String, ToString};

use crate::claims::{self, Claims, Origin};
use crate::jws::{self, Unverified, Verified};
use crate::license::License;
use crate::manifest::{Manifest, TrustedKey};
use crate::refusal::Refusal;
use crate::types::{Attribute, Instant};
use crate::{json, reason, scope};

/// Bytes of a document at most.
const MAX_SIZE: usize = 1 << 20;

/// What was learned from the document of one name.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    /// `license`, or what its key is for.
    pub(crate) kind: String,
    /// It was signed by a trusted key, and its claims could be read.
    pub(crate) license: Option<License>,
    /// Why the license does not hold here whatever the time, or why there is none.
    pub(crate) refusal: Option<Refusal>,
    /// The license is the kept copy: why the document itself was not taken.
    pub(crate) replaced: Option<Refusal>,
    /// When the document was last seen valid; none: not known.
    pub(crate) seen: Option<Instant>,
}

impl Source {
    /// There is no license in it.
    pub(crate) fn refused(name: &str, refusal: Refusal) -> Self {
        Self {
            name: name.to_string(),
            kind: "license".to_string(),
            license: None,
            refusal: Some(refusal),
            replaced: None,
            seen: None,
        }
    }

    /// It can hold, now or at another time: the host keeps a copy.
    pub(crate) fn is_good(&self) -> bool {
        self.refusal.is_none()
    }

    /// This document or, where it cannot hold, its kept copy in its place, provided that this one can.
    pub(crate) fn or_copy(self, copy: Source) -> Self {
        if self.is_good() || !copy.is_good() { self } else { Self { replaced: self.refusal, ..copy } }
    }
}

/// By what documents are judged as they are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) deployment: &'a [Attribute],
    pub(crate) now: Instant,
}

impl Reader<'_> {
    /// Reads a document.
    pub(crate) fn read(&self, name: &str, bytes: &[u8]) -> Source {
        match self.license(name, bytes) {
            Ok((license, refusal)) => {
                Source { license: Some(license), refusal, ..Source::refused(name, Refusal::new(reason::MISSING)) }
            }
            Err((kind, refusal)) => Source { kind: kind.to_string(), ..Source::refused(name, refusal) },
        }
    }

    /// A license, and why it cannot hold here. An error tells the kind of the document, and why no license was read.
    fn license(&self, name: &str, bytes: &[u8]) -> Result<(License, Option<Refusal>), (&str, Refusal)> {
        let (trusted, verified) = self.verify(bytes)?;
        let license = |refusal| ("license", refusal);
        let payload = json::parse(verified.payload()).map_err(|error| license(Refusal::new(error.reason())))?;
        let origin = Origin {
            document: name.to_string(),
            key: trusted.kid.clone(),
            algorithm: verified.algorithm().to_string(),
            payload_hash: hash(verified.payload()),
        };
        let claims = claims::read(payload, origin).map_err(license)?;
        // A license without `iat` must be of a key that signs now; otherwise a withdrawn key could sign undated ones for ever.
        if !trusted.is_valid_at(claims.license.issued.unwrap_or(self.now)) {
            return Err(license(Refusal::at(reason::KEY_NOT_VALID, "key", trusted.kid.clone())));
        }
        let refusal = self.holds_here(&claims, trusted).err();
        Ok((claims.license, refusal))
    }

    /// Whose signature is it? Of the keys that the document names, or of all where it names none, exactly one must verify it.
    fn verify(&self, bytes: &[u8]) -> Result<(&TrustedKey, Verified), (&str, Refusal)> {
        let license = |refusal| ("license", refusal);
        if bytes.len() > MAX_SIZE {
            return Err(license(Refusal::new(reason::FILE_TOO_LARGE)));
        }
        let document = jws::read(bytes.trim_ascii()).map_err(|error| license(Refusal::new(error.reason())))?;
        if let Some(found) = self.signer(&document, true).map_err(license)? {
            return Ok(found);
        }
        match self.signer(&document, false) {
            Ok(Some((trusted, _))) => {
                let kind = trusted.uses.first().map_or("license", String::as_str);
                Err((kind, Refusal::new(reason::KIND_UNDECIDED)))
            }
            Ok(None) => Err(license(Refusal::new(reason::KEY_UNKNOWN))),
            Err(refusal) => Err(license(refusal)),
        }
    }

    /// The one key, of those for licenses or of the others, that verifies the document. None: no key could be asked, or it names
    /// none and no key verifies it.
    fn signer(&self, document: &Unverified, licenses: bool) -> Result<Option<(&TrustedKey, Verified)>, Refusal> {
        let named = |trusted: &&TrustedKey| document.kid().is_none_or(|kid| kid == trusted.kid);
        let mut found = None;
        let mut failed = None;
        for trusted in self.manifest.trust.iter().filter(|trusted| trusted.signs("license") == licenses).filter(named) {
            match document.verify(&trusted.key) {
                Ok(_) if found.is_some() => return Err(Refusal::new(reason::KEY_AMBIGUOUS)),
                Ok(verified) => found = Some((trusted, verified)),
                Err(error) => failed = Some(Refusal::new(error.reason())),
            }
        }
        match failed {
            Some(failed) if found.is_none() && document.kid().is_some() => Err(failed),
            _ => Ok(found),
        }
    }

    /// Is it for this product, for this policy and for this deployment, and can these rules decide all of it?
    fn holds_here(&self, claims: &Claims, trusted: &TrustedKey) -> Result<(), Refusal> {
        let product = trusted.product.as_ref().unwrap_or(&self.manifest.name);
        if !claims.audience.is_empty() && !claims.audience.contains(product) {
            return Err(Refusal::at(reason::AUDIENCE_MISMATCH, "expected", product.clone()));
        }
        if let Some(sequence) = claims.license.min_policy.filter(|sequence| *sequence > self.manifest.sequence) {
            return Err(Refusal::at(reason::POLICY_TOO_OLD, "min-policy", sequence.to_string()));
        }
        if !claims.license.undecided.is_empty() {
            return Err(Refusal::at(reason::CLAIM_UNDECIDED, "claims", claims.license.undecided.join(", ")));
        }
        scope::check(&claims.license.scope, self.deployment)
    }
}

fn hash(payload: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(payload).into()
}
