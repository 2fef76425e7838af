//! Which of the policies at hand runs, and what is remembered of it.

use std::sync::Arc;

use placet_artifact::{Adopted, ContentHash, Floor, PolicyRoots};

use crate::builder::Builder;
use crate::clock::Clock;
use crate::error::{OpenError, PolicyError};
use crate::policies::{Candidate, Tested};
use crate::sandbox::Sandbox;
use crate::state_dir::StateDir;
use crate::store::{self, Store, StoreError};

/// Where the name of the policy that runs is kept.
const ACTIVE_KEY: &str = "policy/active";

/// The genuine policies of one name, the one to try first at the front.
pub(crate) struct Choice {
    candidates: Vec<Candidate>,
    floor: Floor,
    shipped_refused: Option<PolicyError>,
}

impl Choice {
    /// Looks at the policy that the product ships and at those that were adopted before.
    pub(crate) fn make(
        shipped: Result<Option<Candidate>, PolicyError>,
        minimum_sequence: u64,
        roots: &PolicyRoots,
        state: &StateDir,
        store: &dyn Store,
    ) -> Result<Self, OpenError> {
        let (mut shipped, shipped_refused) = match shipped {
            Ok(shipped) => (shipped, None),
            Err(error) => (None, Some(error)),
        };
        let (mut candidates, damaged) = Candidate::adopted(state, roots, shipped.as_mut())?;
        let active = store.value(ACTIVE_KEY)?.and_then(|name| String::from_utf8(name).ok());
        let name = match (&shipped, active) {
            // Counters are kept by the policy's name: another name would open every budget anew.
            (Some(shipped), Some(active)) if shipped.name() != active => {
                return Err(PolicyError::OtherName { found: shipped.name().to_owned(), expected: active }.into());
            }
            (Some(shipped), _) => Some(shipped.name().to_owned()),
            (None, active) => active,
        };
        let shipped_refused = shipped_refused.or(damaged);
        candidates.extend(shipped);
        let Some(name) = name else {
            return Err(shipped_refused.map_or(OpenError::NoPolicy, OpenError::Policy));
        };
        candidates.retain(|candidate| candidate.name() == name);
        let floor =
            Floor { minimum: minimum_sequence, adopted: adopted(store, &name)?, rollback: rollback(store, &name)? };
        // A rollback lasts until there is something above the floor.
        let highest = candidates.iter().map(|one| one.adopted_as().sequence).max();
        let rolled_back =
            floor.rollback.filter(|_| floor.adopted.is_some_and(|adopted| highest <= Some(adopted.sequence)));
        candidates.sort_by_key(|one| {
            let adopted_as = one.adopted_as();
            std::cmp::Reverse((
                Some(adopted_as.hash) == rolled_back,
                adopted_as.sequence,
                floor.adopted.is_some_and(|adopted| adopted.hash == adopted_as.hash),
            ))
        });
        let floor = Floor { rollback: rolled_back, ..floor };
        Ok(Self { candidates, floor, shipped_refused })
    }

    /// The name of them all.
    pub(crate) fn name(&self) -> &str {
        self.candidates.first().map_or("", Candidate::name)
    }

    /// The first that is admitted and passes its self-test; and why one before it, if there was one, did not.
    pub(crate) fn first_that_runs(
        self,
        builder: &Builder,
        sandbox: &Sandbox,
        state: &StateDir,
        clock: &Arc<Clock>,
    ) -> Result<(Tested, Option<&'static str>), OpenError> {
        let mut refused = self.shipped_refused;
        let mut reason = refused.as_ref().map(PolicyError::reason);
        for candidate in self.candidates {
            match candidate.test(&self.floor, sandbox, Some(state), &builder.deployment, clock) {
                Ok(tested) => return Ok((tested, reason)),
                Err(error) => {
                    reason = reason.or(Some(error.reason()));
                    refused = refused.or(Some(error));
                }
            }
        }
        Err(refused.map_or(OpenError::NoPolicy, OpenError::Policy))
    }
}

/// Whether another policy decided before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adoption {
    /// None did, or this one.
    Same,
    /// Another one.
    Changed,
}

/// Records what was tested and loaded: the file first, so that what the store names can be found.
pub(crate) fn adopt(
    tested: &Tested,
    state: &StateDir,
    store: &dyn Store,
    clock: &Clock,
) -> Result<Adoption, PolicyError> {
    tested.keep(state)?;
    let program = &tested.program;
    let name = program.manifest.name.as_str();
    let mark = clock.moment().mark;
    let before = rollback(store, name)?.or(adopted(store, name)?.map(|adopted| adopted.hash));
    if program.rolled_back {
        store.put_value(&rollback_key(name), Some(program.hash.as_bytes()), mark)?;
    } else {
        let floor = store::Floor { sequence: program.manifest.sequence, hash: *program.hash.as_bytes() };
        store.raise_floor(name, floor, mark)?;
        store.put_value(&rollback_key(name), None, mark)?;
    }
    store.put_value(ACTIVE_KEY, Some(name.as_bytes()), mark)?;
    Ok(if before.is_none_or(|before| before == program.hash) { Adoption::Same } else { Adoption::Changed })
}

/// What was adopted of a policy, by its name.
pub(crate) fn adopted(store: &dyn Store, name: &str) -> Result<Option<Adopted>, StoreError> {
    let adopted = |floor: store::Floor| Adopted { sequence: floor.sequence, hash: ContentHash::from_bytes(floor.hash) };
    Ok(store.floor(name)?.map(adopted))
}

/// The older policy that an operator went back to.
fn rollback(store: &dyn Store, name: &str) -> Result<Option<ContentHash>, StoreError> {
    Ok(store.value(&rollback_key(name))?.and_then(|hash| hash.try_into().ok()).map(ContentHash::from_bytes))
}

fn rollback_key(name: &str) -> String {
    format!("policy/rollback/{name}")
}
