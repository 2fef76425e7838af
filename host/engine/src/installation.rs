//! What the clones of a [`crate::Placet`] share, and everything that changes it.
//!
//! Whatever changes it holds `changing`; whoever asks goes on with what was loaded before, until the new is there whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use placet_artifact::{Floor, PolicyRoots};
use sha2::{Digest, Sha256};

use crate::adoption::{Choice, adopt, adopted};
use crate::bindings::exports::placet::policy::enforcement::Context;
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::builder::{Builder, FailMode};
use crate::clock::Clock;
use crate::documents::{COLLISION_PREFIX, MAX_DOCUMENT, Place, Snapshot, Source};
use crate::error::{Failure, InstallError, OpenError, PolicyError};
use crate::event::{Event, Subscriber};
use crate::limits;
use crate::maintenance::Maintenance;
use crate::policies::{Candidate, Tested};
use crate::program::{Lent, Loaded};
use crate::request::Question;
use crate::sandbox::Sandbox;
use crate::state_dir::{Folder, StateDir};
use crate::status::{PolicyInfo, Status};
use crate::store::{Head, RedbStore, Store, StoreError};
use crate::{Attribute, Decision, Summary, Usage};

pub(crate) struct Installation {
    roots: PolicyRoots,
    development: bool,
    minimum_sequence: u64,
    facts: Vec<Attribute>,
    sources: Vec<Source>,
    fail_mode: FailMode,
    sandbox: Sandbox,
    clock: Arc<Clock>,
    store: Arc<dyn Store>,
    state: StateDir,
    /// Why the policy that the product ships does not run, where an installed one does in its place.
    shipped_refused: Option<&'static str>,
    loaded: RwLock<Arc<Loaded>>,
    /// Held while documents or policy are changed; asking goes on meanwhile.
    changing: Mutex<()>,
    subscribers: RwLock<Vec<Subscriber>>,
    /// Stops with the installation.
    _maintenance: Maintenance,
}

impl Installation {
    pub(crate) fn open(builder: Builder) -> Result<Arc<Self>, OpenError> {
        let roots = builder.policy_roots()?;
        let state_path = builder.state.as_deref().ok_or(OpenError::NoState)?;
        let state = StateDir::open(state_path)?;
        let store: Arc<dyn Store> = Arc::new(RedbStore::open(state_path)?);
        let clock = Arc::new(Clock::open(&*store)?);
        let sandbox = Sandbox::new().map_err(|error| OpenError::Machine(error.into()))?;

        let choice = Choice::make(&builder, &roots, &state, &*store)?;
        let (tested, shipped_refused) = choice.first_that_runs(&builder, &sandbox, &state, &clock)?;
        clock.not_before(tested.program.issued());

        let mut sources = builder.sources;
        sources.push(Source::Installed(state.path(Folder::Licenses)));
        let loaded = load(&tested, &sources, &store, &clock)?;
        adopt(&tested, &state, &*store, &clock)?;

        let installation = Arc::new_cyclic(|this| Self {
            roots,
            development: builder.development,
            minimum_sequence: builder.minimum_sequence,
            facts: builder.facts,
            sources,
            fail_mode: builder.fail_mode,
            sandbox,
            clock,
            store,
            state,
            shipped_refused,
            loaded: RwLock::new(Arc::new(loaded)),
            changing: Mutex::new(()),
            subscribers: RwLock::default(),
            _maintenance: Maintenance::start(this.clone(), builder.recheck),
        });
        installation.keep_copies();
        if builder.require_usable {
            let status = installation.status();
            if !status.usable {
                return Err(OpenError::NotUsable(Box::new(status)));
            }
        }
        Ok(installation)
    }

