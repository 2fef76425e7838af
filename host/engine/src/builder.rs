//! What an embedder says before a [`Placet`] is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use placet_artifact::{PolicyRoot, PolicyRoots};

use crate::deployment::Deployment;
use crate::documents::{Source, Token};
use crate::error::OpenError;
use crate::event::{Event, Subscribers};
use crate::placet::Placet;
use crate::program::Program;
use crate::simulation::Simulation;
use crate::state_dir::StateDir;
use crate::vault::{Secret, Secrets, Unlocked, Vault};
use crate::verifier::Verifier;

/// How often the documents are read again by themselves, unless told.
const RECHECK: Duration = Duration::from_secs(3600);

/// Collects what [`Placet::builder`] needs; nothing is touched before [`Builder::open`].
#[derive(Clone, Debug)]
pub struct Builder {
    pub(crate) roots: Vec<PolicyRoot>,
    pub(crate) development: bool,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) minimum_sequence: u64,
    pub(crate) sources: Vec<Source>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) deployment: Deployment,
    pub(crate) fail_mode: FailMode,
    pub(crate) holds: bool,
    pub(crate) require_usable: bool,
    pub(crate) recheck: Duration,
    pub(crate) wait: Duration,
    pub(crate) secrets: Secrets,
    pub(crate) uploads: Uploads,
    pub(crate) validation_grace: Option<Duration>,
    pub(crate) subscribers: Subscribers,
}

/// Where licenses go that are installed by [`Placet::install`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uploads {
    /// Into the state directory: they hold from now on.
    #[default]
    State,
    /// Into memory: they hold until the installation is closed, and are never written down.
    Memory,
}

