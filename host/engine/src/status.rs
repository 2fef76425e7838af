//! The state of an installation: what the policy says of the licenses, and what the host knows beside it.

use std::ops::Deref;

use placet_artifact::{ContentHash, Manifest};
use serde::{Deserialize, Serialize};

use crate::audit::Misfit;
use crate::bindings::exports::placet::policy::types::{Document, Status as LicenseStatus, Summary, Usage, Warning};
use crate::documents::{MAX_DOCUMENTS, Snapshot, TOO_MANY_REASON};
use crate::store::{Burned, Head, Store};

const DAY: u64 = 86_400_000;

/// The state of an installation, safe to show to anyone: never a signature, a token, a payload or a key.
///
/// The fields of the policy's own status are reached directly: `status.usable`, `status.state`, `status.licenses`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// What the policy says, and the host's warnings with it.
    #[serde(flatten)]
    pub license: LicenseStatus,
    /// Whole days until the license ends that leads ([`Status::leading`]); negative after it. None: it does not end, or there is none.
    pub days_until_expiry: Option<i64>,
    /// What is used of each limit that is counted for the license as a whole. Empty where the counters gave no answer; a
    /// warning then says so.
    pub usage: Vec<Usage>,
    /// The policy that decides.
    pub policy: PolicyInfo,
    /// Where the counters stand.
    pub counters: CountersInfo,
    /// Whether installed documents, copies and the audit log are kept sealed by a storage secret.
    pub sealed: bool,
}

/// Where the counters stand, for people and for reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountersInfo {
    /// By which the key is known that seals them: sixteen hex digits.
    pub install_key: String,
    /// The last commit; none where the counters gave no answer.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub head: Option<Head>,
    /// What a crash burned before they were opened.
    pub burned: Vec<Burned>,
}

impl CountersInfo {
    pub(crate) fn new(store: &dyn Store) -> Self {
        Self { install_key: store.install_key(), head: store.head().ok(), burned: store.burned().to_vec() }
    }
}

/// A policy, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyInfo {
    /// `vendor/product`.
    pub name: String,
    /// For people.
    pub version: String,
    /// For machines: a higher one goes before a lower one.
    pub sequence: u64,
    /// SHA-256 of the signed content, in hex.
    pub hash: String,
    /// An operator went back to it.
    pub rolled_back: bool,
}

impl PolicyInfo {
    pub(crate) fn new(manifest: &Manifest, hash: &ContentHash, rolled_back: bool) -> Self {
        Self {
            name: manifest.name.to_string(),
            version: manifest.version.to_string(),
            sequence: manifest.sequence,
            hash: hash.to_string(),
            rolled_back,
        }
    }
}

impl Deref for Status {
    type Target = LicenseStatus;

    fn deref(&self) -> &LicenseStatus {
        &self.license
    }
}

impl Status {
    pub(crate) fn new(
        mut license: LicenseStatus,
        usage: Result<Vec<Usage>, String>,
        policy: PolicyInfo,
        counters: CountersInfo,
    ) -> Self {
        if policy.rolled_back {
            let text = "an older policy runs because an operator went back to it; install a newer one to end this";
            license.warnings.push(warning("policy-rolled-back", None, text));
        }
        let usage = usage.unwrap_or_else(|reason| {
            license.warnings.push(warning(&reason, None, "the counters gave no answer; see `placet doctor`"));
            Vec::new()
        });
        let end = leading(&license).and_then(|license| license.expires);
        let days_until_expiry = end.and_then(|end| days_between(license.evaluated, end));
        Self { license, days_until_expiry, usage, policy, counters, sealed: false }
    }

    /// The documents that do not hold as they are: they are refused, or a kept copy stands in for what is damaged, unreadable or gone. What a
    /// revocation list or an order did stays, whoever takes its file away: that one is not missed.
    pub fn refused(&self) -> impl Iterator<Item = &Document> {
        refused(&self.license)
    }

    /// The license that people mean when they name one: of those that hold, the one that ends last; where none holds, of those in the state of
    /// the whole. One that was set aside does not count, nor do add-ons, top-ups and trials beside a license that stands by itself.
    pub fn leading(&self) -> Option<&Summary> {
        leading(&self.license)
    }

    /// Warns of a key that was not compiled in.
    pub(crate) fn warn_development(&mut self) {
        let text = "the key that policies are trusted by was given at run time; not for production";
        self.license.warnings.push(warning("development-root", None, text));
    }

    /// Warns of a clock that is faked within this process.
    pub(crate) fn warn_faked_clock(&mut self) {
        let text = "the C library tells another time than the kernel, as with libfaketime; the kernel's counts";
        self.license.warnings.push(warning("clock-faked", None, text));
    }

