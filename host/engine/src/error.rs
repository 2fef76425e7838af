//! What can go wrong around decisions, one type for each operation.

use std::path::PathBuf;

use placet_artifact::{AdmitError, RootError, VerifyError};

use crate::state_dir::StateError;
use crate::status::Status;
use crate::store::StoreError;
use crate::vault::SecretError;

/// A [`crate::Placet`] could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The embedder named no key that may sign policies.
    #[error("no policy root key; compile one in with `PolicyRoot::from_pem(include_str!(…))`")]
    NoRoot,
    /// The embedder's keys contradict each other.
    #[error("the policy root keys cannot be used together")]
    Root(#[source] RootError),
    /// The embedder named no state directory.
    #[error("no state directory; name one with `.state(…)` or PLACET_STATE")]
    NoState,
    /// No policy was named and none was installed.
    #[error("no policy; name one with `.policy(…)` or PLACET_POLICY, or install one with `placet policy install FILE`")]
    NoPolicy,
    /// The policy was refused.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The storage secret cannot be used, or does not fit what is kept.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The counters cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This machine cannot run policies. A reason for the log.
    #[error("policies cannot be run on this machine")]
    Machine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No license is usable, and [`crate::Builder::require_usable`] was asked for.
    #[error("no license is usable: {} ({})", .0.state, .0.reason)]
    NotUsable(Box<Status>),
}

impl OpenError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &str {
        match self {
            Self::NoRoot | Self::Root(_) => "root-missing",
            Self::NoState => "state-missing",
            Self::NoPolicy => "policy-missing",
            Self::Policy(error) => error.reason(),
            Self::State(error) => error.reason(),
            Self::Secret(error) => error.reason(),
            Self::Store(error) => error.reason(),
            Self::Machine(_) => "machine-unsupported",
            Self::NotUsable(status) => &status.reason,
        }
    }
}

/// A policy was refused. What ran before goes on running.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file that was named cannot be read, or is too large for one.
    #[error(transparent)]
    File(StateError),
    /// The state directory, where adopted policies are kept, failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// It is not genuine.
    #[error("the policy `{}` is refused", path.display())]
    NotGenuine {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<VerifyError>,
    },
    /// It is genuine, and not for here or not for now.
    #[error("the policy `{}` is refused", path.display())]
    NotAdmitted {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<AdmitError>,
    },
    /// It is a policy of another name than the one that runs.
    #[error("the policy is named `{found}`, and this installation runs `{expected}`")]
    OtherName {
        /// Its name.
        found: String,
        /// The name that runs.
        expected: String,
    },
    /// It cannot be run, or does not answer as a policy must.
    #[error("the policy `{name}` {version} cannot be run")]
    Unfit {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// From the table of reasons.
        reason: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its adoption could not be recorded.
    #[error("the policy's adoption cannot be recorded")]
    Record(#[from] StoreError),
}

impl PolicyError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::File(error) => match error.file_reason() {
                "file-too-large" => "policy-too-large",
                reason => reason,
            },
            Self::State(error) => error.reason(),
            Self::NotGenuine { source, .. } => source.reason(),
            Self::NotAdmitted { source, .. } => source.reason(),
            Self::OtherName { .. } => "policy-other-name",
            Self::Unfit { reason, .. } => reason,
            Self::Record(error) => error.reason(),
        }
    }
}

/// A document was not installed or removed. What held before holds on.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The policy does not accept it.
    #[error("the document is refused: {reason}{}", .claim.as_ref().map(|claim| format!(" (`{claim}`)")).unwrap_or_default())]
    Refused {
        /// From the table of reasons.
        reason: String,
        /// The claim that is to blame, or the fact, where one is.
        claim: Option<String>,
    },
    /// The name is no name of a document: one path segment, 1 to 200 bytes, no leading dot.
    #[error("`{0}` is no name for a document")]
    Name(String),
    /// Nothing of that name or license id is installed or kept.
    #[error("nothing named `{0}` is installed")]
    NotInstalled(String),
    /// It is one of the operator's own files.
    #[error("`{0}` is not in the state directory; delete the file where it is mounted, then remove it here")]
    Mounted(String),
    /// Nothing was installed that could be taken back.
    #[error("nothing was installed here that could be taken back")]
    NothingReplaced,
    /// The state directory failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy gave no answer.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl InstallError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { reason, .. } => reason,
            Self::Name(_) => "document-name",
            Self::NotInstalled(_) => "not-installed",
            Self::Mounted(_) => "document-mounted",
            Self::NothingReplaced => "nothing-replaced",
            Self::State(error) => error.reason(),
            Self::Store(error) => error.reason(),
            Self::Failure(failure) => failure.reason(),
        }
    }
}

/// A reservation was not settled. Where it holds, it can be settled again.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is none of that id, or it was settled longer ago than is kept.
    #[error("no reservation of this id is known")]
    Unknown,
    /// It was settled before, for something else.
    #[error("the reservation was {} before", .actual.map_or_else(|| "released".to_owned(), |actual| format!("settled with {actual}")))]
    Settled {
        /// With so many units; none: it was released.
        actual: Option<u64>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy made no decision about the rest.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl SettleError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &str {
        match self {
            Self::Unknown => "reservation-unknown",
            Self::Settled { .. } => "reservation-settled",
            Self::Store(error) => error.reason(),
            Self::Failure(failure) => failure.reason(),
        }
    }
}

/// No decision could be made. Never a decision itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no decision: {reason}")]
pub struct Failure {
    reason: String,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// The reason that a policy gave, as it may be repeated in an answer: short, in kebab-case. A policy that says anything else said
    /// nothing.
    pub(crate) fn stated(reason: String) -> Self {
        let kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=64).contains(&reason.len()) && reason.bytes().all(kebab);
        Self::new(if fits { reason } else { "policy-error".to_owned() })
    }

    /// An answer of the policy, or why there is none, whoever failed.
    pub(crate) fn flattened<T>(answer: Result<Result<T, String>, crate::sandbox::Failure>) -> Result<T, Self> {
        answer.map_err(Self::from)?.map_err(Self::stated)
    }

    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl From<crate::sandbox::Failure> for Failure {
    fn from(failure: crate::sandbox::Failure) -> Self {
        Self::new(failure.reason())
    }
}
