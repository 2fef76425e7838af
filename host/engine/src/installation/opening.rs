//! Opening: who may be trusted, what is counted, which policy decides, and what the documents say, in this order.

use std::panic::resume_unwind;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use super::grace::Grace;
use super::telling::Noticed;
use super::{Installation, load, sealing};
use crate::adoption::{Choice, adopt};
use crate::alarm::Alarm;
use crate::audit::{self, Audit};
use crate::builder::Builder;
use crate::clock::{Clock, uptime};
use crate::code_cache;
use crate::documents::{Held, Source};
use crate::error::OpenError;
use crate::figures::Counting;
use crate::policies::Candidate;
use crate::sandbox::Sandbox;
use crate::state_dir::{Folder, StateDir};
use crate::store::{RedbStore, Store, StoreError};
use crate::vault::{Unlocked, Vault};

/// How often it is tried again to open a state directory that another process has.
const RETRY: Duration = Duration::from_millis(50);

impl Installation {
    pub(crate) fn open(mut builder: Builder) -> Result<Self, OpenError> {
        let roots = builder.policy_roots()?;
        let state_path = builder.state.as_deref().ok_or(OpenError::NoState)?;
        let state = Arc::new(StateDir::open(state_path)?);
        let sandbox = Sandbox::new().map_err(|error| OpenError::Machine(error.into()))?;
        // Verifying a policy and reading its code compute, and opening the store waits for the disk.
        let (store, shipped, code) = thread::scope(|scope| {
            let (path, roots, sandbox) = (builder.policy.as_deref(), &roots, &sandbox);
            let cache = &*state;
            let shipped = scope.spawn(move || path.map(|path| Candidate::read(path, roots)).transpose());
            let code = scope.spawn(move || path.and_then(|_| code_cache::recall_only(sandbox, cache)));
            (open_store(&state, &builder), shipped.join(), code.join())
        });
        let code = code.unwrap_or_else(|panic| resume_unwind(panic));
        let shipped =
            shipped.unwrap_or_else(|panic| resume_unwind(panic)).map(|shipped| shipped.map(|one| one.with_code(code)));
        let (vault, store) = store?;
        let store: Arc<dyn Store> = Arc::new(store);
        let misfit = audit::compare(&state, &*store, &vault);
        let clock = Arc::new(Clock::open(&*store)?);

        let choice = Choice::make(shipped, builder.minimum_sequence, &roots, &state, &*store)?;
        builder.deployment = builder.deployment.on_this_machine(choice.name(), &store.install_key());
        let (tested, shipped_refused) = choice.first_that_runs(&builder, &sandbox, &state, &clock)?;
        clock.not_before(tested.program.issued());

        sealing::seal_copies(&*store, &vault, tested.program.manifest.name.as_str(), clock.moment().mark)?;
        let mut sources = builder.sources;
        sources.push(Source::Installed(state.path(Folder::Licenses), vault.clone()));
        let held = Held::default();
        sources.push(Source::Held(held.clone()));
        let grace =
            builder.validation_grace.map(|most| Grace::open(most, tested.program.manifest.name.as_str(), &*store));
        let grace = grace.transpose()?;
        let loaded = load(&tested, &sources, &store, &clock, &vault, grace.as_ref())?;

        let audit = Audit::start(state.clone(), store.clone(), vault.clone());
        let noticed = Mutex::new(Noticed::new(&loaded.status));
        let installation = Self {
            roots,
            development: builder.development,
            minimum_sequence: builder.minimum_sequence,
            deployment: builder.deployment,
            sources,
            uploads: builder.uploads,
            held,
            grace,
            fail_mode: builder.fail_mode,
            holds: builder.holds,
            sandbox,
            clock,
            store,
            state,
            vault,
            audit,
            audit_failed: AtomicBool::default(),
            store_gone: AtomicBool::default(),
            misfit,
            counting: Counting::default(),
            noticed,
            shipped_refused,
            loaded: RwLock::new(Arc::new(loaded)),
            changing: Mutex::new(()),
            subscribers: RwLock::new(builder.subscribers.0),
        };
        // Before anything is adopted; an anchor that waits may yet make it usable.
        let required = builder.require_usable;
        if required && !installation.anchor_waits()? {
            installation.refuse_unusable()?;
        }
        let adoption = adopt(&tested, &installation.state, &*installation.store, &installation.clock)?;
        installation.tell_opening(adoption);
        {
            let changing = installation.change();
            installation.keep_copies(&changing, None);
            if installation.take_anchors(&changing) {
                installation.load_once(&changing).map_err(|failure| OpenError::Machine(failure.into()))?;
            }
            installation.limit_grace(&changing).map_err(|failure| OpenError::Machine(failure.into()))?;
            changing.tell_noticed(&installation.loaded().status);
        }
        if required {
            installation.refuse_unusable()?;
        }
        Ok(installation)
    }

    fn refuse_unusable(&self) -> Result<(), OpenError> {
        let status = self.status();
        if status.usable { Ok(()) } else { Err(OpenError::NotUsable(Box::new(status))) }
    }
}

/// Opens the counters, and with them takes hold of the state directory; waits as long as it is told for another process to end that
/// has it. Whatever was kept readable is sealed by the way, if there is a secret.
fn open_store(state: &StateDir, builder: &Builder) -> Result<(Vault, RedbStore), OpenError> {
    // Not by the C library's clock, which somebody may hold.
    let (end, pause) = (uptime().saturating_add(builder.wait), Alarm::default());
    let path = state.path(Folder::Top);
    loop {
        let unlocked = Unlocked::look(state, &builder.secrets)?.begin(state, &builder.secrets)?;
        match RedbStore::open_sealed(&path, unlocked.vault.clone()) {
            Err(StoreError::Locked { .. }) if uptime() < end => drop(pause.wait(RETRY)),
            Err(error) => return Err(error.into()),
            Ok(store) => {
                let vault = unlocked.settle(state)?;
                sealing::seal_files(state, &vault)?;
                return Ok((vault, store));
            }
        }
    }
}