    /// Warns that a policy file does not run, though another one does.
    pub(crate) fn warn_shipped_refused(&mut self, reason: &'static str) {
        let text = "a policy file, the one that the product names or one that was installed, does not run; another does in its place";
        self.license.warnings.push(warning(reason, None, text));
    }

    /// Warns of units that a crash burned.
    pub(crate) fn warn_burned(&mut self) {
        for Burned { counter, units, .. } in &self.counters.burned {
            let text = format!("a crash burned up to {units} units of the counter `{counter}`; they count as used");
            self.license.warnings.push(warning("units-burned", None, &text));
        }
    }

    /// Warns of a log that was cut, and of counters that were put back.
    pub(crate) fn warn_misfit(&mut self, misfit: &Misfit) {
        if let Some(line) = misfit.cut {
            let text = format!(
                "the audit log ends before its line {line}, which was written, or has another in its place: compare it with a copy"
            );
            self.license.warnings.push(warning("audit-cut", None, &text));
        }
        if let Some(head) = misfit.restored {
            let text = format!(
                "the counters are older than commit {}, which the audit log saw, or have another history: they were put back, or begun anew",
                head.number
            );
            self.license.warnings.push(warning("counters-restored", None, &text));
        }
    }

    /// Warns of an audit log that cannot be written.
    pub(crate) fn warn_audit(&mut self, trouble: &str) {
        let text = format!("the audit log cannot be written, its lines are lost: {trouble}");
        self.license.warnings.push(warning("audit-failed", None, &text));
    }

    /// Warns of places that could not be looked at.
    pub(crate) fn warn_troubles(&mut self, snapshot: &Snapshot) {
        for trouble in snapshot.troubles() {
            let place = trouble.path.display();
            let text = match trouble.reason {
                TOO_MANY_REASON => {
                    format!("of the documents in `{place}` the first {MAX_DOCUMENTS} by name are read, and no others")
                }
                reason => format!("cannot read licenses from `{place}`: {reason}"),
            };
            self.license.warnings.push(warning("source-unreadable", None, &text));
        }
    }
}

/// As [`Status::refused`].
pub(crate) fn refused(license: &LicenseStatus) -> impl Iterator<Item = &Document> {
    let stays = |one: &Document| one.reason == "file-missing" && matches!(&*one.kind, "revocations" | "order");
    license.documents.iter().filter(move |one| !one.adopted || (one.recovered && !stays(one)))
}

fn warning(reason: &str, subject: Option<String>, text: &str) -> Warning {
    Warning { reason: reason.to_owned(), subject, text: text.to_owned() }
}

fn leading(status: &LicenseStatus) -> Option<&Summary> {
    let counts = |license: &&Summary| {
        !matches!(&*license.reason, "superseded" | "duplicate" | "duplicate-id" | "requirement-missing")
    };
    let holds = |license: &&Summary| matches!(&*license.state, "active" | "expiring" | "grace");
    let is_main = |license: &&Summary| {
        !license
            .details
            .iter()
            .any(|detail| detail.name == "kind" && matches!(&*detail.value, "addon" | "topup" | "trial"))
    };
    let is_so = |license: &&Summary| license.state == status.state;
    let all: Vec<&Summary> = status.licenses.iter().filter(counts).collect();
    let leading = narrowed(narrowed(narrowed(all, holds), is_main), is_so);
    leading.into_iter().max_by_key(|license| license.expires.unwrap_or(u64::MAX))
}

/// Whole days, negative where the end has passed. None beyond the range of time.
pub(crate) fn days_between(now: u64, end: u64) -> Option<i64> {
    let (end, now) = (i64::try_from(end).ok()?, i64::try_from(now).ok()?);
    Some(end.checked_sub(now)?.div_euclid(DAY.cast_signed()))
}

/// Those that fit, or all where none does.
fn narrowed<'a>(licenses: Vec<&'a Summary>, fits: impl Fn(&&'a Summary) -> bool) -> Vec<&'a Summary> {
    let fitting: Vec<_> = licenses.iter().copied().filter(fits).collect();
    if fitting.is_empty() { licenses } else { fitting }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_ones_and_negative_from_the_end_on() {
        let end = 100 * DAY;
        let days = |now: u64| days_between(now, end);
        assert_eq!(days(end - DAY), Some(1));
        assert_eq!(days(end - DAY + 1), Some(0), "less than a day is left");
        assert_eq!(days(end - 1), Some(0));
        assert_eq!(days(end), Some(0), "the end itself");
        assert_eq!(days(end + 1), Some(-1), "the end has passed");
        assert_eq!(days(end + DAY), Some(-1));
        assert_eq!(days(end + DAY + 1), Some(-2));
        assert_eq!(days_between(0, u64::MAX), None);
    }
}
