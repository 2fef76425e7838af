//! Changing the policy while the product runs.

use std::path::{Path, PathBuf};

use placet_artifact::Floor;

use super::{Installation, load};
use crate::adoption::{adopt, adopted};
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::error::PolicyError;
use crate::policies::Candidate;
use crate::status::PolicyInfo;

impl Installation {
    pub(crate) fn policies(&self) -> Result<Vec<(PathBuf, PolicyInfo)>, PolicyError> {
        let (candidates, _) = Candidate::adopted(&self.state, &self.roots, None)?;
        let mut policies: Vec<_> = candidates.into_iter().map(|one| (one.path.clone(), one.info())).collect();
        policies.sort_by_key(|(_, info)| info.sequence);
        Ok(policies)
    }

    pub(crate) fn change_policy(&self, path: &Path, roll_back: bool) -> Result<PolicyInfo, PolicyError> {
        self.change_to(Candidate::read(path, &self.roots), path, roll_back)
    }

    pub(crate) fn install_policy_bytes(&self, policy: Vec<u8>) -> Result<PolicyInfo, PolicyError> {
        let path = Path::new(BY_VALUE);
        self.change_to(Candidate::verify(path, policy, &self.roots), path, false)
    }

    fn change_to(
        &self,
        candidate: Result<Candidate, PolicyError>,
        path: &Path,
        roll_back: bool,
    ) -> Result<PolicyInfo, PolicyError> {
        let answer = candidate.and_then(|candidate| self.try_change_policy(candidate, roll_back));
        match &answer {
            Ok((info, before)) if info != before => self.tell_policy(info),
            Ok(_) => {}
            Err(error) => self.tell("policy.rejected", &path.display().to_string(), error.reason()),
        }
        answer.map(|(info, _)| info)
    }

    /// Answers the one that decides from now on, and the one before.
    fn try_change_policy(
        &self,
        candidate: Candidate,
        roll_back: bool,
    ) -> Result<(PolicyInfo, PolicyInfo), PolicyError> {
        let changing = self.change();
        let before = self.loaded();
        if candidate.name() != before.info().name {
            return Err(PolicyError::OtherName { found: candidate.name().to_owned(), expected: before.info().name });
        }
        let floor = Floor {
            minimum: self.minimum_sequence.max(demanded(&before.status)),
            adopted: adopted(&*self.store, candidate.name())?,
            rollback: roll_back.then(|| candidate.adopted_as().hash),
        };
        let tested = candidate.test(&floor, &self.sandbox, Some(&self.state), &self.deployment, &self.clock)?;
        let loaded = load(&tested, &self.sources, &self.store, &self.clock, &self.vault, self.grace.as_ref())?;
        adopt(&tested, &self.state, &*self.store, &self.clock)?;
        self.clock.not_before(tested.program.issued());
        let info = loaded.info();
        self.swap(loaded, &changing);
        // The next look at it tries again.
        drop(self.limit_grace(&changing));
        changing.tell_noticed(&self.loaded().status);
        Ok((info, before.info()))
    }
}

/// In place of the path of a policy that was given by value.
const BY_VALUE: &str = "(by value)";

/// The highest `min_policy` of the licenses that hold.
fn demanded(status: &LicenseStatus) -> u64 {
    let holding = status.licenses.iter().filter(|license| matches!(&*license.state, "active" | "expiring" | "grace"));
    let demands = holding.flat_map(|license| &license.details).filter(|detail| detail.name == "min_policy");
    demands.filter_map(|detail| detail.value.parse().ok()).max().unwrap_or(0)
}
