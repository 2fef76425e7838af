//! What licenses will do on any future day: the real policy, on a clock that is told and on counters in memory.
//!
//! Time goes from event to event (the moment at which the policy says that something changes by itself, and the end of each period),
//! and where usage is assumed in steps of an hour beside. Instants are absolute, so that days of 23 and 25 hours are what the policy
//! makes of them. The same input gives the same timeline.

mod plan;
mod timeline;

use std::sync::Arc;

use placet_artifact::Manifest;

use crate::bindings::exports::placet::policy::enforcement::{Charge, Context};
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::builder::Builder;
use crate::clock::{Clock, Simulated};
use crate::documents::Snapshot;
use crate::error::{Failure, OpenError, PolicyError};
use crate::limits;
use crate::program::{Lent, LoadError, Loaded, Program};
use crate::request::Question;
use crate::store::{MemoryStore, Moment, Store, StoreError};
use crate::{Decision, Usage};

pub use self::plan::{Plan, Use};
pub use self::timeline::{Event, EventKind, Refusals, Sample, Timeline};

/// Counters that are copied at a time.
const PAGE: usize = 1_000;

/// An installation as it will be. What happens here happens to nobody.
pub struct Simulation {
    loaded: Loaded,
    time: Simulated,
}

impl Simulation {
    /// The licenses that a builder names, under a component that the caller compiled in and therefore trusts, from nothing used and from
    /// this moment on (milliseconds since 1970). The manifest says whom to trust; of the builder count licenses, facts and secrets.
    ///
    /// # Errors
    ///
    /// [`OpenError`] where the component is no policy.
    pub fn from_component(
        component: &[u8],
        manifest: &Manifest,
        builder: &Builder,
        from: u64,
    ) -> Result<Self, OpenError> {
        let program = Program::from_component(component, manifest, builder)?;
        Self::of_licenses(program, builder, from)
    }

    pub(crate) fn of_licenses(program: Arc<Program>, builder: &Builder, from: u64) -> Result<Self, OpenError> {
        let snapshot = Arc::new(Snapshot::take(&builder.sources, std::collections::BTreeMap::new()));
        let (name, version) = (program.manifest.name.to_string(), program.manifest.version.to_string());
        Ok(Self::begin(program, snapshot, MemoryStore::default(), from).map_err(|error| PolicyError::Unfit {
            name,
            version,
            reason: error.reason(),
            source: error.into(),
        })?)
    }

    /// What an installation has loaded and counted, and who holds seats, from `from` on, which is not before its present time.
    pub(crate) fn of_installation(loaded: &Loaded, from: Option<u64>) -> Result<Self, Failure> {
        let moment = loaded.lent.clock.moment();
        let store = MemoryStore::default();
        let (of, namespace) = (&*loaded.lent.store, &*loaded.lent.namespace);
        copy_counters(of, &store, namespace, moment).map_err(|error| Failure::new(error.reason()))?;
        copy_pools(of, &store, namespace, moment)?;
        let from = from.unwrap_or(moment.now).max(moment.now);
        Self::begin(loaded.program.clone(), loaded.snapshot.clone(), store, from)
            .map_err(|error| Failure::new(error.reason()))
    }

    fn begin(program: Arc<Program>, snapshot: Arc<Snapshot>, store: MemoryStore, from: u64) -> Result<Self, LoadError> {
        // No policy judges by a time before its own.
        let time = Simulated::at(from.max(program.issued()));
        let clock = Clock::over(Box::new(time.clone()), &store);
        let namespace = program.manifest.name.as_str().into();
        let lent = Lent { clock: Arc::new(clock), store: Arc::new(store), namespace };
        Ok(Self { loaded: Loaded::load(program, snapshot, lent)?, time })
    }

    /// The time that it has reached, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.loaded.lent.clock.read().now
    }

    /// Lets the time go on; it never goes back.
    pub fn advance_to(&mut self, instant: u64) {
        self.time.advance_to(instant);
    }

    /// The state now.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the policy gives no answer.
    pub fn status(&self) -> Result<LicenseStatus, Failure> {
        Ok(self.loaded.current()?)
    }

    /// What is used now.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the policy gives no answer.
    pub fn usage(&self, tenant: Option<&str>) -> Result<Vec<Usage>, Failure> {
        self.loaded.report(tenant)
    }

    /// Charges a limit now.
    ///
    /// # Errors
    ///
    /// [`Failure`] where no decision can be made.
    pub fn consume(&self, limit: &str, amount: u64, tenant: Option<&str>) -> Result<Decision, Failure> {
        let question = Question::Consume(vec![Charge { limit: limit.to_owned(), amount }]);
        let context = Context { tenant: tenant.map(ToOwned::to_owned), once: None, details: Vec::new() };
        let answer = self.loaded.call(limits::DECISION, |instance, budget| question.put(instance, budget, &context));
        Failure::flattened(answer)
    }

    /// Lives through a plan. `progress` is told the time that was reached, after each event or step.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the policy gives no answer about state or usage; a failed decision stands in the timeline.
    pub fn run(self, plan: &Plan, progress: impl FnMut(u64)) -> Result<Timeline, Failure> {
        timeline::run(self, plan, progress)
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("now", &self.now()).finish_non_exhaustive()
    }
}

fn copy_counters(from: &dyn Store, to: &MemoryStore, namespace: &str, moment: Moment) -> Result<(), StoreError> {
    let mut after: Option<String> = None;
    loop {
        let page = from.counters(namespace, "", after.as_deref(), PAGE)?;
        for (name, value) in &page {
            // A counter that the store gave has a name that a store takes.
            drop(to.set(namespace, name, *value, moment));
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => after = Some(last.clone()),
            _ => return Ok(()),
        }
    }
}

/// A seat that the store gave is one that a store takes.
fn copy_pools(from: &dyn Store, to: &MemoryStore, namespace: &str, moment: Moment) -> Result<(), Failure> {
    let mut pool: Option<String> = None;
    let next = |pool: Option<&str>| from.pools(namespace, pool, 1, moment);
    while let Some(name) = next(pool.as_deref()).map_err(|error| Failure::new(error.reason()))?.pop() {
        let mut holder: Option<String> = None;
        loop {
            let page = from.members(namespace, &name, holder.as_deref(), PAGE, moment);
            let page = page.map_err(|_| Failure::new("counters-unavailable"))?;
            let Some(last) = page.last() else { break };
            holder = Some(last.holder.clone());
            for member in page {
                drop(to.claim(namespace, &name, member, u64::MAX, moment));
            }
        }
        pool = Some(name);
    }
    Ok(())
}
