//! The host's side, second half: is this policy not older than what was adopted here before?

use semver::Version;

use crate::key::ContentHash;
use crate::name::PolicyName;
use crate::verify::Verified;

/// What is known about a policy name on this installation. The default admits everything: a first start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Floor {
    /// The lowest sequence that is ever admitted: compiled into the product, for a rollback also what licenses demand.
    pub minimum: u64,
    /// The highest sequence that was adopted here, from the state store.
    pub adopted: Option<Adopted>,
    /// The one older policy that an operator went back to; it is admitted although it is older.
    pub rollback: Option<ContentHash>,
}

/// A policy that was adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// Its sequence.
    pub sequence: u64,
    /// Its content.
    pub hash: ContentHash,
}

/// A verified policy that may be compiled and tested on this installation. Only [`Verified::admit`] makes one.
#[derive(Debug, Clone)]
pub struct Admitted {
    verified: Verified,
    rolled_back: bool,
}

impl Verified {
    /// Holds the policy against the floor of its name, and against the version of the host.
    ///
    /// # Errors
    /// [`AdmitError`]; what runs now is to go on running.
    pub fn admit(self, floor: &Floor, host: &Version) -> Result<Admitted, AdmitError> {
        let manifest = self.manifest();
        let (name, sequence) = (&manifest.name, manifest.sequence);
        if *host < manifest.minimum_host {
            return Err(AdmitError::HostTooOld {
                name: name.clone(),
                minimum: manifest.minimum_host.clone(),
                host: host.clone(),
            });
        }
        if sequence < floor.minimum {
            return Err(AdmitError::BelowMinimum { name: name.clone(), sequence, minimum: floor.minimum });
        }
        let rolled_back = match floor.adopted {
            Some(adopted) if sequence < adopted.sequence => {
                if floor.rollback != Some(self.content_hash()) {
                    return Err(AdmitError::Older { name: name.clone(), sequence, adopted: adopted.sequence });
                }
                true
            }
            Some(adopted) if sequence == adopted.sequence && self.content_hash() != adopted.hash => {
                return Err(AdmitError::OtherBytes { name: name.clone(), sequence });
            }
            _ => false,
        };
        Ok(Admitted { verified: self, rolled_back })
    }
}

impl Admitted {
    /// The policy.
    #[must_use]
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// It is older than what was adopted, and admitted only because an operator went back to it.
    #[must_use]
    pub fn is_rolled_back(&self) -> bool {
        self.rolled_back
    }
}

/// A verified policy is not admitted. The policy is genuine; it is the wrong one for here and now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// Older than what was adopted: an old file was put back by mistake, or to get around a newer rule.
    #[error(
        "policy `{name}` has sequence {sequence}, and {adopted} was adopted here; install a newer one, or roll back on purpose"
    )]
    Older {
        /// The policy's name.
        name: PolicyName,
        /// Its sequence.
        sequence: u64,
        /// The highest that was adopted.
        adopted: u64,
    },
    /// Lower than any that this product, or a license that holds, accepts. No rollback goes there.
    #[error("policy `{name}` has sequence {sequence}, the lowest accepted here is {minimum}; install a newer one")]
    BelowMinimum {
        /// The policy's name.
        name: PolicyName,
        /// Its sequence.
        sequence: u64,
        /// The lowest.
        minimum: u64,
    },
    /// The vendor gave one sequence to two policies.
    #[error(
        "policy `{name}` has the sequence {sequence} of another policy that was adopted here; the vendor must raise it"
    )]
    OtherBytes {
        /// The policy's name.
        name: PolicyName,
        /// Its sequence.
        sequence: u64,
    },
    /// The policy needs a newer host.
    #[error("policy `{name}` needs host version {minimum}, this is {host}; upgrade the product first")]
    HostTooOld {
        /// The policy's name.
        name: PolicyName,
        /// What it needs.
        minimum: Version,
        /// What this is.
        host: Version,
    },
}

impl AdmitError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Older { .. } => "policy-older",
            Self::BelowMinimum { .. } => "policy-below-minimum",
            Self::OtherBytes { .. } => "policy-same-sequence-other-bytes",
            Self::HostTooOld { .. } => "host-too-old",
        }
    }
}
