//! Where policies run: compiled by Cranelift, within [`crate::limits`], with three capabilities and nothing of WASI.
//!
//! A policy that traps or runs out of what it was given is thrown away; the caller gets a [`Failure`], never a decision.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline};

use crate::alarm::Alarm;
use crate::bindings::{Policy, PolicyPre};
use crate::capability::{Calls, ClockCapability, CountersCapability, FilesCapability};
use crate::code_cache::TrustedCode;
use crate::code_size::{self, CodeSizeError};
use crate::holds::Seen;
use crate::limits::{self, Budget};
use crate::waiting;

/// The interfaces that a policy may import.
const IMPORTS: [&str; 3] = ["placet:policy/clock", "placet:policy/files", "placet:policy/counters"];

/// Compiles and runs policies. Cheap to share; its clock stops when the last user is gone.
#[derive(Clone)]
pub(crate) struct Sandbox {
    engine: Engine,
    ticker: Arc<Ticker>,
}

/// A component that was compiled and imports no more than it may: the only thing that instances are made of.
#[derive(Clone)]
pub(crate) struct Compiled {
    pre: PolicyPre<Reach>,
    imports: Vec<String>,
    sandbox: Sandbox,
}

/// Policies cannot be run on this machine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// The compiler does not work on this processor.
    #[error("cannot compile policies on this machine")]
    Engine(#[source] wasmtime::Error),
    /// No thread was to be had.
    #[error("cannot start the thread that interrupts policies")]
    Ticker(#[source] std::io::Error),
}

/// Why a component was not accepted. Whose fault: the policy's vendor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// Its code is too large to compile it.
    #[error(transparent)]
    Size(#[from] CodeSizeError),
    /// It is no valid component.
    #[error("the policy does not compile")]
    Invalid(#[source] wasmtime::Error),
    /// It asks for more than clock, files and counters.
    #[error("the policy imports `{0}`, and may import nothing but clock, files and counters of placet:policy")]
    Imports(String),
    /// It imports what its own manifest does not name.
    #[error("the policy imports `{0}`, which its manifest does not name")]
    Undeclared(String),
    /// It does not export what a policy exports, or another version of it.
    #[error("the policy does not fit the interface placet:policy@0.1")]
    Interface(#[source] wasmtime::Error),
}

/// Why a call of the policy gave no answer. Whose fault: the policy's vendor, except where counters failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// It ran longer than it may.
    #[error("the policy did not answer in time")]
    Deadline,
    /// It called itself too deeply.
    #[error("the policy used up its stack")]
    Stack,
    /// It handed over more than it may, or called the host too often.
    #[error("the policy asked for more than it may")]
    Excess,
    /// It panicked, or trapped in another way.
    #[error("the policy trapped")]
    Trapped,
}

impl Failure {
    /// The reason, as in the table of reasons.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Deadline => "policy-deadline",
            Self::Stack => "policy-stack",
            Self::Excess => "policy-excess",
            Self::Trapped => "policy-trapped",
        }
    }
}

/// What one instance can reach.
pub(crate) struct Reach {
    pub(crate) clock: ClockCapability,
    pub(crate) files: FilesCapability,
    pub(crate) counters: CountersCapability,
    /// Ticks that the present call may take beyond the first.
    more_ticks: u64,
    limits: StoreLimits,
}

impl Reach {
    /// Everything that an instance is lent.
    pub(crate) fn new(clock: ClockCapability, files: FilesCapability, counters: CountersCapability) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(limits::MEMORY)
            .table_elements(limits::TABLE_ELEMENTS)
            .instances(limits::PARTS)
            .tables(limits::PARTS)
            .memories(limits::PARTS)
            .build();
        Self { clock, files, counters, more_ticks: 0, limits }
    }

    /// What the last call has asked for.
    pub(crate) fn seen(&self) -> Seen<'_> {
        let (at, counters) = (self.clock.told(), &self.counters);
        Seen { at, counted: counters.counted(), has_asked: counters.is_asked() }
    }

    /// Ticks that the present call may go on for; each is told once.
    fn take_ticks(&mut self) -> u64 {
        std::mem::take(&mut self.more_ticks) + self.counters.take_waited()
    }
}

/// A policy, instantiated. Not shared: one call at a time.
pub(crate) struct Instance {
    store: Store<Reach>,
    /// Apart, since an instance moves with each call.
    policy: Box<Policy>,
}

impl Sandbox {
    /// A sandbox with a clock of its own.
    pub(crate) fn new() -> Result<Self, SandboxError> {
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .max_wasm_stack(limits::STACK)
            // The same answer, bit for bit, on every machine.
            .cranelift_nan_canonicalization(true)
            .wasm_relaxed_simd(false)
            // Nobody reads where in a policy a trap was; the native code is a third smaller without.
            .wasm_backtrace_max_frames(None)
            .generate_address_map(false);
        let engine = Engine::new(&config).map_err(SandboxError::Engine)?;
        let ticker = Arc::new(Ticker::start(&engine).map_err(SandboxError::Ticker)?);
        Ok(Self { engine, ticker })
    }

    /// Compiles a component and looks at what it imports and exports. Runs nothing of it.
    pub(crate) fn compile(&self, component: &[u8]) -> Result<Compiled, CompileError> {
        code_size::check(component)?;
        self.admit(&Component::from_binary(&self.engine, component).map_err(CompileError::Invalid)?)
    }

