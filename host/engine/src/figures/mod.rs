//! What an installation did since it was opened and how it stands, in numbers: what exporters of metrics are made from.

mod counting;
mod store;
mod table;

use std::collections::BTreeMap;

use serde::Serialize;

pub(crate) use self::counting::Counting;
pub(crate) use self::store::Commits;
pub use self::store::{COMMIT_BOUNDS, StoreFigures};
use crate::status::Status;

/// The figures of an installation, as they are at one moment. Counts begin with the opening, and never go down until the next one. Each is
/// exact; decisions that are made meanwhile may be in one of them already and not yet in another.
///
/// Names that callers or licenses choose are bounded: the first ones seen are told apart, the rest is summed. Safe to show to whoever may
/// see names of tenants: no signature, token, payload or key.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let placet = placet::Placet::builder().open()?;
/// let figures = placet.figures();
/// for decisions in &figures.decisions {
///     println!("{} denied {}", decisions.kind.as_str(), decisions.outcomes.denied);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// State, days until expiry, policy, and usage and maximum of each limit that is counted for the license as a whole.
    pub status: Status,
    /// What was decided, by what was asked: each [`DecisionKind`] once, in their order.
    pub decisions: Vec<DecisionFigures>,
    /// What was decided, by tenant and plan: at most [`MAX_REQUESTERS`], sorted.
    pub requests: Vec<RequestFigures>,
    /// What was decided for all other tenants and plans together.
    pub other_requests: Outcomes,
    /// Denials, by reason. None of them is a failure.
    pub denials: Counts,
    /// Requests that no decision could be made about, by the reason of the failure; in whatever way the product was then answered.
    pub failures: Counts,
    /// Denied checks, by feature.
    pub features_blocked: Counts,
    /// Charges, levels and seats that a limit had no room for, by limit: the reasons `limit-exceeded`, `rate-exceeded` and
    /// `burst-exceeded`. Previews are not among them.
    pub limits_exceeded: Counts,
    /// How often documents were read anew.
    pub reloads: Reloads,
    /// What the counters' store did.
    pub store: StoreFigures,
    /// The version of this crate.
    pub version: &'static str,
}

/// So many pairs of tenant and plan are told apart.
pub const MAX_REQUESTERS: usize = 256;

impl Figures {
    /// Whether licenses hold by grace alone.
    pub fn is_in_grace(&self) -> bool {
        self.status.state == "grace"
    }

    /// How many tenants are active: what is used of the limit `tenants`. None where no license has it, or the counters gave no answer.
    pub fn tenants_active(&self) -> Option<u64> {
        self.status.usage.iter().find(|usage| usage.limit == "tenants").map(|usage| usage.used)
    }
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// [`crate::Placet::check`].
    Check,
    /// [`crate::Placet::preview`].
    Preview,
    /// [`crate::Placet::consume`].
    Consume,
    /// [`crate::Placet::reserve`].
    Reserve,
    /// [`crate::Placet::credit`].
    Credit,
    /// [`crate::Placet::measure`].
    Measure,
    /// [`crate::Placet::claim`].
    Claim,
    /// [`crate::Placet::release`].
    Release,
}

impl DecisionKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Check,
        Self::Preview,
        Self::Consume,
        Self::Reserve,
        Self::Credit,
        Self::Measure,
        Self::Claim,
        Self::Release,
    ];

    /// As it is serialized.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Preview => "preview",
            Self::Consume => "consume",
            Self::Reserve => "reserve",
            Self::Credit => "credit",
            Self::Measure => "measure",
            Self::Claim => "claim",
            Self::Release => "release",
        }
    }
}

/// How requests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Allowed.
    pub allowed: u64,
    /// Denied by the policy.
    pub denied: u64,
    /// No decision could be made.
    pub failed: u64,
}

/// What was decided of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DecisionFigures {
    /// What was asked.
    pub kind: DecisionKind,
    /// How it ended.
    #[serde(flatten)]
    pub outcomes: Outcomes,
}

/// What was decided for one tenant under one plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Requester {
    /// None: requests without a tenant.
    pub tenant: Option<String>,
    /// Of the license that the decision rests on; empty: it rests on none.
    pub plan: String,
}

/// What was decided for one requester.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestFigures {
    /// Whom for.
    #[serde(flatten)]
    pub requester: Requester,
    /// How it ended.
    #[serde(flatten)]
    pub outcomes: Outcomes,
}

/// So often, by name: at most 128 names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Those that are told apart.
    pub named: BTreeMap<String, u64>,
    /// All others together.
    pub other: u64,
}

/// How often documents were read anew, because it was asked for, something was installed or removed, or time had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reloads {
    /// The policy loaded; a document that does not hold is among [`Status`]'s, and fails nothing.
    pub loaded: u64,
    /// The policy could not load, and what held before holds on.
    pub failed: u64,
}
