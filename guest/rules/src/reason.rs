//! The closed list of reasons. Each stands, with when it occurs, whose fault it is and what to do, in `docs/reasons.md`.

/// Allowed: a license grants it.
pub const GRANTED: &str = "granted";
/// No license that holds names the feature or limit.
pub const NOT_LICENSED: &str = "not-licensed";
/// The charge would pass the limit.
pub const LIMIT_EXCEEDED: &str = "limit-exceeded";
/// The charge comes faster than the rate lets it; also the warning that says so, where the license lets it pass.
pub const RATE_EXCEEDED: &str = "rate-exceeded";
/// The charge is larger than the rate ever lets pass at once.
pub const BURST_EXCEEDED: &str = "burst-exceeded";
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
/// A license holds.
pub const ACTIVE: &str = "active";
/// A license holds, and ends soon; also the warning that says so.
pub const EXPIRING: &str = "expiring";
/// A license has expired and holds for the grace that it grants; also the warning that says so.
pub const EXPIRY_GRACE: &str = "expiry-grace";
/// The kept copy of a document that cannot be used stands in; also the warning that says so.
pub const VALIDATION_GRACE: &str = "validation-grace";
/// The license has ended, and its grace with it.
pub const EXPIRED: &str = "expired";
/// Its vendor withdrew the license.
pub const REVOKED: &str = "revoked";
/// A check-in is due, and the license holds for the tolerance that it grants; also the warning that says so.
pub const CHECK_IN_DUE: &str = "check-in-due";
/// A check-in was due, and the tolerance for it is over.
pub const CHECK_IN_OVERDUE: &str = "check-in-overdue";
/// No license that holds has a SKU that this one requires.
pub const REQUIREMENT_MISSING: &str = "requirement-missing";
/// The license begins later.
pub const NOT_STARTED: &str = "not-started";
/// The license was issued more than 5 minutes ahead: one of the two clocks is wrong.
pub const ISSUED_IN_FUTURE: &str = "issued-in-future";
/// Another license that holds takes the place of this one.
pub const SUPERSEDED: &str = "superseded";
/// The same license lies under another name, and counts there.
pub const DUPLICATE: &str = "duplicate";
/// Another license with this id was issued later, and counts instead.
pub const DUPLICATE_ID: &str = "duplicate-id";
/// The document is good.
pub const ADOPTED: &str = "adopted";
/// The machine's clock was set back: a warning at first, beyond the clock grace a refusal.
pub const CLOCK_ROLLBACK: &str = "clock-rollback";
/// Warning: the counters gave no answer when the documents were loaded.
pub const MEMORY_UNAVAILABLE: &str = "memory-unavailable";
/// The manifest that came with the policy cannot be read.
pub const MANIFEST_INVALID: &str = "manifest-invalid";
/// The document is gone.
pub const FILE_MISSING: &str = "file-missing";
/// The document is larger than 1 MiB.
pub const FILE_TOO_LARGE: &str = "file-too-large";
/// The document could not be read from its place.
pub const FILE_UNREADABLE: &str = "file-unreadable";
/// No trusted key signed the document.
pub const KEY_UNKNOWN: &str = "key-unknown";
/// More than one trusted key verifies the document.
pub const KEY_AMBIGUOUS: &str = "key-ambiguous";
/// The key was not valid when the license was issued.
pub const KEY_NOT_VALID: &str = "key-not-valid";
/// The key may not sign documents of this kind.
pub const KEY_NOT_FOR_KIND: &str = "key-not-for-kind";
/// A revocation list with a higher sequence was seen here.
pub const REVOCATIONS_OLDER: &str = "revocations-older";
/// A later time anchor was seen here.
pub const ANCHOR_OLDER: &str = "anchor-older";
/// No license is here that the receipt, order or anchor is for, or the receipt is for another installation.
pub const ADDRESSEE_MISMATCH: &str = "addressee-mismatch";
/// The document is of another format than its key signs.
pub const FORMAT_MISMATCH: &str = "format-mismatch";
/// The document is encrypted, and no secret of the name in the details was given.
pub const SECRET_MISSING: &str = "secret-missing";
/// No secret of the name in the details opens the document.
pub const SECRET_WRONG: &str = "secret-wrong";
/// The file that the license was handed out in has ended; the license may go on in a newer one.
pub const FILE_EXPIRED: &str = "file-expired";
/// The vendor suspended the license.
pub const SUSPENDED: &str = "suspended";
/// A document's wrapping is of no form that is known; also of [`crate::jws`].
pub const ENVELOPE_INVALID: &str = "envelope-invalid";
/// A part is not canonical base64; also of [`crate::base64url`].
pub const ENCODING_INVALID: &str = "encoding-invalid";
/// The header of an encrypted document is not of its form.
pub const HEADER_INVALID: &str = "header-invalid";
/// The header of an encrypted document has a member that is never taken.
pub const HEADER_REFUSED: &str = "header-refused";
/// The algorithm is none that is taken.
pub const ALGORITHM_REFUSED: &str = "algorithm-refused";
/// The key is of another algorithm than the document.
pub const ALGORITHM_MISMATCH: &str = "algorithm-mismatch";
/// A claim is not of the form that it must have; the details name it.
pub const CLAIM_INVALID: &str = "claim-invalid";
/// A claim narrows the license in a way that this policy does not decide yet; the details name it.
pub const CLAIM_UNDECIDED: &str = "claim-undecided";
/// The license is for another product.
pub const AUDIENCE_MISMATCH: &str = "audience-mismatch";
/// Too few of the license's fingerprints are this machine's.
pub const FINGERPRINT_MISMATCH: &str = "fingerprint-mismatch";
/// The license is for another environment.
pub const ENVIRONMENT_MISMATCH: &str = "environment-mismatch";
/// The license is for another of the vendor's products.
pub const PRODUCT_MISMATCH: &str = "product-mismatch";
/// As many other instances use the license as it allows.
pub const INSTANCES_EXCEEDED: &str = "instances-exceeded";
/// The license is for another host.
pub const HOST_MISMATCH: &str = "host-mismatch";
/// The license is not for this version of the product.
pub const VERSION_MISMATCH: &str = "version-mismatch";
/// This version of the product was released after the license's maintenance had ended.
pub const MAINTENANCE_ENDED: &str = "maintenance-ended";
/// The license is narrowed by a fact that the product does not tell; the details name it.
pub const FACT_MISSING: &str = "fact-missing";
/// The license is narrowed by a fact that the product tells in a form that cannot be read; the details name it.
pub const FACT_INVALID: &str = "fact-invalid";
/// The license asks for a later policy.
pub const POLICY_TOO_OLD: &str = "policy-too-old";
/// The request names no charge.
pub const REQUEST_EMPTY: &str = "request-empty";
/// More than 64 charges; or a limit's name, a tenant or a `once` key that is empty or too long to be counted under.
pub const REQUEST_INVALID: &str = "request-invalid";
/// No decision: the disk is full.
pub const COUNTERS_DISK_FULL: &str = "counters-disk-full";
/// No decision: the counters cannot be written.
pub const COUNTERS_READ_ONLY: &str = "counters-read-only";
/// No decision: the counters hold what no policy wrote.
pub const COUNTERS_DAMAGED: &str = "counters-damaged";
/// No decision: another program edited the counters.
pub const COUNTERS_EDITED: &str = "counters-edited";
/// No decision: another process holds the counters.
pub const COUNTERS_LOCKED: &str = "counters-locked";
/// No decision: the disk failed.
pub const COUNTERS_IO: &str = "counters-io";
/// No decision: it is not known whether the charge was counted; ask again with the same `once` key.
pub const COUNTERS_COMMIT_UNKNOWN: &str = "counters-commit-unknown";
/// No decision: the counters were closed.
pub const COUNTERS_CLOSED: &str = "counters-closed";
/// No decision: the counters cannot do what was asked.
pub const COUNTERS_UNSUPPORTED: &str = "counters-unsupported";
/// No decision: the counters gave no answer that fits.
pub const COUNTERS_UNAVAILABLE: &str = "counters-unavailable";
/// What a host may answer in place of a count, each without its `counters-`.
pub const COUNTERS: [&str; 9] = [
    COUNTERS_DISK_FULL,
    COUNTERS_READ_ONLY,
    COUNTERS_DAMAGED,
    COUNTERS_EDITED,
    COUNTERS_LOCKED,
    COUNTERS_IO,
    COUNTERS_COMMIT_UNKNOWN,
    COUNTERS_CLOSED,
    COUNTERS_UNSUPPORTED,
];
/// The host asked before it loaded the policy: the host's fault.
pub const NOT_LOADED: &str = "not-loaded";