    fn admit(&self, component: &Component) -> Result<Compiled, CompileError> {
        let imports: Vec<String> =
            component.component_type().imports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        for name in &imports {
            let interface = name.split_once('@').map_or(&**name, |(interface, _)| interface);
            if !IMPORTS.contains(&interface) {
                return Err(CompileError::Imports(name.chars().take(100).collect()));
            }
        }
        let mut linker = Linker::new(&self.engine);
        ClockCapability::add_to_linker(&mut linker, |reach: &mut Reach| &mut reach.clock)
            .and_then(|()| FilesCapability::add_to_linker(&mut linker, |reach: &mut Reach| &mut reach.files))
            .and_then(|()| CountersCapability::add_to_linker(&mut linker, |reach: &mut Reach| &mut reach.counters))
            .map_err(CompileError::Interface)?;
        let pre = linker.instantiate_pre(component).and_then(PolicyPre::new).map_err(CompileError::Interface)?;
        Ok(Compiled { pre, imports, sandbox: self.clone() })
    }

    /// What native code must fit: the compiler, its settings and the processor.
    pub(crate) fn compatibility(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }

    /// Native code of before, if it fits this compiler; checked as a fresh component is.
    pub(crate) fn revive(&self, code: &TrustedCode) -> Option<Result<Compiled, CompileError>> {
        #[expect(unsafe_code, reason = "native code is as trusted as what wrote it; `TrustedCode` says that we did")]
        // SAFETY: the bytes are those that `Compiled::serialize` made, whole, written by this user alone.
        let component = unsafe { Component::deserialize(&self.engine, code.as_bytes()) };
        component.ok().map(|component| self.admit(&component))
    }
}

impl Compiled {
    /// The sandbox's count of ticks.
    pub(crate) fn ticks(&self) -> Ticks {
        Ticks(self.sandbox.ticker.ticks.clone())
    }

    /// The native code, for [`Sandbox::revive`].
    pub(crate) fn serialize(&self) -> Option<Vec<u8>> {
        self.pre.instance_pre().component().serialize().ok()
    }

    /// The same, if it imports no more than what was declared.
    pub(crate) fn imports_only(self, declared: &[String]) -> Result<Self, CompileError> {
        match self.imports.iter().find(|name| !declared.contains(name)) {
            Some(name) => Err(CompileError::Undeclared(name.chars().take(100).collect())),
            None => Ok(self),
        }
    }

    /// Makes an instance; its first call is `load`.
    pub(crate) fn instantiate(&self, reach: Reach) -> Result<Instance, Failure> {
        let mut store = Store::new(&self.sandbox.engine, reach);
        store.limiter(|reach| &mut reach.limits);
        store.set_hostcall_fuel(limits::ANSWER);
        // Ticks that went by in the store are given back.
        store.epoch_deadline_callback(|mut context| match context.data_mut().take_ticks() {
            0 => Err(Trap::Interrupt.into()),
            more => {
                waiting::give_way();
                Ok(UpdateDeadline::Continue(more))
            }
        });
        store.set_epoch_deadline(limits::LOAD.ticks);
        match self.pre.instantiate(&mut store) {
            Ok(policy) => Ok(Instance { store, policy: policy.into() }),
            Err(error) => Err(failure(&error)),
        }
    }
}

impl Instance {
    /// Calls the policy. After a failure the instance is worth nothing and must be dropped.
    pub(crate) fn call<T>(
        &mut self,
        budget: Budget,
        call: impl FnOnce(&Policy, &mut Store<Reach>) -> wasmtime::Result<T>,
    ) -> Result<T, Failure> {
        let reach = self.store.data_mut();
        reach.clock.begin_call(budget.host_calls);
        reach.files.calls = Calls::new(budget.host_calls);
        reach.counters.begin_call(budget.host_calls);
        reach.more_ticks = budget.ticks.saturating_sub(1);
        self.store.set_epoch_deadline(budget.ticks.min(1));
        call(&self.policy, &mut self.store).map_err(|error| failure(&error))
    }

    /// What the instance is lent.
    pub(crate) fn reach(&mut self) -> &mut Reach {
        self.store.data_mut()
    }
}

fn failure(error: &wasmtime::Error) -> Failure {
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => Failure::Deadline,
        Some(Trap::StackOverflow) => Failure::Stack,
        Some(_) => Failure::Trapped,
        // Not the policy's own doing, but the host's refusal: too many calls, too large an answer, text that is not UTF-8.
        None => Failure::Excess,
    }
}

/// Counts ticks, and makes the engine look at its deadlines.
struct Ticker {
    ticks: Arc<AtomicU64>,
    stop: Arc<Alarm>,
    thread: Option<thread::JoinHandle<()>>,
}

/// The count of ticks.
#[derive(Clone, Debug)]
pub(crate) struct Ticks(Arc<AtomicU64>);

impl Ticks {
    /// Ticks since the start.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Ticker {
    fn start(engine: &Engine) -> std::io::Result<Self> {
        let ticks = Arc::new(AtomicU64::new(0));
        let stop = Arc::<Alarm>::default();
        let thread = thread::Builder::new().name("placet-ticker".into()).spawn({
            let (engine, ticks, stop) = (engine.weak(), ticks.clone(), stop.clone());
            move || {
                while !stop.wait(limits::TICK) {
                    let Some(engine) = engine.upgrade() else { return };
                    ticks.fetch_add(1, Ordering::Relaxed);
                    engine.increment_epoch();
                }
            }
        })?;
        Ok(Self { ticks, stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.ring();
        if let Some(thread) = self.thread.take() {
            // The thread ends by itself; there is nothing to learn from its end.
            drop(thread.join());
        }
    }
}
