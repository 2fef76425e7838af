//! What the clones of a [`crate::Placet`] share, and everything that changes it.
//!
//! Whatever changes it holds `changing`; whoever asks goes on with what was loaded before, until the new is there whole.

mod anchors;
mod changing;
mod copies;
mod documents;
mod figures;
mod grace;
mod history;
mod opening;
mod policy;
mod reports;
mod reservations;
mod rollback;
mod sealing;
mod telling;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use placet_artifact::PolicyRoots;

use self::changing::Changing;
use self::grace::Grace;
use self::telling::Noticed;
use crate::audit::{self, Audit, Misfit, ReadLine};
use crate::bindings::exports::placet::policy::enforcement::Context;
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::builder::{FailMode, Uploads};
use crate::capability::Tape;
use crate::clock::Clock;
use crate::deployment::Deployment;
use crate::documents::{Held, Snapshot, Source};
use crate::error::{Failure, PolicyError};
use crate::event::{Event, Subscriber};
use crate::figures::Counting;
use crate::holder::{self, HolderStatus};
use crate::policies::Tested;
use crate::program::{Lent, Loaded, on_tape};
use crate::recording::{Recorded, Recording};
use crate::request::Question;
use crate::sandbox::Sandbox;
use crate::simulation::Simulation;
use crate::state_dir::{StateDir, StateError};
use crate::status::{CountersInfo, PolicyInfo, Status};
use crate::store::{Head, Store, StoreError};
use crate::vault::{Piece, Vault};
use crate::{Decision, Holder, Usage, limits};

pub(crate) struct Installation {
    roots: PolicyRoots,
    development: bool,
    minimum_sequence: u64,
    deployment: Deployment,
    sources: Vec<Source>,
    uploads: Uploads,
    held: Held,
    grace: Option<Grace>,
    fail_mode: FailMode,
    holds: bool,
    sandbox: Sandbox,
    clock: Arc<Clock>,
    store: Arc<dyn Store>,
    state: Arc<StateDir>,
    vault: Vault,
    audit: Audit,
    /// It was told that the log cannot be written.
    audit_failed: AtomicBool,
    /// It was told that the counters' file is gone.
    store_gone: AtomicBool,
    /// What log and counters told of each other when they were opened.
    misfit: Misfit,
    counting: Counting,
    /// The last state and reason that were told, and whether the clock was set back.
    noticed: Mutex<Noticed>,
    /// Why the policy that the product ships does not run, where an installed one does in its place.
    shipped_refused: Option<&'static str>,
    loaded: RwLock<Arc<Loaded>>,
    /// Held while documents or policy are changed; asking goes on meanwhile.
    changing: Mutex<()>,
    subscribers: RwLock<Vec<Subscriber>>,
}

impl Installation {
    pub(crate) fn ask(&self, question: &Question<'_>, context: &Context) -> Result<Decision, Failure> {
        let loaded = self.loaded();
        let answer = self.put(&loaded, question, context).map(|decision| self.told(decision));
        self.count(&loaded, question.kind(), context, answer.as_ref());
        self.tell_answer(question, context, answer.as_ref());
        answer
    }

    /// Asks the policy, unless it has said that its answer may be repeated.
    fn put(&self, loaded: &Loaded, question: &Question<'_>, context: &Context) -> Result<Decision, Failure> {
        let Loaded { holds, lent, .. } = loaded;
        let holds = self.holds.then_some(holds);
        if let Some(decision) = holds.and_then(|holds| holds.repeat(question, context, lent)) {
            return Ok(decision);
        }
        Failure::flattened(loaded.call(limits::DECISION, |instance, budget| {
            let mut answer = question.put_to_hold(instance, budget, context)?;
            if let Ok(decision) = &mut answer
                && let (Some(hold), Some(holds)) = (decision.hold.take(), holds)
            {
                holds.keep(question, context, decision, &hold, instance.reach().seen(), &lent.clock);
            }
            Ok(answer)
        }))
    }

    /// As [`Installation::ask`], of an instance of its own, with all that passes between it and the host.
    pub(crate) fn record(&self, question: Question<'static>, context: Context) -> Recorded {
        let loaded = self.loaded();
        let tape = Tape::recording();
        let answer = on_tape(&loaded.program, &loaded.snapshot, &loaded.lent, &tape, |instance| {
            question.put(instance, limits::DECISION, &context)
        });
        let answer = Failure::flattened(answer);
        self.count(&loaded, question.kind(), &context, answer.as_ref());
        self.tell_answer(&question, &context, answer.as_ref());
        let recording = Recording::new(&loaded.program, &loaded.snapshot, question, context, tape.calls(), &answer);
        Recorded { answer: answer.map(|decision| self.told(decision)), recording }
    }

