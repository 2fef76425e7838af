//! Does a report go on from what was verified last?

use serde::{Deserialize, Serialize};

use super::SignedReport;
use crate::store::Head;

/// What a vendor remembers of an installation: its key, and the report that was verified last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportPin {
    /// By which the install key is known.
    pub installation: String,
    /// The name of its policy.
    pub product: String,
    /// The public key, base64url.
    pub key: String,
    /// The number of the report.
    pub number: u64,
    /// SHA-256 of the report, in hex.
    pub hash: String,
    /// When it was made: milliseconds since the Unix epoch.
    pub time: u64,
    /// The confirmed time in it.
    #[serde(default)]
    pub confirmed: Option<u64>,
    /// The last commit of the counters in it.
    pub head: Head,
}

/// A report that does not go on from what was verified last.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportFault {
    /// Another installation, or another product of it, or one whose install key was made anew; told by what differs: its id, its product, or
    /// its key.
    #[error("it is from another installation (`{found}`) than the one that was pinned (`{pinned}`)")]
    AnotherInstallation {
        /// Whose reports were verified before.
        pinned: String,
        /// Whose this is.
        found: String,
    },
    /// Two reports have one number, or it follows another one: the state was put back and went on, or was copied.
    #[error("it has another history: report {number} is not the one that was verified")]
    Fork {
        /// The first number that is known to have two reports.
        number: u64,
    },
    /// It is older than what was verified last.
    #[error("it is report {found}, and report {last} was verified already")]
    Old {
        /// Its number.
        found: u64,
        /// What was verified.
        last: u64,
    },
    /// Reports between were not given.
    #[error("it is report {found}, and report {expected} should follow")]
    Gap {
        /// Its number.
        found: u64,
        /// The number after the report before.
        expected: u64,
    },
    /// Its counters are older than those of the report before, or did not go on from them: making a report is a commit itself.
    #[error("its counters are older than in the report before: they were put back")]
    Restored,
}

/// A report by an earlier time than the one before, though the counters went on: a clock was set back. Times are milliseconds since the Unix
/// epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Setback {
    /// What it said before.
    pub before: u64,
    /// What it says now.
    pub after: u64,
    /// Is it the confirmed time, which a time anchor alone sets back? Else a clock was ahead, and was set right before that was confirmed.
    pub confirmed: bool,
}

/// A counter that holds less than in the report before: what was given back, or taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lowered {
    /// The counter.
    pub counter: String,
    /// What it held.
    pub before: u64,
    /// What it holds; 0 where it is gone.
    pub after: u64,
}

impl ReportFault {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::AnotherInstallation { .. } => "report-another-installation",
            Self::Fork { .. } => "report-fork",
            Self::Old { .. } => "report-old",
            Self::Gap { .. } => "report-gap",
            Self::Restored => "report-restored",
        }
    }
}

impl ReportPin {
    /// Remembers a report: the first of an installation, or one that [`ReportPin::admits`].
    pub fn of(signed: &SignedReport) -> Self {
        let SignedReport { report, key, hash } = signed;
        Self {
            installation: report.installation.clone(),
            product: report.policy.name.clone(),
            key: key.clone(),
            number: report.number,
            hash: hash.clone(),
            time: report.time,
            confirmed: report.confirmed,
            head: report.head,
        }
    }

    /// Does the report follow this one, or is it this one?
    ///
    /// # Errors
    ///
    /// [`ReportFault`]. After [`ReportFault::Gap`] all else was found right.
    pub fn admits(&self, signed: &SignedReport) -> Result<(), ReportFault> {
        let report = &signed.report;
        if (&self.key, &self.installation, &self.product) != (&signed.key, &report.installation, &report.policy.name) {
            let told = [
                (&self.installation, &report.installation),
                (&self.product, &report.policy.name),
                (&self.key, &signed.key),
            ];
            let (pinned, found) = told.into_iter().find(|(pinned, found)| pinned != found).unwrap_or(told[0]);
            let (pinned, found) = (pinned.clone(), found.clone());
            return Err(ReportFault::AnotherInstallation { pinned, found });
        }
        let next = self.number.saturating_add(1);
        match report.number {
            number if number == self.number && signed.hash == self.hash => return Ok(()),
            number if number == self.number => return Err(ReportFault::Fork { number }),
            found if found < self.number => return Err(ReportFault::Old { found, last: self.number }),
            number if number == next && report.previous.as_deref() != Some(&*self.hash) => {
                return Err(ReportFault::Fork { number: self.number });
            }
            _ => {}
        }
        if report.head.number <= self.head.number {
            return Err(ReportFault::Restored);
        }
        if report.number > next {
            return Err(ReportFault::Gap { found: report.number, expected: next });
        }
        Ok(())
    }

    /// Is the report by an earlier time than this one? No reason to refuse it: a clock that was wrong is set right, by hand or by an anchor.
    pub fn setback(&self, signed: &SignedReport) -> Option<Setback> {
        let fell =
            |before: u64, after: u64, confirmed| (after < before).then_some(Setback { before, after, confirmed });
        let report = &signed.report;
        let confirmed = self.confirmed.zip(report.confirmed).and_then(|(before, after)| fell(before, after, true));
        confirmed.or_else(|| fell(self.time, report.time, false))
    }
}

impl SignedReport {
    /// The counters that held more in an earlier report.
    pub fn lowered_since(&self, earlier: &Self) -> Vec<Lowered> {
        let now = &self.report.counters;
        let held = |counter: &str| now.binary_search_by(|one| one.counter.as_str().cmp(counter));
        let after = |counter: &str| held(counter).ok().and_then(|at| now.get(at)).map_or(0, |found| found.value);
        let before = earlier.report.counters.iter();
        let lowered = before.filter(|before| after(&before.counter) < before.value);
        lowered
            .map(|before| Lowered {
                counter: before.counter.clone(),
                before: before.value,
                after: after(&before.counter),
            })
            .collect()
    }
}
