//! A policy in force: loaded from one snapshot, one instance per core and more where all wait for the disk, a trapped one replaced.

use std::iter;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use placet_artifact::{ContentHash, Floor, Manifest};

use crate::Usage;
use crate::bindings::exports::placet::policy::licensing::{Config, Status};
use crate::builder::Builder;
use crate::capability::{ClockCapability, CountersCapability, FilesCapability, Tape};
use crate::clock::{Clock, Reading};
use crate::documents::Snapshot;
use crate::error::{OpenError, PolicyError};
use crate::holds::Holds;
use crate::instances::{InStore, Instances, MAX_INSTANCES};
use crate::limits::{self, Budget};
use crate::policies::Candidate;
use crate::sandbox::{Compiled, Failure, Instance, Reach, Sandbox};
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
    /// A component that the caller compiled in and therefore trusts; the manifest says whom it trusts.
    pub(crate) fn from_component(
        component: &[u8],
        manifest: &Manifest,
        builder: &Builder,
    ) -> Result<Arc<Self>, OpenError> {
        let unfit = |reason, source: Box<dyn std::error::Error + Send + Sync>| PolicyError::Unfit {
            name: manifest.name.to_string(),
            version: manifest.version.to_string(),
            reason,
            source,
        };
        let sandbox = Sandbox::new().map_err(|error| OpenError::Machine(error.into()))?;
        let compiled = sandbox.compile(component).map_err(|error| unfit("policy-invalid", error.into()))?;
        let manifest_json = manifest.to_json().map_err(|error| unfit(error.reason(), error.into()))?;
        Ok(Arc::new(Self {
            manifest: manifest.clone(),
            hash: ContentHash::from_bytes([0; ContentHash::LENGTH]),
            rolled_back: false,
            compiled,
            config: builder.deployment.config(manifest_json),
        }))
    }

    /// The policy file that a builder names, genuine and tested, under no floor but the compiled-in one.
    pub(crate) fn from_policy(builder: &Builder) -> Result<Arc<Self>, OpenError> {
        let path = builder.policy.as_deref().ok_or(OpenError::NoPolicy)?;
        let sandbox = Sandbox::new().map_err(|error| OpenError::Machine(error.into()))?;
        let floor = Floor { minimum: builder.minimum_sequence, ..Floor::default() };
        let candidate = Candidate::read(path, &builder.policy_roots()?)?;
        let clock = Arc::new(Clock::without_state());
        Ok(candidate.test(&floor, &sandbox, None, &builder.deployment, &clock)?.program)
    }

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
    pub(crate) holds: Holds,
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
        let start = || start(&program, &snapshot, &lent, &in_store, Some(moment), &Tape::default());
        // Verifying signatures takes most of it.
        let started: Vec<_> = thread::scope(|scope| {
            let others: Vec<_> = (1..cores).map(|_| scope.spawn(start)).collect();
            let join = |other: ScopedJoinHandle<'_, _>| other.join().unwrap_or_else(|panic| resume_unwind(panic));
            iter::once(start()).chain(others.into_iter().map(join)).collect()
        });
        let started = started.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (instances, answers): (Vec<_>, Vec<_>) = started.into_iter().unzip();
        let mut answers = answers.into_iter();
        let status = answers.next().ok_or(LoadError::Disagreement)?;
        if answers.any(|answer| answer != status) {
            return Err(LoadError::Disagreement);
        }
        let instances = Instances::new(instances, in_store.clone());
        Ok(Self { program, snapshot, status, lent, holds: Holds::default(), instances, in_store })
    }

    /// Asks the policy; after a failure its instance is replaced before the next call.
    pub(crate) fn call<T>(
        &self,
        budget: Budget,
        call: impl FnOnce(&mut Instance, Budget) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut slot = self.instances.slot();
        let mut instance = match slot.take() {
            Some(instance) => instance,
            None => start(&self.program, &self.snapshot, &self.lent, &self.in_store, None, &Tape::default())?.0,
        };
        // In a panic or a failure it is not put back.
        let answer = call(&mut instance, budget)?;
        *slot = Some(instance);
        Ok(answer)
    }

    /// The state now.
    pub(crate) fn current(&self) -> Result<Status, Failure> {
        self.call(limits::LOAD, |instance, budget| {
            instance.call(budget, |policy, store| policy.placet_policy_licensing().call_current(store))
        })
    }

    /// What is used of each limit.
    pub(crate) fn report(&self, tenant: Option<&str>) -> Result<Vec<Usage>, crate::error::Failure> {
        crate::error::Failure::flattened(self.call(limits::REPORT, |instance, budget| {
            instance.call(budget, |policy, store| policy.placet_policy_licensing().call_report(store, tenant))
        }))
    }

    /// What the state would be with this document.
    pub(crate) fn inspect(&self, document: &[u8], name: Option<&str>) -> Result<Status, Failure> {
        self.call(limits::LOAD, |instance, budget| {
            instance.call(budget, |policy, store| policy.placet_policy_licensing().call_inspect(store, document, name))
        })
    }

    /// The policy, for people.
    pub(crate) fn info(&self) -> PolicyInfo {
        PolicyInfo::new(&self.program.manifest, &self.program.hash, self.program.rolled_back)
    }
}

/// Loads an instance for one question, with a tape from the first call on. A policy remembers nothing that a fresh instance would not
/// learn, so that it answers as those that run.
pub(crate) fn on_tape<T>(
    program: &Program,
    snapshot: &Arc<Snapshot>,
    lent: &Lent,
    tape: &Tape,
    ask: impl FnOnce(&mut Instance) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let moment = lent.clock.read();
    let (mut instance, _) = start(program, snapshot, lent, &InStore::default(), Some(moment), tape)?;
    ask(&mut instance)
}

fn start(
    program: &Program,
    snapshot: &Arc<Snapshot>,
    lent: &Lent,
    in_store: &InStore,
    moment: Option<Reading>,
    tape: &Tape,
) -> Result<(Instance, Status), Failure> {
    let reach = Reach::new(
        ClockCapability::new(lent.clock.clone(), moment, tape.clone()),
        FilesCapability::new(snapshot.clone()),
        CountersCapability::new(lent.clone(), in_store.clone(), program.compiled.ticks(), tape.clone()),
    );
    let mut instance = program.compiled.instantiate(reach)?;
    let status = instance
        .call(limits::LOAD, |policy, store| policy.placet_policy_licensing().call_load(store, &program.config))?;
    instance.reach().clock.thaw();
    Ok((instance, status))
}