    fn tell_answer(&self, question: &Question<'_>, context: &Context, answer: Result<&Decision, &Failure>) {
        let tell = |name, subject: &str, reason: &str| {
            self.happened(&Event { tenant: context.tenant.clone(), ..Event::new(name, subject, reason) });
        };
        let decision = match answer {
            Ok(decision) => decision,
            Err(failure) => return self.tell("decision.failed", "", failure.reason()),
        };
        if !decision.allowed {
            let is_check = matches!(question, Question::Check(_));
            let name = if is_check { "license.feature_blocked" } else { "license.limit_exceeded" };
            tell(name, &decision.subject, &decision.reason);
        }
        // A preview comes to no limit. What warns of the license is told when its state changes, not with each decision.
        if !matches!(question, Question::Preview(_)) {
            for warning in &decision.warnings {
                let limit = decision.usage.iter().find(|usage| warning.subject.as_ref() == Some(&usage.limit));
                limit.iter().for_each(|usage| tell("license.limit_warned", &usage.limit, &warning.reason));
            }
        }
    }

    pub(crate) fn fail_mode(&self) -> FailMode {
        self.fail_mode
    }

    pub(crate) fn info(&self) -> PolicyInfo {
        self.loaded().info()
    }

    pub(crate) fn subscribe(&self, subscriber: Subscriber) {
        self.subscribers.write().unwrap_or_else(PoisonError::into_inner).push(subscriber);
    }

    pub(crate) fn reload(&self) -> Result<Status, Failure> {
        let changing = self.change();
        self.load_anew(&changing)?;
        drop(changing);
        Ok(self.status())
    }

    pub(crate) fn audit_lines(&self, before: Option<u64>, limit: usize) -> Result<Vec<ReadLine>, StateError> {
        audit::newest(&self.state, &self.vault, before, limit)
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(crate) fn tell_head(&self) -> Result<Head, StoreError> {
        self.store.tell_head(self.clock.moment().mark)
    }

    fn loaded(&self) -> Arc<Loaded> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn tell(&self, name: &'static str, subject: &str, reason: &str) {
        self.happened(&Event::new(name, subject, reason));
    }

    /// Everything that is told goes this way: into the audit log, then to whoever subscribed.
    fn happened(&self, event: &Event) {
        self.audit.record(event, self.clock.read().now);
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner).clone();
        subscribers.iter().for_each(|subscriber| subscriber(event));
    }

    /// Keeps the time mark, and frees what was reserved for a term that is over. None of it is lost if it fails: it is tried again.
    pub(crate) fn keep_mark(&self) {
        if let Err(error) = self
            .clock
            .commit(&*self.store)
            .and_then(|()| self.store.free_due(self.clock.moment()))
            .and_then(|()| self.keep_valid())
        {
            self.tell("store.failed", "", error.reason());
        }
    }

    /// Notices what changed by itself.
    pub(crate) fn recheck(&self) {
        if let Err(failure) = self.load_anew(&self.change()) {
            self.tell("license.rejected", "", failure.reason());
        }
    }

    /// Tells other processes how it stands; they see how old it is where that fails.
    pub(crate) fn show(&self) {
        drop(HolderStatus::new(self.status(), self.clock.read().wall).write(&self.state, &self.vault));
        self.notice();
    }

    pub(crate) fn usage(&self, tenant: Option<&str>) -> Result<Vec<Usage>, Failure> {
        let mut usage = self.loaded().report(tenant)?;
        self.add_unbilled(&mut usage).map_err(|error| Failure::new(error.reason()))?;
        Ok(usage)
    }

    pub(crate) fn simulation(&self, from: Option<u64>) -> Result<Simulation, Failure> {
        Simulation::of_installation(&self.loaded(), from)
    }

    pub(crate) fn holders(
        &self,
        limit: &str,
        tenant: Option<&str>,
        after: Option<&str>,
    ) -> Result<Vec<Holder>, Failure> {
        Failure::flattened(self.loaded().call(limits::REPORT, |instance, budget| {
            instance.call(budget, |policy, store| {
                policy.placet_policy_licensing().call_holders(store, limit, tenant, after)
            })
        }))
    }

    pub(crate) fn status(&self) -> Status {
        let loaded = self.loaded();
        let license = self.standing(&loaded);
        let usage = self.usage(None).map_err(|failure| failure.reason().to_owned());
        let mut status = Status::new(license, usage, loaded.info(), self.counters());
        if self.development {
            status.warn_development();
        }
        if let Some(reason) = self.shipped_refused {
            status.warn_shipped_refused(reason);
        }
        if self.clock.is_faked() {
            status.warn_faked_clock();
        }
        status.sealed = self.vault.seals();
        status.warn_burned();
        status.warn_misfit(&self.misfit);
        if let Some(trouble) = self.audit.trouble() {
            status.warn_audit(&trouble);
        }
        status.warn_troubles(&loaded.snapshot);
        status
    }

