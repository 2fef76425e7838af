//! An answer as it is kept under a `once` key, so that a repetition answers as the first time: everything but the sums, which the
//! store records itself. The first answer is made from it as well, so the two cannot differ.
//!
//! Lines; their fields are percent-encoded, with one space between them, and empty where there is nothing:
//!
//! ```text
//! license ID
//! usage LIMIT KIND TENANT(0|1) MAX WARNS(0|1) PERIOD RESETS BASE SUMS
//! warning REASON SUBJECT TEXT
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::granted;
use crate::counter_name::{decode, encode};
use crate::license::LimitKind;
use crate::reason;
use crate::types::{Attribute, Decision, Instant, Usage, Warning};

/// An allowed answer without the sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) license: String,
    pub(super) shares: Vec<Share>,
    pub(super) warnings: Vec<Warning>,
}

/// One limit's part of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) limit: String,
    pub(super) kind: String,
    pub(super) per_tenant: bool,
    pub(super) max: Option<u64>,
    /// It is said here that most of it is used.
    pub(super) warns: bool,
    pub(super) period: Option<String>,
    pub(super) resets: Option<Instant>,
    /// Used on counters that did not move.
    pub(super) base: u64,
    /// How many of the sums that follow belong to it.
    pub(super) sums: usize,
}

impl Share {
    /// With the sum of those that moved.
    pub(super) fn usage(self, tenant: Option<&str>, moved: u64) -> Usage {
        let used = self.base.saturating_add(moved);
        let beyond = self.max.map_or(0, |max| used.saturating_sub(max));
        let details = (beyond > 0).then(|| Attribute::new("beyond", beyond.to_string()));
        Usage {
            limit: self.limit,
            kind: self.kind,
            tenant: tenant.filter(|_| self.per_tenant).map(ToString::to_string),
            max: self.max,
            used,
            period: self.period,
            resets: self.resets,
            details: details.into_iter().collect(),
        }
    }
}

impl Record {
    /// The answer, once the sums are known. The shares take them in their order; what is left belongs to no share.
    pub(super) fn decision(self, subject: &str, tenant: Option<&str>, sums: &[u64]) -> Decision {
        let Self { license, shares, mut warnings } = self;
        let mut sums = sums.iter();
        let mut usage = Vec::with_capacity(shares.len());
        for share in shares {
            let moved = sums.by_ref().take(share.sums).fold(0_u64, |all, sum| all.saturating_add(*sum));
            let warns = share.warns;
            let used = share.usage(tenant, moved);
            warnings.extend(warns.then(|| high(&used)));
            usage.push(used);
        }
        let license = Some(license).filter(|license| !license.is_empty());
        Decision { usage, warnings, ..granted(subject.to_string(), license) }
    }

    /// Is the limit one whose units are in no entry?
    pub(super) fn is_in_no_entry(&self, limit: &str) -> bool {
        let kinds = [LimitKind::Rate, LimitKind::Seats];
        self.shares.iter().any(|share| share.limit == limit && kinds.iter().any(|kind| kind.as_str() == share.kind))
    }

    /// As text, for the store.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        line(&mut text, &["license", &self.license]);
        for share in &self.shares {
            let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
            let (max, resets) = (number(share.max), number(share.resets));
            let (base, sums) = (share.base.to_string(), share.sums.to_string());
            let flag = |is: bool| if is { "1" } else { "0" };
            let (tenant, warns) = (flag(share.per_tenant), flag(share.warns));
            let period = share.period.as_deref().unwrap_or_default();
            let fields = ["usage", &share.limit, &share.kind, tenant, &max, warns, period, &resets, &base, &sums];
            line(&mut text, &fields);
        }
        for warning in &self.warnings {
            let subject = warning.subject.as_deref().unwrap_or_default();
            line(&mut text, &["warning", &warning.reason, subject, &warning.text]);
        }
        text
    }

    /// Reads a text back. None: it is not one that [`Record::render`] writes, to the byte.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut record = Self { license: String::new(), shares: Vec::new(), warnings: Vec::new() };
        for line in text.lines() {
            let fields: Vec<String> = line.split(' ').map(decode).collect::<Option<_>>()?;
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            match *fields.as_slice() {
                ["license", license] => record.license = license.to_string(),
                ["usage", limit, kind, tenant, max, warns, period, resets, base, sums] => record.shares.push(Share {
                    limit: limit.to_string(),
                    kind: kind.to_string(),
                    per_tenant: tenant == "1",
                    max: if max.is_empty() { None } else { Some(max.parse().ok()?) },
                    warns: warns == "1",
                    period: Some(period).filter(|period| !period.is_empty()).map(ToString::to_string),
                    resets: if resets.is_empty() { None } else { Some(resets.parse().ok()?) },
                    base: base.parse().ok()?,
                    sums: sums.parse().ok()?,
                }),
                ["warning", reason, subject, text] => record.warnings.push(Warning {
                    reason: reason.to_string(),
                    subject: Some(subject).filter(|subject| !subject.is_empty()).map(ToString::to_string),
                    text: text.to_string(),
                }),
                _ => return None,
            }
        }
        (record.render() == text).then_some(record)
    }
}

/// Appends a line.
fn line(text: &mut String, fields: &[&str]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        encode(field, text);
    }
    text.push('\n');
}

fn high(usage: &Usage) -> Warning {
    let max = usage.max.unwrap_or(u64::MAX);
    Warning {
        reason: reason::USAGE_HIGH.to_string(),
        subject: Some(usage.limit.clone()),
        text: format!("{} of {max} of limit `{}` are used", usage.used, usage.limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let share = Share {
            limit: "tokens of\nall".into(),
            kind: "quota".into(),
            per_tenant: true,
            max: Some(u64::MAX),
            warns: true,
            period: Some("2026-11".into()),
            resets: Some(1_796_083_200_000),
            base: 7,
            sums: 2,
        };
        let unlimited =
            Share { limit: "é%".into(), max: None, per_tenant: false, sums: 0, period: None, ..share.clone() };
        let warning = Warning { reason: "expiry-grace".into(), subject: None, text: "license `a` has expired".into() };
        Record { license: "lic 1".into(), shares: Vec::from([share, unlimited]), warnings: Vec::from([warning]) }
    }

    #[test]
    fn what_was_written_reads_back() {
        assert_eq!(Record::parse(&record().render()), Some(record()));
    }

    #[test]
    fn a_text_that_differs_in_any_byte_is_another_record_or_none() {
        let text = record().render();
        for index in 0..text.len() {
            for byte in [b' ', b'\n', b'0', b'%', b'+', b'-', 0] {
                let mut bytes = text.clone().into_bytes();
                if bytes[index] == byte {
                    continue;
                }
                bytes[index] = byte;
                assert_ne!(Record::parse(&String::from_utf8(bytes).unwrap()), Some(record()), "byte {index}");
            }
            assert_ne!(Record::parse(&text[..index]), Some(record()));
        }
        for wrong in ["usage a quota 0 +1 1   0 0\n", "license a\r\n", "license a", "other\n", "license a\nlicense b\n"]
        {
            assert_eq!(Record::parse(wrong), None, "{wrong}");
        }
    }
}
