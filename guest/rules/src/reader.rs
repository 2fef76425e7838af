//! Reads documents: whose signature it is, what kind of document, and whether it is for here.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::claims::Origin;
use crate::document::Source;
use crate::envelope::{Envelope, Payload, Verified};
use crate::files::FileError;
use crate::license::License;
use crate::manifest::{Manifest, TrustedKey};
use crate::memory::Memory;
use crate::notices::{Content, Kind, Notice};
use crate::refusal::Refusal;
use crate::secrets::Secrets;
use crate::types::{Attribute, Instant};
use crate::{json, reason, scope};

/// Bytes of a document at most.
const MAX_SIZE: usize = 1 << 20;

/// By what documents are judged as they are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) deployment: &'a [Attribute],
    pub(crate) secrets: &'a Secrets,
    pub(crate) memory: &'a Memory,
    pub(crate) now: Instant,
}

/// A document whose signature holds.
struct Signed<'a> {
    kind: Kind,
    key: &'a TrustedKey,
    payload: Payload,
}

/// Why nothing was read, and what it would have been.
type Refused = (Kind, Refusal);

impl Reader<'_> {
    /// Reads a document, or says why the host has none.
    pub(crate) fn read(&self, name: &str, content: Result<Vec<u8>, FileError>) -> Source {
        let refused = |refusal| (Kind::License, refusal);
        let bytes = content.map_err(|error| {
            refused(match error {
                FileError::NotFound => Refusal::new(reason::FILE_MISSING),
                FileError::TooLarge => Refusal::new(reason::FILE_TOO_LARGE),
                FileError::Other(cause) => Refusal::at(reason::FILE_UNREADABLE, "cause", cause),
            })
        });
        let read = bytes.and_then(|bytes| self.verify(&bytes)).and_then(|signed| self.source(name, &signed));
        read.unwrap_or_else(|(kind, refusal)| Source::refused(name, kind, refusal))
    }

    fn source(&self, name: &str, signed: &Signed<'_>) -> Result<Source, Refused> {
        let nothing = Source::refused(name, signed.kind, Refusal::new(reason::MISSING));
        let of_kind = |refusal| (signed.kind, refusal);
        if signed.kind == Kind::License {
            let (license, refusal) = self.license(name, signed).map_err(of_kind)?;
            Ok(Source { license: Some(license), refusal, ..nothing })
        } else {
            let (notice, refusal) = self.notice(signed).map_err(of_kind)?;
            Ok(Source { notice: Some(notice), refusal, ..nothing })
        }
    }

    /// A license, and why it cannot hold here.
    fn license(&self, name: &str, signed: &Signed<'_>) -> Result<(License, Option<Refusal>), Refusal> {
        let Signed { key, payload, .. } = signed;
        let content = json::parse(&payload.bytes).map_err(|error| Refusal::new(error.reason()))?;
        let origin = Origin {
            document: name.to_string(),
            key: key.kid.clone(),
            algorithm: payload.algorithm.clone(),
            payload_hash: hash(&payload.bytes),
        };
        let claims = key.format.license(content, payload.form, origin)?;
        // A license without `iat` must be of a key that signs now; otherwise a withdrawn key could sign undated ones for ever.
        signs_at(key, claims.license.issued.unwrap_or(self.now))?;
        let refusal = self.is_for(&claims.audience, key).and_then(|()| self.holds_here(&claims.license)).err();
        Ok((claims.license, refusal))
    }

    /// A notice, and why it cannot hold here.
    fn notice(&self, signed: &Signed<'_>) -> Result<(Notice, Option<Refusal>), Refusal> {
        let Signed { kind, key, payload } = signed;
        let content = json::parse(&payload.bytes).map_err(|error| Refusal::new(error.reason()))?;
        let notice = Notice::read(*kind, content)?;
        signs_at(key, notice.issued)?;
        let refusal = self
            .is_for(&notice.audience, key)
            .and_then(|()| notice.is_for(self.deployment))
            .and_then(|()| self.is_not_older(&notice))
            .err();
        Ok((notice, refusal))
    }

    fn verify(&self, bytes: &[u8]) -> Result<Signed<'_>, Refused> {
        let license = |refusal| (Kind::License, refusal);
        if bytes.len() > MAX_SIZE {
            return Err(license(Refusal::new(reason::FILE_TOO_LARGE)));
        }
        let document = Envelope::read(bytes, self.secrets).map_err(license)?;
        let typed = document.typ().and_then(Kind::typed);
        let kind = typed.unwrap_or(Kind::License);
        let of_kind = |refusal| (kind, refusal);
        // What was signed encrypted is decrypted now, and not before.
        let signed = |kind, (key, verified): (_, Verified)| {
            let payload = verified.open(self.secrets, self.deployment).map_err(of_kind)?;
            Ok(Signed { kind, key, payload })
        };
        if let Some(found) = self.signer(&document, |key| key.signs(kind)).map_err(of_kind)? {
            return signed(kind, found);
        }
        match self.signer(&document, |key| !key.signs(kind)).map_err(of_kind)? {
            None => Err(of_kind(Refusal::new(reason::KEY_UNKNOWN))),
            Some(found) => match (typed, &*found.0.uses) {
                // A key that is for one thing alone says what it signed.
                (None, [only]) => signed(*only, found),
                _ => Err(of_kind(Refusal::at(reason::KEY_NOT_FOR_KIND, "key", found.0.kid.clone()))),
            },
        }
    }

    /// The one key, of those that are asked, that verifies the document: of those that it names, or of all where it names none. None: no
    /// key could be asked, or it names none and no key verifies it.
    fn signer(
        &self,
        document: &Envelope,
        asked: impl Fn(&TrustedKey) -> bool,
    ) -> Result<Option<(&TrustedKey, Verified)>, Refusal> {
        let named = |trusted: &&TrustedKey| document.kid().is_none_or(|kid| kid == trusted.kid);
        let mut found = None;
        let mut failed = None;
        for trusted in self.manifest.trust.iter().filter(|trusted| asked(trusted)).filter(named) {
            match document.verify(trusted) {
                Ok(_) if found.is_some() => return Err(Refusal::new(reason::KEY_AMBIGUOUS)),
                Ok(verified) => found = Some((trusted, verified)),
                Err(refusal) => failed = Some(refusal),
            }
        }
        match failed {
            Some(failed) if found.is_none() && document.kid().is_some() => Err(failed),
            _ => Ok(found),
        }
    }

    fn is_for(&self, audience: &[String], key: &TrustedKey) -> Result<(), Refusal> {
        let product = key.product.as_ref().unwrap_or(&self.manifest.name);
        if audience.is_empty() || audience.contains(product) {
            Ok(())
        } else {
            Err(Refusal::at(reason::AUDIENCE_MISMATCH, "expected", product.clone()))
        }
    }

    /// Is it for this policy and for this deployment, and can these rules decide all of it?
    fn holds_here(&self, license: &License) -> Result<(), Refusal> {
        if let Some(sequence) = license.min_policy.filter(|sequence| *sequence > self.manifest.sequence) {
            return Err(Refusal::at(reason::POLICY_TOO_OLD, "min-policy", sequence.to_string()));
        }
        if !license.undecided.is_empty() {
            return Err(Refusal::at(reason::CLAIM_UNDECIDED, "claim", license.undecided.join(", ")));
        }
        scope::check(license, self.deployment)
    }

    /// What was seen here before goes before what is older.
    fn is_not_older(&self, notice: &Notice) -> Result<(), Refusal> {
        match &notice.content {
            Content::Revocations(list) if list.sequence < self.memory.sequence => {
                Err(Refusal::new(reason::REVOCATIONS_OLDER))
            }
            Content::Anchor(anchor) if anchor.time < self.memory.anchored => Err(Refusal::new(reason::ANCHOR_OLDER)),
            _ => Ok(()),
        }
    }
}

fn signs_at(key: &TrustedKey, instant: Instant) -> Result<(), Refusal> {
    if key.is_valid_at(instant) { Ok(()) } else { Err(Refusal::at(reason::KEY_NOT_VALID, "key", key.kid.clone())) }
}

fn hash(payload: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(payload).into()
}