    pub(crate) fn license(&self) -> LicenseStatus {
        self.standing(&self.loaded())
    }

    /// What the policy says now; that it gives no answer, where it gives none.
    fn standing(&self, loaded: &Loaded) -> LicenseStatus {
        let mut status = loaded.current().unwrap_or_else(|failure| no_status(failure.reason(), self.clock.read().now));
        if let Some(grace) = &self.grace {
            grace.shorten(&mut status);
        }
        status
    }

    fn counters(&self) -> CountersInfo {
        CountersInfo::new(&*self.store)
    }

    fn load_anew(&self, changing: &Changing<'_>) -> Result<(), Failure> {
        let load = || {
            self.note_valid();
            self.load_once(changing)?;
            // What was judged by the time of before is judged again.
            if self.take_anchors(changing) {
                self.load_once(changing)?;
            }
            self.limit_grace(changing)
        };
        let answer = load();
        if answer.is_ok() {
            // Once, of how it stands in the end. What was not loaded now has the status of then.
            changing.tell_noticed(&self.loaded().status);
        }
        self.counting.reloaded(answer.is_ok());
        answer
    }

    fn load_once(&self, changing: &Changing<'_>) -> Result<(), Failure> {
        let before = self.loaded();
        let snapshot = snapshot(&before.lent, &self.sources, &self.vault, self.grace.as_ref())
            .map_err(|error| Failure::new(error.reason()))?;
        let loaded = Loaded::load(before.program.clone(), Arc::new(snapshot), before.lent.clone())
            .map_err(|error| Failure::new(error.reason()))?;
        self.swap(loaded, changing);
        Ok(())
    }

    fn swap(&self, loaded: Loaded, changing: &Changing<'_>) {
        let loaded = Arc::new(loaded);
        let before =
            std::mem::replace(&mut *self.loaded.write().unwrap_or_else(PoisonError::into_inner), loaded.clone());
        self.keep_copies(changing, Some(&before));
        changing.tell_refused(&loaded, Some(&before));
    }
}

impl Drop for Installation {
    /// Leaves a sample of the hour behind, where none was taken, and the latest time mark, for the next opening to compare with. A failure
    /// costs no more than that.
    fn drop(&mut self) {
        drop(self.try_sample());
        drop(self.keep_valid());
        drop(self.clock.commit(&*self.store));
        holder::end(&self.state);
    }
}

fn load(
    tested: &Tested,
    sources: &[Source],
    store: &Arc<dyn Store>,
    clock: &Arc<Clock>,
    vault: &Vault,
    grace: Option<&Grace>,
) -> Result<Loaded, PolicyError> {
    let manifest = &tested.program.manifest;
    let lent = Lent { clock: clock.clone(), store: store.clone(), namespace: manifest.name.as_str().into() };
    let snapshot = snapshot(&lent, sources, vault, grace)?;
    Loaded::load(tested.program.clone(), Arc::new(snapshot), lent).map_err(|error| PolicyError::Unfit {
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        reason: error.reason(),
        source: error.into(),
    })
}

fn snapshot(lent: &Lent, sources: &[Source], vault: &Vault, grace: Option<&Grace>) -> Result<Snapshot, StoreError> {
    let mut kept = kept_copies(&*lent.store, &lent.namespace, vault)?;
    kept.retain(|name, _| grace.is_none_or(|grace| grace.admits(name)));
    Ok(Snapshot::take(sources, kept))
}

/// The copies that stand in for documents of a policy.
pub(crate) fn kept_copies(
    store: &dyn Store,
    policy: &str,
    vault: &Vault,
) -> Result<BTreeMap<String, Arc<[u8]>>, StoreError> {
    let mut kept = BTreeMap::new();
    for (name, _) in store.kept(policy)? {
        // A copy that is damaged is no copy.
        if let Ok(Some(content)) = store.recover(policy, &name)
            && let Ok(content) = vault.open(Piece::Copy(policy, &name), &content)
        {
            kept.insert(name.clone(), content.into());
        }
    }
    Ok(kept)
}

fn no_status(reason: &str, now: u64) -> LicenseStatus {
    LicenseStatus {
        usable: false,
        state: "invalid".into(),
        reason: reason.into(),
        until: None,
        evaluated: now,
        licenses: Vec::new(),
        features: Vec::new(),
        limits: Vec::new(),
        documents: Vec::new(),
        warnings: Vec::new(),
        details: Vec::new(),
    }
}
