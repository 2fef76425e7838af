//! The words that decisions and states are told in: the records of `wit/types.wit` and `wit/enforcement.wit`, as plain values.

use alloc::string::String;
use alloc::vec::Vec;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
pub type Instant = u64;

/// Milliseconds.
pub type Duration = u64;

/// One named value, for what no field foresees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Kebab-case, or a path such as `fingerprint/machine-id`.
    pub name: String,
    /// Text as it stands.
    pub value: String,
}

impl Attribute {
    /// A named value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The two times that a policy can learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// The time to judge by; never runs backwards.
    pub now: Instant,
    /// What the machine claims.
    pub wall: Instant,
}

/// A limit as a status or summary shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// As the license names it.
    pub name: String,
    /// quota, gauge, rate or seats; an open set.
    pub kind: String,
    /// None: unlimited.
    pub max: Option<u64>,
    /// Why it cannot be decided, and its terms as the licenses spell them.
    pub details: Vec<Attribute>,
}

/// Whoever holds seats of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// As it was claimed for.
    pub name: String,
    /// Seats.
    pub weight: u64,
    /// None: until released.
    pub expires: Option<Instant>,
    /// What no field foresees.
    pub details: Vec<Attribute>,
}

/// A limit and what is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The limit's name.
    pub limit: String,
    /// Its kind.
    pub kind: String,
    /// The tenant it was counted for; none: for the license as a whole.
    pub tenant: Option<String>,
    /// None: unlimited.
    pub max: Option<u64>,
    /// Units used, in the present period.
    pub used: u64,
    /// The civil label of the period.
    pub period: Option<String>,
    /// When the next period begins.
    pub resets: Option<Instant>,
    /// What no field foresees.
    pub details: Vec<Attribute>,
}

/// Allowed, and yet something a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// From the table of reasons.
    pub reason: String,
    /// The feature or limit it is about; none: the license as a whole.
    pub subject: Option<String>,
    /// One sentence for a person.
    pub text: String,
}

/// One license, as it may be shown to anyone. Never a signature, a key or a whole payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The license's id.
    pub id: String,
    /// The document it was read from.
    pub document: String,
    /// As in [`Status::state`], for this license alone.
    pub state: String,
    /// Why it has that state.
    pub reason: String,
    /// Claim `iss`.
    pub issuer: String,
    /// Claim `customer`.
    pub customer: String,
    /// Claim `aud`.
    pub product: String,
    /// Claim `plan`.
    pub plan: String,
    /// The id of the key that signed it.
    pub key: String,
    /// Claim `iat`.
    pub issued: Option<Instant>,
    /// Claim `nbf`.
    pub starts: Option<Instant>,
    /// Claim `exp`.
    pub expires: Option<Instant>,
    /// Names of the features it grants, sorted.
    pub features: Vec<String>,
    /// Its limits, by name.
    pub limits: Vec<Limit>,
    /// `sku`, `kind`, `serial`, metadata and claims that this policy does not know.
    pub details: Vec<Attribute>,
}

/// What all licenses grant together for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// As the license names it.
    pub name: String,
    /// The license that grants it longest.
    pub license: String,
    /// When it ends; none: never.
    pub until: Option<Instant>,
    /// What no field foresees.
    pub details: Vec<Attribute>,
}

/// A file that was on offer, held or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name in the directory.
    pub name: String,
    /// license, revocations, receipt, order, anchor; an open set.
    pub kind: String,
    /// It holds: the host keeps a copy.
    pub adopted: bool,
    /// What was read was the kept copy.
    pub recovered: bool,
    /// Why it does not hold, or why the copy was read; `adopted` otherwise.
    pub reason: String,
    /// What no field foresees.
    pub details: Vec<Attribute>,
}

/// The state of the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The one flag to act on.
    pub usable: bool,
    /// missing, invalid, pending, active, expiring, grace, expired or revoked.
    pub state: String,
    /// Why.
    pub reason: String,
    /// When the state or a warning changes by itself.
    pub until: Option<Instant>,
    /// The time it was judged by.
    pub evaluated: Instant,
    /// Every license that was read and verified, by id.
    pub licenses: Vec<Summary>,
    /// What all licenses that hold grant together, by name.
    pub features: Vec<Feature>,
    /// Their limits, by name.
    pub limits: Vec<Limit>,
    /// Every document that was on offer or kept, by name.
    pub documents: Vec<Document>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// What no field foresees.
    pub details: Vec<Attribute>,
}

/// So much of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The limit's name.
    pub limit: String,
    /// Units.
    pub amount: u64,
}

/// For whom, and under which key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The tenant to count for.
    pub tenant: Option<String>,
    /// The same key never counts twice.
    pub once: Option<String>,
    /// Such as `access=read`.
    pub details: Vec<Attribute>,
}

/// May this happen?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The one flag to act on.
    pub allowed: bool,
    /// From the table of reasons.
    pub reason: String,
    /// The feature or limit that decided.
    pub subject: String,
    /// The license it rests on.
    pub license: Option<String>,
    /// Every limit that the request touched, in the order of the charges.
    pub usage: Vec<Usage>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Not now, but after so long.
    pub retry: Option<Duration>,
    /// How the host may answer the same question by itself.
    pub hold: Option<Hold>,
    /// What no field foresees.
    pub details: Vec<Attribute>,
}

/// How the host may repeat an answer by itself until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The first instant at which the policy must be asked again.
    pub until: Instant,
    /// What each repetition is charged to, empty for a feature.
    pub meters: Vec<Meter>,
}

/// One counter that repetitions are charged to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Index into the charges.
    pub charge: u32,
    /// Index into the decision's usage.
    pub usage: Option<u32>,
    /// The counter's name.
    pub counter: String,
    /// The sum may reach it, never pass it; for a bucket, its capacity.
    pub ceiling: u64,
    /// Units that a crash may burn.
    pub slack: u64,
    /// Ask again once the sum passes this.
    pub step: Option<u64>,
    /// Present for a bucket.
    pub refill: Option<Refill>,
}

/// How a bucket fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refill {
    /// So many tokens come back in each `every`.
    pub tokens: u64,
    /// The time that they take.
    pub every: Duration,
}