/// What the product gets where no decision could be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailMode {
    /// A denial that names the failure.
    #[default]
    Closed,
    /// The failure itself, as an error; the product refuses in its own way.
    Error,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            roots: Vec::new(),
            development: false,
            policy: None,
            minimum_sequence: 0,
            sources: Vec::new(),
            state: None,
            deployment: Deployment::default(),
            fail_mode: FailMode::default(),
            holds: true,
            require_usable: false,
            recheck: RECHECK,
            wait: Duration::ZERO,
            secrets: Secrets::default(),
            uploads: Uploads::default(),
            validation_grace: None,
            subscribers: Subscribers::default(),
        }
    }

    /// Trusts a key to sign policies. It must be compiled into the product; may be given several times.
    #[must_use]
    pub fn root(mut self, root: PolicyRoot) -> Self {
        self.roots.push(root);
        self
    }

    /// Trusts several keys.
    #[must_use]
    pub fn roots(mut self, roots: &PolicyRoots) -> Self {
        self.roots.extend(roots.iter().cloned());
        self
    }

    /// Says that the roots were not compiled in but given at run time: each status carries the warning `development-root`.
    #[must_use]
    pub fn development_root(mut self) -> Self {
        self.development = true;
        self
    }

    /// The signed policy that the product ships. A newer one that was installed into the state goes before it.
    #[must_use]
    pub fn policy(mut self, path: impl Into<PathBuf>) -> Self {
        self.policy = Some(path.into());
        self
    }

    /// The lowest sequence of a policy that is ever run, compiled into the product: no rollback goes below it. 0 unless told.
    #[must_use]
    pub fn minimum_sequence(mut self, sequence: u64) -> Self {
        self.minimum_sequence = sequence;
        self
    }

    /// A license file, or a directory of them. May be given several times, and may be missing.
    #[must_use]
    pub fn licenses(mut self, path: impl Into<PathBuf>) -> Self {
        self.sources.push(Source::Path(path.into()));
        self
    }

    /// A license by value, as a compact token or JSON.
    #[must_use]
    pub fn license_token(mut self, token: impl AsRef<[u8]>) -> Self {
        self.sources.push(Source::Token(Token(Arc::from(token.as_ref()))));
        self
    }

    /// The state directory, made if it is missing: counters, installed licenses and policies. It must be on a local disk.
    #[must_use]
    pub fn state(mut self, path: impl Into<PathBuf>) -> Self {
        self.state = Some(path.into());
        self
    }

    /// Tells the policy a fact of the deployment: `product`, `version`, `environment`, `host`, `fingerprint/NAME`.
    /// The last value of a name counts.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.deployment.fact(name.into(), value.into());
        self
    }

    /// Gives the policy what opens encrypted documents: the license key of a file of Keygen, under the name `license-key` or the one
    /// that the vendor's policy names; or 32 bytes as base64url, under the name that the encrypted license has in its header. It is
    /// tried for documents that name it, or that name what stands before a slash in it (`license-key/berlin`). It is never shown.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.deployment.secret(name.into(), value.into());
        self
    }

    /// Seals what is kept in the state directory by this secret, of at least 32 bytes (random ones: nothing is done to slow down who guesses);
    /// line feeds at its end do not count. What was kept readable before is sealed with the next opening. Without a secret documents and
    /// audit log are kept readable, and what was sealed once does not open any more.
    #[must_use]
    pub fn storage_secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secrets.present = Some(Secret::value(secret.as_ref()));
        self
    }

    /// The same, read from a file when it is opened.
    #[must_use]
    pub fn storage_secret_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.secrets.present = Some(Secret::File(path.into()));
        self
    }

    /// A new storage secret. With the next opening it takes the place of the one of [`Builder::storage_secret`], in one step; from then on it is
    /// enough alone, and as long as both are given either may be the one that holds.
    #[must_use]
    pub fn next_storage_secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secrets.next = Some(Secret::value(secret.as_ref()));
        self
    }

    /// What opens the sealed things of the state directory, for looking at them beside the process that holds it; nothing is changed.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoState`], [`OpenError::State`] and [`OpenError::Secret`].
    pub fn vault(&self) -> Result<Vault, OpenError> {
        let state = StateDir::look(self.state.as_deref().ok_or(OpenError::NoState)?)?;
        Ok(Unlocked::look(&state, &self.secrets)?.vault)
    }

    /// What the product gets where no decision could be made. [`FailMode::Closed`] unless told.
    #[must_use]
    pub fn fail_mode(mut self, mode: FailMode) -> Self {
        self.fail_mode = mode;
        self
    }

    /// Whether the host repeats an answer by itself where the policy says until when, and charged to what, it may; true unless told. The answers
    /// are the same either way, and those that are repeated come sooner.
    #[must_use]
    pub fn holds(mut self, repeats: bool) -> Self {
        self.holds = repeats;
        self
    }

    /// Makes [`Builder::open`] fail where no license is usable.
    #[must_use]
    pub fn require_usable(mut self) -> Self {
        self.require_usable = true;
        self
    }

    /// How often the documents are read again by themselves. One hour unless told; one second at least.
    #[must_use]
    pub fn recheck_interval(mut self, interval: Duration) -> Self {
        self.recheck = interval.max(Duration::from_secs(1));
        self
    }

    /// Where licenses go that are installed. [`Uploads::State`] unless told. Documents of other kinds (revocation lists, orders, receipts, time
    /// anchors) always go into the state directory, for what they do stays.
    #[must_use]
    pub fn uploads(mut self, uploads: Uploads) -> Self {
        self.uploads = uploads;
        self
    }

    /// Lets the kept copy of a license that is damaged, unreadable or gone stand in no longer than this since it was last seen valid, even where
    /// the license grants a longer grace; it never makes one longer. Copies of revocation lists stand in as ever.
    #[must_use]
    pub fn validation_grace(mut self, at_most: Duration) -> Self {
        self.validation_grace = Some(at_most);
        self
    }

    /// As [`Placet::subscribe`], from the opening on: what that finds is told, too.
    #[must_use]
    pub fn subscribe(mut self, subscriber: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.subscribers.0.push(Arc::new(subscriber));
        self
    }

    /// How long [`Builder::open`] waits for another process to end that has the state directory. Not at all unless told.
    #[must_use]
    pub fn wait(mut self, at_most: Duration) -> Self {
        self.wait = at_most;
        self
    }

    /// Opens the state, adopts the policy and reads the licenses. Succeeds without a usable license; then everything is denied,
    /// with the reason.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; no policy was adopted and no copy was kept. The state directory may have been made, and what it keeps was sealed where
    /// there is a secret. [`OpenError::NotUsable`] follows an adoption where a time anchor was taken that did not help, or where
    /// [`Builder::validation_grace`] ended with this opening.
    pub fn open(self) -> Result<Placet, OpenError> {
        Placet::open(self)
    }

    /// Verifies documents with the policy alone; no state, no licenses.
    ///
    /// # Errors
    ///
    /// [`OpenError`] where the policy is not accepted.
    pub fn verifier(self) -> Result<Verifier, OpenError> {
        Verifier::from_policy(&self)
    }

    /// What will be of the licenses under the policy, from this moment on (milliseconds since 1970) and from nothing used; no state.
    ///
    /// # Errors
    ///
    /// [`OpenError`] where the policy is not accepted.
    pub fn simulation(self, from: u64) -> Result<Simulation, OpenError> {
        Simulation::of_licenses(Program::from_policy(&self)?, &self, from)
    }

    pub(crate) fn policy_roots(&self) -> Result<PolicyRoots, OpenError> {
        let mut roots = self.roots.iter().cloned();
        let mut all = PolicyRoots::from(roots.next().ok_or(OpenError::NoRoot)?);
        for root in roots {
            all.insert(root).map_err(OpenError::Root)?;
        }
        Ok(all)
    }
}
