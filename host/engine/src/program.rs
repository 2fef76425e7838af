//! A policy in force: loaded from one snapshot, one instance per core and more where all wait for the disk, a trapped one replaced.

use std::sync::Arc;
use std::thread;

use placet_artifact::{ContentHash, Manifest};

use crate::bindings::exports::placet::policy::licensing::{Config, Status};
use crate::capability::{ClockCapability, CountersCapability, FilesCapability};
use crate::clock::{Clock, Reading};
use crate::documents::Snapshot;
use crate::instances::{InStore, Instances, MAX_INSTANCES};
use crate::limits;
use crate::sandbox::{Compiled, Failure, Instance, Reach};
use crate::status::PolicyInfo;
use crate::store::Store;

/// A policy that may run: compiled, and what it is told when it loads.
pub(crate) struct Program {
    pub(crate) manifest: Manifest,
    pub(crate) hash: ContentHash,
    pub(crate) rolled_back: bool,
    pub(crate) compiled: Compiled,
    pub(crate) config: Config,
}

impl Program {
    /// When the policy was issued, in milliseconds: it cannot be earlier than that.
    pub(crate) fn issued(&self) -> u64 {
        self.manifest.issued.saturating_mul(1_000)
    }
}

/// What a policy is lent.
#[derive(Clone)]
pub(crate) struct Lent {
    pub(crate) clock: Arc<Clock>,
    pub(crate) store: Arc<dyn Store>,
    /// The counters' namespace: the policy's name.
    pub(crate) namespace: Arc<str>,
}

/// A policy that has read its documents.
pub(crate) struct Loaded {
    pub(crate) program: Arc<Program>,
    pub(crate) snapshot: Arc<Snapshot>,
    /// What `load` answered.
    pub(crate) status: Status,
    pub(crate) lent: Lent,
    instances: Instances,
    in_store: InStore,
}

/// Loading gave no policy to run. Whose fault: the policy's vendor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoadError {
    /// It failed while it loaded.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Two instances learned different things from the same documents.
    #[error("two instances of the policy do not agree on the same documents")]
    Disagreement,
}

impl LoadError {
    /// The reason, as in the table of reasons.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.reason(),
            Self::Disagreement => "policy-disagrees",
        }
    }
}

impl Loaded {
    /// Loads an instance for each core, all from the same snapshot and moment.
    pub(crate) fn load(program: Arc<Program>, snapshot: Arc<Snapshot>, lent: Lent) -> Result<Self, LoadError> {
        let cores = thread::available_parallelism().map_or(1, usize::from).min(MAX_INSTANCES);
        let moment = lent.clock.read();
        let in_store = InStore::default();
        let mut instances = Vec::with_capacity(cores);
        let mut status = None;
        for _ in 0..cores {
            let (instance, answer) = start(&program, &snapshot, &lent, &in_store, Some(moment))?;
            if *status.get_or_insert_with(|| answer.clone()) != answer {
                return Err(LoadError::Disagreement);
            }
            instances.push(instance);
        }
        let status = status.ok_or(LoadError::Disagreement)?;
        let instances = Instances::new(instances, in_store.clone());
        Ok(Self { program, snapshot, status, lent, instances, in_store })
    }

    /// Asks the policy; after a failure its instance is replaced before the next call.
    pub(crate) fn call<T>(
        &self,
        ticks: u64,
        call: impl FnOnce(&mut Instance, u64) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut slot = self.instances.slot();
        let mut instance = match slot.take() {
            Some(instance) => instance,
            None => start(&self.program, &self.snapshot, &self.lent, &self.in_store, None)?.0,
        };
        // In a panic or a failure it is not put back.
        let answer = call(&mut instance, ticks)?;
        *slot = Some(instance);
        Ok(answer)
    }

    /// The state now.
    pub(crate) fn current(&self) -> Result<Status, Failure> {
        self.call(limits::LOAD_TICKS, |instance, ticks| {
            instance.call(ticks, |policy, store| policy.placet_policy_licensing().call_current(store))
        })
    }

    /// What the state would be with this document.
    pub(crate) fn inspect(&self, document: &[u8], name: Option<&str>) -> Result<Status, Failure> {
        self.call(limits::LOAD_TICKS, |instance, ticks| {
            instance.call(ticks, |policy, store| policy.placet_policy_licensing().call_inspect(store, document, name))
        })
    }

    /// The policy, for people.
    pub(crate) fn info(&self) -> PolicyInfo {
        PolicyInfo::new(&self.program.manifest, &self.program.hash, self.program.rolled_back)
    }
}

fn start(
    program: &Program,
    snapshot: &Arc<Snapshot>,
    lent: &Lent,
    in_store: &InStore,
    moment: Option<Reading>,
) -> Result<(Instance, Status), Failure> {
    let reach = Reach::new(
        ClockCapability::new(lent.clock.clone(), moment),
        FilesCapability::new(snapshot.clone()),
        CountersCapability::new(lent.clone(), in_store.clone(), program.compiled.ticks()),
    );
    let mut instance = program.compiled.instantiate(reach)?;
    let status = instance
        .call(limits::LOAD_TICKS, |policy, store| policy.placet_policy_licensing().call_load(store, &program.config))?;
    instance.reach().clock.thaw();
    Ok((instance, status))
}
