//! The closed list of reasons. Each stands, with when it occurs, whose fault it is and what to do, in `docs/reasons.md`.

/// Allowed: a license grants it.
pub const GRANTED: &str = "granted";
/// No license that holds names the feature or limit.
pub const NOT_LICENSED: &str = "not-licensed";
/// The charge would pass the limit.
pub const LIMIT_EXCEEDED: &str = "limit-exceeded";
/// The limit's kind or an option of it is not decided by this policy yet.
pub const LIMIT_UNDECIDED: &str = "limit-undecided";
/// The function does not fit the limit's kind.
pub const KIND_MISMATCH: &str = "kind-mismatch";
/// The limit is counted per tenant, and no tenant was named.
pub const TENANT_REQUIRED: &str = "tenant-required";
/// The `once` key counted before, for something else.
pub const ONCE_MISMATCH: &str = "once-mismatch";
/// The license does not let this quota be given back.
pub const REFUND_NOT_GRANTED: &str = "refund-not-granted";
/// More would be given back than was used.
pub const CREDIT_EXCEEDED: &str = "credit-exceeded";
/// Other callers were quicker too often; nothing was decided.
pub const CONTENDED: &str = "contended";
/// The feature's grant ended before the license.
pub const FEATURE_EXPIRED: &str = "feature-expired";
/// Warning: expired, and only reading goes on.
pub const READ_ONLY: &str = "read-only";
/// Warning: most of the limit is used.
pub const USAGE_HIGH: &str = "usage-high";
/// No license was found.
pub const MISSING: &str = "missing";
