//! The one typed license. Every format normalizes into it, and nothing after that knows the format.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use semver::VersionReq;

use crate::calendar::Calendar;
use crate::types::{Attribute, Duration, Instant};

/// What a vendor signed, verified and typed. Made by [`crate::claims`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// `jti`, or `sha256:` and the payload's hash in hex.
    pub id: String,
    /// SHA-256 of the payload: with the id, what identifies a license.
    pub payload_hash: [u8; 32],
    /// The document it was read from.
    pub document: String,
    /// The id of the key that signed it.
    pub key: String,
    /// The algorithm that it was signed with, as its format spells it.
    pub algorithm: String,
    /// `iss`.
    pub issuer: String,
    /// `sub`: the customer's id.
    pub subject: String,
    /// `customer`: the customer's name.
    pub customer: String,
    /// `aud`; a list is joined by a comma and a space for display, after it was checked.
    pub product: String,
    /// `plan`.
    pub plan: String,
    /// `sku`.
    pub sku: String,
    /// `kind`: standard, trial, addon or topup; others of a newer vendor are kept.
    pub kind: String,
    /// `iat`, in milliseconds.
    pub issued: Option<Instant>,
    /// `nbf`.
    pub starts: Option<Instant>,
    /// `exp`, or with `ends: "day"` the end of the civil day that it lies in; the first instant at which the license no longer holds.
    pub expires: Option<Instant>,
    /// When the file ends that it was handed out in; the license goes on in another file. None: the file does not end.
    pub file_expires: Option<Instant>,
    /// License ids that stop counting while this one holds.
    pub supersedes: Vec<String>,
    /// `requires`: holds only beside licenses that hold and have these SKUs, each of them.
    pub requires: Vec<String>,
    /// `maintenance`: which versions of the product it is for.
    pub maintenance: Option<Maintenance>,
    /// `check_in`: how often the vendor must have heard of it.
    pub check_in: Option<CheckIn>,
    /// What it grants, by name. A feature set to `false` is not in it.
    pub features: BTreeMap<String, FeatureGrant>,
    /// Its limits, by name.
    pub limits: BTreeMap<String, LimitTerms>,
    /// `scope`: where it holds.
    pub scope: Scope,
    /// `grace.expiry`: runs from `expires`; 0: none.
    pub grace_expiry: Duration,
    /// `grace.validation`: runs from the last moment the document was seen valid; 0: none.
    pub grace_validation: Duration,
    /// `grace.clock`: how long a clock that was set back is borne; 24 h unless told.
    pub grace_clock: Duration,
    /// `warn.expiring`: warn so long before the end; 30 days unless told.
    pub warn_expiring: Duration,
    /// `warn.usage`: warn from so many percent on, 1 to 100; 80 unless told.
    pub warn_usage: u8,
    /// `min_policy`: holds only under a policy with this sequence or a later one.
    pub min_policy: Option<u64>,
    /// Claims that narrow a license and that these rules cannot decide yet: it does not hold where this is not empty.
    pub undecided: Vec<String>,
    /// `serial`, `metadata` and claims that are not known, for display.
    pub details: Vec<Attribute>,
}

/// A feature that is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureGrant {
    /// When the grant ends; none: with the license.
    pub expires: Option<Instant>,
    /// Fields that are not known, for display.
    pub details: Vec<Attribute>,
}

/// The terms of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitTerms {
    /// How it counts.
    pub kind: LimitKind,
    /// None: unlimited.
    pub max: Option<u64>,
    /// Present for a rate that is not unlimited.
    pub rate: Option<Rate>,
    /// `enforce`: what happens at `max`.
    pub enforce: Enforce,
    /// `per: "tenant"`: each tenant has a budget of its own.
    pub per_tenant: bool,
    /// `ttl`: how long a seat lasts at most, until it is claimed again; none: until it is released.
    pub ttl: Option<Duration>,
    /// `refund: true`: units may be given back.
    pub refund: bool,
    /// Units that a crash may burn.
    pub slack: u64,
    /// `warn`, in percent of `max`; the license's own unless told.
    pub warn: Option<u8>,
    /// `account`: whose counter, in place of the license id or `@customer`.
    pub account: Option<String>,
    /// `reset` or `term`: the stretch of time that a quota is for; none: the license's own.
    pub stretch: Option<Stretch>,
    /// What these rules cannot decide yet (`kind=seats`, `moon`, …): such a limit is denied.
    pub undecided: Vec<String>,
    /// Every field but `kind` and `max`, as it is spelled, for display.
    pub details: Vec<Attribute>,
}