    pub(crate) fn ask(&self, question: &Question<'_>, context: &Context) -> Result<Decision, Failure> {
        let answer =
            self.loaded().call(limits::DECISION_TICKS, |instance, ticks| question.put(instance, ticks, context));
        let answer = match answer {
            Ok(answer) => answer.map_err(|reason| Failure::new(stated(reason))),
            Err(failure) => Err(failure.into()),
        };
        match &answer {
            Ok(decision) if decision.allowed => {}
            Ok(decision) => {
                let name = if matches!(question, Question::Check(_)) {
                    "license.feature_blocked"
                } else {
                    "license.limit_exceeded"
                };
                self.tell(name, &decision.subject, &decision.reason);
            }
            Err(failure) => self.tell("decision.failed", "", failure.reason()),
        }
        answer
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

    pub(crate) fn inspect(&self, document: &[u8], name: Option<&str>) -> Result<Status, Failure> {
        let loaded = self.loaded();
        Ok(Status::new(loaded.inspect(document, name)?, Ok(Vec::new()), loaded.info()))
    }

    pub(crate) fn preview_install(&self, document: &[u8], name: Option<&str>) -> Result<Status, InstallError> {
        let loaded = self.loaded();
        let (_, preview) = loaded.plan(document, name)?;
        Ok(Status::new(preview, Ok(Vec::new()), loaded.info()))
    }

    pub(crate) fn install(&self, document: &[u8], name: Option<&str>) -> Result<Status, InstallError> {
        let answer = self.try_install(document, name);
        match &answer {
            Ok((_, name)) => self.tell("license.installed", name, "installed"),
            Err(error) => self.tell("license.rejected", name.unwrap_or_default(), error.reason()),
        }
        answer.map(|(status, _)| status)
    }

    pub(crate) fn reload(&self) -> Result<Status, Failure> {
        let changing = self.change();
        self.load_anew(&changing)?;
        drop(changing);
        Ok(self.status())
    }

    pub(crate) fn policies(&self) -> Result<Vec<(PathBuf, PolicyInfo)>, PolicyError> {
        let (candidates, _) = Candidate::adopted(&self.state, &self.roots)?;
        let mut policies: Vec<_> = candidates.into_iter().map(|one| (one.path.clone(), one.info())).collect();
        policies.sort_by_key(|(_, info)| info.sequence);
        Ok(policies)
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

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, name: &'static str, subject: &str, reason: &str) {
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        if subscribers.is_empty() {
            return;
        }
        let event = Event { name, subject: subject.to_owned(), reason: reason.to_owned() };
        for subscriber in subscribers.iter() {
            subscriber(&event);
        }
    }

    /// Keeps the time mark and notices what changed by itself. None of it is lost if it fails: it is tried again.
    pub(crate) fn tick(&self, recheck: bool) {
        if let Err(error) = self.clock.commit(&*self.store) {
            self.tell("store.failed", "", error.reason());
        }
        if recheck && let Err(failure) = self.load_anew(&self.change()) {
            self.tell("license.rejected", "", failure.reason());
        }
    }

    pub(crate) fn usage(&self, tenant: Option<&str>) -> Result<Vec<Usage>, Failure> {
        let answer = self.loaded().call(limits::DECISION_TICKS, |instance, ticks| {
            instance.call(ticks, |policy, store| policy.placet_policy_licensing().call_report(store, tenant))
        })?;
        answer.map_err(|reason| Failure::new(stated(reason)))
    }

    pub(crate) fn status(&self) -> Status {
        let loaded = self.loaded();
        let license = loaded.current().unwrap_or_else(|failure| no_status(failure.reason(), self.clock.read().now));
        let usage = self.usage(None).map_err(|failure| failure.reason().to_owned());
        let mut status = Status::new(license, usage, loaded.info());
        if self.development {
            status.warn_development();
        }
        if let Some(reason) = self.shipped_refused {
            status.warn_shipped_refused(reason);
        }
        status.warn_troubles(&loaded.snapshot);
        status
    }

    fn try_install(&self, document: &[u8], name: Option<&str>) -> Result<(Status, String), InstallError> {
        let changing = self.change();
        let (name, _) = self.loaded().plan(document, name)?;
        let before = self.state.read(Folder::Licenses, &name, MAX_DOCUMENT)?;
        self.state.put(Folder::Licenses, &name, document)?;
        if let Err(failure) = self.load_anew(&changing) {
            // What could not be loaded now could not be loaded at the next start either.
            match before {
                Some(before) => self.state.put(Folder::Licenses, &name, &before)?,
                None => drop(self.state.remove(Folder::Licenses, &name)?),
            }
            return Err(failure.into());
        }
        drop(changing);
        Ok((self.status(), name))
    }

    pub(crate) fn remove(&self, name_or_id: &str) -> Result<Status, InstallError> {
        let changing = self.change();
        let status = self.loaded().current().map_err(Failure::from)?;
        let named = |license: &&Summary| license.id == name_or_id || license.document == name_or_id;
        let license = status.licenses.iter().find(named);
        let mut next = Some(license.map_or(name_or_id, |license| &license.document).to_owned());
        // The same license may lie there under several names, and each may have a copy: all of them end.
        while let Some(name) = next.take() {
            self.remove_document(&name)?;
            self.load_anew(&changing)?;
            let status = self.loaded().current().map_err(Failure::from)?;
            let left = license.and_then(|license| status.licenses.iter().find(|left| left.id == license.id));
            next = left.map(|left| left.document.clone());
        }
        drop(changing);
        self.tell("license.removed", name_or_id, "removed");
        Ok(self.status())
    }

    fn remove_document(&self, name: &str) -> Result<(), InstallError> {
        let loaded = self.loaded();
        let place = loaded.snapshot.place(name);
        match place {
            Some(Place::Mounted) => return Err(InstallError::Mounted(name.to_owned())),
            None if !loaded.snapshot.kept().iter().any(|kept| kept == name) => {
                return Err(InstallError::NotInstalled(name.to_owned()));
            }
            _ => {}
        }
        // The copy first: what is left by a crash in between is a license that holds, not one that haunts.
        self.store.forget(&loaded.info().name, name, self.clock.moment().mark)?;
        if let Some(Place::Installed(file)) = place {
            self.state.remove(Folder::Licenses, file)?;
        }
        Ok(())
    }

    fn load_anew(&self, _changing: &MutexGuard<'_, ()>) -> Result<(), Failure> {
        let before = self.loaded();
        let snapshot = snapshot(&before.lent, &self.sources).map_err(|error| Failure::new(error.reason()))?;
        let loaded = Loaded::load(before.program.clone(), Arc::new(snapshot), before.lent.clone())
            .map_err(|error| Failure::new(error.reason()))?;
        self.swap(loaded);
        Ok(())
    }

    fn swap(&self, loaded: Loaded) {
        let loaded = Arc::new(loaded);
        let before =
            std::mem::replace(&mut *self.loaded.write().unwrap_or_else(PoisonError::into_inner), loaded.clone());
        self.keep_copies();
        if (&before.status.state, &before.status.reason) != (&loaded.status.state, &loaded.status.reason) {
            self.tell("license.state_changed", &loaded.status.reason, &loaded.status.state);
        }
    }

    /// Keeps a copy of each document that was adopted, for the day on which it cannot be read.
    fn keep_copies(&self) {
        let loaded = self.loaded();
        for document in loaded.status.documents.iter().filter(|document| document.adopted && !document.recovered) {
            let Ok(content) = loaded.snapshot.read(&document.name) else { continue };
            if loaded.snapshot.recover(&document.name).is_ok_and(|kept| kept == content) {
                continue;
            }
            if let Err(error) = self.store.keep(&loaded.info().name, &document.name, &content, self.clock.moment().mark)
            {
                self.tell("store.failed", &document.name, error.reason());
            }
        }
        self.forget_copies(&loaded);
    }

    /// Lets copies go that can stand in for nothing any more: their grace is over, or the same license is on offer under another
    /// name. Without that, a mount whose names change would fill the store.
    fn forget_copies(&self, loaded: &Loaded) {
        if loaded.status.warnings.iter().any(|warning| warning.reason == "memory-unavailable") {
            return;
        }
        let documents = &loaded.status.documents;
        let offered: Vec<_> = documents
            .iter()
            .filter(|document| document.adopted && !document.recovered)
            .filter_map(|document| loaded.snapshot.read(&document.name).ok())
            .collect();
        for name in loaded.snapshot.kept().iter().filter(|name| loaded.snapshot.place(name).is_none()) {
            let lapsed = documents.iter().any(|document| document.name == *name && !document.adopted);
            let elsewhere = loaded.snapshot.recover(name).is_ok_and(|copy| offered.contains(&copy));
            if (lapsed || elsewhere)
                && let Err(error) = self.store.forget(&loaded.info().name, name, self.clock.moment().mark)
            {
                self.tell("store.failed", name, error.reason());
            }
        }
    }

    pub(crate) fn change_policy(&self, path: &Path, roll_back: bool) -> Result<PolicyInfo, PolicyError> {
        let answer = self.try_change_policy(path, roll_back);
        match &answer {
            Ok(info) => {
                self.tell("policy.changed", &info.version, if roll_back { "policy-rolled-back" } else { "adopted" })
            }
            Err(error) => self.tell("policy.rejected", &path.display().to_string(), error.reason()),
        }
        answer
    }

    fn try_change_policy(&self, path: &Path, roll_back: bool) -> Result<PolicyInfo, PolicyError> {
        let _changing = self.change();
        let before = self.loaded();
        let candidate = Candidate::read(path, &self.roots)?;
        if candidate.name() != before.info().name {
            return Err(PolicyError::OtherName { found: candidate.name().to_owned(), expected: before.info().name });
        }
        let floor = Floor {
            minimum: self.minimum_sequence.max(demanded(&before.status)),
            adopted: adopted(&*self.store, candidate.name())?,
            rollback: roll_back.then(|| candidate.adopted_as().hash),
        };
        let tested = candidate.test(&floor, &self.sandbox, Some(&self.state), &self.facts, &self.clock)?;
        let loaded = load(&tested, &self.sources, &self.store, &self.clock)?;
        adopt(&tested, &self.state, &*self.store, &self.clock)?;
        self.clock.not_before(tested.program.issued());
        let info = loaded.info();
        self.swap(loaded);
        Ok(info)
    }
}

impl Drop for Installation {
    /// Leaves the latest time mark behind, for the next opening to compare with. A failure costs no more than a minute of it.
    fn drop(&mut self) {
        drop(self.clock.commit(&*self.store));
    }
}

fn load(
    tested: &Tested,
    sources: &[Source],
    store: &Arc<dyn Store>,
    clock: &Arc<Clock>,
) -> Result<Loaded, PolicyError> {
    let manifest = &tested.program.manifest;
    let lent = Lent { clock: clock.clone(), store: store.clone(), namespace: manifest.name.as_str().into() };
    let snapshot = snapshot(&lent, sources)?;
    Loaded::load(tested.program.clone(), Arc::new(snapshot), lent).map_err(|error| PolicyError::Unfit {
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        reason: error.reason(),
        source: error.into(),
    })
}

fn snapshot(lent: &Lent, sources: &[Source]) -> Result<Snapshot, StoreError> {
    let mut kept = BTreeMap::new();
    for (name, _) in lent.store.kept(&lent.namespace)? {
        // A copy that is damaged is no copy.
        if let Ok(Some(content)) = lent.store.recover(&lent.namespace, &name) {
            kept.insert(name, content.into());
        }
    }
    Ok(Snapshot::take(sources, kept))
}

/// The highest `min_policy` of the licenses that hold.
fn demanded(status: &LicenseStatus) -> u64 {
    let holding = status.licenses.iter().filter(|license| matches!(&*license.state, "active" | "expiring" | "grace"));
    let demands = holding.flat_map(|license| &license.details).filter(|detail| detail.name == "min_policy");
    demands.filter_map(|detail| detail.value.parse().ok()).max().unwrap_or(0)
}

fn accepted(preview: &LicenseStatus, name: &str) -> Result<(), InstallError> {
    match preview.documents.iter().find(|document| document.name == name) {
        Some(document) if document.adopted && !document.recovered => Ok(()),
        Some(document) => Err(InstallError::Refused {
            reason: document.reason.clone(),
            claim: document.details.iter().find(|detail| detail.name == "claim").map(|detail| detail.value.clone()),
        }),
        None => Err(InstallError::Refused { reason: "policy-error".into(), claim: None }),
    }
}

impl Loaded {
    /// Under which name a document would be installed, and what the status would be then; or why it is refused.
    fn plan(&self, document: &[u8], name: Option<&str>) -> Result<(String, LicenseStatus), InstallError> {
        if document.len() as u64 > MAX_DOCUMENT {
            return Err(InstallError::Refused { reason: "too-large".into(), claim: None });
        }
        let mut name = match name {
            Some(name) if is_document_name(name) => name.to_owned(),
            Some(name) => return Err(InstallError::Name(name.to_owned())),
            None => name_of(&self.inspect(document, None).map_err(Failure::from)?),
        };
        if self.snapshot.place(&name) == Some(Place::Mounted) {
            name = format!("{COLLISION_PREFIX}{name}");
        }
        let preview = self.inspect(document, Some(&name)).map_err(Failure::from)?;
        accepted(&preview, &name)?;
        Ok((name, preview))
    }
}

/// A name for a document, by its license id where it has one; two ids never have the same.
fn name_of(alone: &LicenseStatus) -> String {
    let id = alone.licenses.first().map_or("document", |license| &license.id);
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '-' };
    let name: String = id.chars().take(100).map(safe).collect();
    if name == id {
        return format!("{name}.json");
    }
    let hash: String = Sha256::digest(id).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{hash}.json")
}

fn is_document_name(name: &str) -> bool {
    (1..=200).contains(&name.len()) && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

/// A reason as it may be repeated in an answer: short, in kebab-case. A policy that says anything else said nothing.
fn stated(reason: String) -> String {
    let kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&reason.len()) && reason.bytes().all(kebab) { reason } else { "policy-error".into() }
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
