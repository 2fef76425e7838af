//! Documents verified by a policy alone: no state, no counters, no other licenses.

use std::collections::BTreeMap;
use std::sync::Arc;

use placet_artifact::Manifest;
use serde::Serialize;

use crate::bindings::exports::placet::policy::types::{Limit, Status as LicenseStatus, Summary};
use crate::builder::Builder;
use crate::clock::Clock;
use crate::documents::Snapshot;
use crate::error::{Failure, OpenError, PolicyError};
use crate::limits;
use crate::program::{Lent, Loaded, Program};
use crate::store::MemoryStore;

/// Verifies documents, each as if it were the only one.
pub struct Verifier {
    loaded: Loaded,
}

/// A license that a trusted key signed. It may be expired or not have begun: see [`License::state`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct License {
    /// Its id.
    pub id: String,
    /// As the vendor calls it.
    pub plan: Plan,
    /// The customer's name.
    pub organization: String,
    /// As in a status, for this license alone.
    pub state: String,
    /// Why it has that state.
    pub reason: String,
    /// The signature's algorithm as its format spells it, such as `EdDSA` or `aes-256-gcm+ed25519`.
    pub algorithm: String,
    /// Whole days until it ends; negative after it. None: it does not end.
    pub days_until_expiry: Option<i64>,
    /// Everything else that may be shown.
    #[serde(flatten)]
    pub summary: Summary,
}

/// A license's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// `free`.
    Free,
    /// `team`.
    Team,
    /// `enterprise`.
    Enterprise,
    /// As the license spells it; empty where it names none.
    #[serde(untagged)]
    Other(String),
}

impl From<&str> for Plan {
    /// Letters of either case are the same.
    fn from(plan: &str) -> Self {
        match &*plan.to_ascii_lowercase() {
            "free" => Self::Free,
            "team" => Self::Team,
            "enterprise" => Self::Enterprise,
            _ => Self::Other(plan.to_owned()),
        }
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::Team => "team",
            Self::Enterprise => "enterprise",
            Self::Other(plan) => plan,
        })
    }
}

impl License {
    /// Names of the features it grants, sorted.
    pub fn features(&self) -> &[String] {
        &self.summary.features
    }

    /// Its limits, by name.
    pub fn limits(&self) -> &[Limit] {
        &self.summary.limits
    }
}

/// A JWS whose signature is right; nothing is said about what it means.
pub type VerifiedJws = crate::bindings::exports::placet::policy::verification::Verified;

/// A document was not verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It does not hold. The reason, as in the table of reasons.
    #[error("the document is refused: {0}")]
    Refused(String),
    /// The policy gave no answer.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl VerifyError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused(reason) => reason,
            Self::Failure(failure) => failure.reason(),
        }
    }
}

impl Verifier {
    /// A verifier on a component that the caller compiled in and therefore trusts, for those who have no signed policy at hand:
    /// a vendor who checks what was just issued. The manifest says whom to trust; of the builder, the facts and secrets count.
    ///
    /// # Errors
    ///
    /// [`OpenError`] where the component is no policy.
    pub fn from_component(component: &[u8], manifest: &Manifest, builder: &Builder) -> Result<Self, OpenError> {
        Self::load(Program::from_component(component, manifest, builder)?)
    }

    pub(crate) fn from_policy(builder: &Builder) -> Result<Self, OpenError> {
        Self::load(Program::from_policy(builder)?)
    }

    fn load(program: Arc<Program>) -> Result<Self, OpenError> {
        let lent = Lent {
            clock: Arc::new(Clock::without_state()),
            store: Arc::new(MemoryStore::default()),
            namespace: "verifier".into(),
        };
        let (name, version) = (program.manifest.name.to_string(), program.manifest.version.to_string());
        let snapshot = Arc::new(Snapshot::take(&[], BTreeMap::new()));
        let loaded = Loaded::load(program, snapshot, lent).map_err(|error| PolicyError::Unfit {
            name,
            version,
            reason: error.reason(),
            source: error.into(),
        })?;
        Ok(Self { loaded })
    }

    /// Verifies a license and types it. An expired one is verified too: look at [`License::state`].
    ///
    /// # Errors
    ///
    /// [`VerifyError::Refused`] where no trusted key signed it, or it says what no license may say.
    pub fn verify(&self, document: &[u8]) -> Result<License, VerifyError> {
        let status = self.inspect(document)?;
        let Some(summary) = status.licenses.into_iter().next() else {
            let reason = status.documents.into_iter().next().map_or(status.reason, |document| match &*document.kind {
                "license" => document.reason,
                _ => not_a_license_reason(),
            });
            return Err(VerifyError::Refused(reason));
        };
        let detail =
            |name| summary.details.iter().find(|detail| detail.name == name).map(|detail| detail.value.clone());
        Ok(License {
            id: summary.id.clone(),
            plan: Plan::from(&*summary.plan),
            organization: summary.customer.clone(),
            state: summary.state.clone(),
            reason: summary.reason.clone(),
            algorithm: detail("algorithm").unwrap_or_default(),
            days_until_expiry: summary.expires.and_then(|end| crate::status::days_between(status.evaluated, end)),
            summary,
        })
    }

    /// What the status would be if this document were the only one.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the policy gave no answer.
    pub fn inspect(&self, document: &[u8]) -> Result<LicenseStatus, Failure> {
        Ok(self.loaded.inspect(document, None)?)
    }

    /// The cryptography alone: is this JWS signed by this public JWK?
    ///
    /// # Errors
    ///
    /// [`VerifyError::Refused`] where it is not.
    pub fn verify_jws(&self, document: &[u8], jwk: &str) -> Result<VerifiedJws, VerifyError> {
        let answer = self.loaded.call(limits::LOAD, |instance, budget| {
            instance.call(budget, |policy, store| policy.placet_policy_verification().call_verify(store, document, jwk))
        });
        answer.map_err(Failure::from)?.map_err(VerifyError::Refused)
    }
}

/// A receipt, an order, an anchor or a revocation list.
fn not_a_license_reason() -> String {
    "not-a-license".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_one_of_ours_or_as_the_license_spells_it() {
        for (text, plan, shown) in [
            ("free", Plan::Free, "free"),
            ("Team", Plan::Team, "team"),
            ("ENTERPRISE", Plan::Enterprise, "enterprise"),
            ("Pro Plus", Plan::Other("Pro Plus".to_owned()), "Pro Plus"),
            ("", Plan::Other(String::new()), ""),
        ] {
            assert_eq!(Plan::from(text), plan);
            assert_eq!(plan.to_string(), shown);
            assert_eq!(serde_json::to_value(&plan).unwrap(), shown);
        }
    }
}