/// How a rate's bucket of tokens fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// `max`: so many units come back in each `every`.
    pub refill: u64,
    /// `every`; at least a millisecond.
    pub every: Duration,
    /// `burst`: what may be used at once; `max` unless told.
    pub burst: u64,
}

/// The stretch of time that a quota is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// `reset`: each period has a budget of its own.
    Calendar {
        /// When a new one begins.
        calendar: Calendar,
        /// `rollover`: so many units at most that the period before has left are added.
        rollover: u64,
    },
    /// `term`: any stretch of this length has the budget.
    Term(Duration),
}

/// What happens when a limit's maximum is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforce {
    /// Denied beyond it.
    #[default]
    Hard,
    /// Allowed beyond it, with a warning.
    Soft,
    /// Allowed beyond it by so much, and then denied.
    Overage(Allowance),
    /// Counted, without warnings.
    Meter,
}

impl Enforce {
    /// Is nothing denied for the maximum's sake?
    pub fn is_open(self) -> bool {
        matches!(self, Self::Soft | Self::Meter)
    }

    /// What the sum may reach where the limit's maximum is `max`; the largest u64: no end.
    pub fn ceiling(self, max: Option<u64>) -> u64 {
        let Some(max) = max else { return u64::MAX };
        match self {
            Self::Hard => max,
            Self::Soft | Self::Meter => u64::MAX,
            Self::Overage(allowance) => max.saturating_add(allowance.of(max)),
        }
    }
}

/// How far overage goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// So many units.
    Units(u64),
    /// So many percent of the maximum, rounded down; may be more than 100.
    Percent(u64),
}

impl Allowance {
    fn of(self, max: u64) -> u64 {
        match self {
            Self::Units(units) => units,
            Self::Percent(percent) => u64::try_from(u128::from(max) * u128::from(percent) / 100).unwrap_or(u64::MAX),
        }
    }
}

/// How a limit counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Volume, used up.
    Quota,
    /// Level, up and down.
    Gauge,
    /// Units per time.
    Rate,
    /// Weighted holders.
    Seats,
    /// Of a newer vendor; denied.
    Other(String),
}

impl LimitKind {
    /// As a license spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Quota => "quota",
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::Seats => "seats",
            Self::Other(kind) => kind,
        }
    }
}

/// Where a license holds; an empty list does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Fingerprints in hex, of which so many must be the deployment's.
    pub fingerprints: Vec<String>,
    /// How many of them.
    pub matching: Matching,
    /// The deployment fact `environment` must be among them.
    pub environments: Vec<String>,
    /// The deployment fact `product`.
    pub products: Vec<String>,
    /// The deployment fact `host`.
    pub hosts: Vec<String>,
    /// The deployment fact `version` must be in this range.
    pub versions: Option<VersionReq>,
    /// So many processes that share their counters, told apart by the deployment fact `instance`; at least 1.
    pub instances: Option<u64>,
}

/// Versions released before its end may be used for ever, later ones never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Its last instant.
    pub until: Instant,
    /// How it is told which versions these are.
    pub by: ReleasedBy,
}

/// How a version is told to be released within the maintenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleasedBy {
    /// By [`Scope::versions`], which the vendor keeps in step.
    Version,
    /// By the deployment fact `released`.
    ReleaseDate,
}

/// The vendor must hear of a license from time to time, and signs a receipt for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckIn {
    /// So long after the license was issued, or after the last receipt.
    pub every: Duration,
    /// The license holds on for so long after that, with a warning.
    pub tolerance: Duration,
}

/// How many fingerprints must fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// One of them.
    #[default]
    Any,
    /// Two of them, or the only one.
    Two,
    /// More than half.
    Most,
    /// Each.
    All,
}
