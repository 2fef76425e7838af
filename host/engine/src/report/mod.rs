//! Usage reports: what an installation used, signed by itself, for a vendor who never sees it online.
//!
//! A report is a compact JWS (RFC 7515) signed with EdDSA (RFC 8037). The key is derived from the install key, and stands in the header:
//! the vendor pins it at the first report. Reports are numbered from 1 and each names the SHA-256 of the one before, so that one that is
//! missing, or a second one under a number, is seen. The head of the counters stands in each: a state directory that was put back
//! shows in the next report.
//!
//! What it cannot show: rows that who owns the machine forged, install key in hand, before the report was made.

mod signed;
#[cfg(test)]
mod tests;
mod verify;

use serde::{Deserialize, Serialize};

pub(crate) use self::signed::sign;
pub use self::signed::{ReportError, SignedReport};
pub use self::verify::{Lowered, ReportFault, ReportPin, Setback};
use crate::Usage;
use crate::fingerprint;
use crate::status::PolicyInfo;
use crate::store::Head;

/// What is read as a report; another number is another format.
pub(crate) const FORMAT: u32 = 1;

/// What an installation used until one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// 1.
    pub format: u32,
    /// By which the install key is known: sixteen hex digits.
    pub installation: String,
    /// From 1, without gaps.
    pub number: u64,
    /// SHA-256 of the report before it, in hex; none in the first.
    pub previous: Option<String>,
    /// When it was made: milliseconds since the Unix epoch, by the time that licenses are judged by.
    pub time: u64,
    /// The same as far as it is confirmed: the time before, where a clock jumped ahead, or the machine was off, and nothing confirmed it yet.
    /// None: an earlier release made it.
    #[serde(default)]
    pub confirmed: Option<u64>,
    /// When it was made by the machine's wall clock.
    pub wall: u64,
    /// The last commit of the counters before they were read.
    pub head: Head,
    /// Who decided.
    pub policy: PolicyInfo,
    /// As in the status.
    pub state: String,
    /// The licenses that were adopted, as far as a report needs to know them.
    pub licenses: Vec<ReportedLicense>,
    /// What the licenses grant as a whole, with what is used of it now: seats and levels too.
    pub limits: Vec<Usage>,
    /// Every counter of every limit, tenant and period, by name.
    pub counters: Vec<ReportedCounter>,
    /// What the holders of each pool of seats hold together then, by name: of each tenant, too. Who they are stands in no report.
    #[serde(default)]
    pub seats: Vec<ReportedCounter>,
    /// Units that crashes burned, by counter, as long as it is kept: so many at the most of what it counts as used were not.
    #[serde(default)]
    pub burned: Vec<ReportedCounter>,
}

impl Report {
    /// The fingerprint `install` of the installation: what binds a receipt to it.
    pub fn fingerprint(&self) -> String {
        fingerprint::of_install(&self.policy.name, &self.installation)
    }
}

/// A license, in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedLicense {
    /// Its id.
    pub id: String,
    /// Its state then.
    pub state: String,
}

/// A counter, or a pool of seats, in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedCounter {
    /// As `wit/counters.wit` names it: `use/LIMIT/TENANT/ACCOUNT/PERIOD/GENERATION`, each part percent-encoded; or `excess/…`, what
    /// reservations cost beyond what they could be charged for.
    pub counter: String,
    /// What it held.
    pub value: u64,
}
