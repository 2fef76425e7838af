//! What a document would change: what is gained by it, and what is lost.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Attribute, Document, Feature, LicenseStatus, Limit, Summary};

/// One status beside another: what [`crate::Placet::preview_install`] tells, beside how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// How it stands.
    pub before: Standing,
    /// How it would stand.
    pub after: Standing,
    /// What would be there that is not, for people: `feature sso`.
    pub gained: Vec<String>,
    /// What would be there no more, or be denied.
    pub lost: Vec<String>,
    /// What would be otherwise and is neither: a rate in another time, a license that adds nothing, or nothing yet.
    pub changed: Vec<String>,
}

/// A status in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Standing {
    /// As in [`LicenseStatus`].
    pub state: String,
    /// Why.
    pub reason: String,
    /// What is granted is granted.
    pub usable: bool,
}

impl Change {
    /// From what is to what would be.
    #[must_use]
    pub fn between(before: &LicenseStatus, after: &LicenseStatus) -> Self {
        let (gained, lost, changed) = Default::default();
        let mut comparison = Comparison { before, after, gained, lost, changed };
        comparison.licenses();
        comparison.ends();
        comparison.features();
        comparison.limits();
        comparison.orders();
        let Comparison { gained, lost, changed, .. } = comparison;
        Self { before: Standing::of(before), after: Standing::of(after), gained, lost, changed }
    }
}

impl Standing {
    fn of(status: &LicenseStatus) -> Self {
        Self { state: status.state.clone(), reason: status.reason.clone(), usable: status.usable }
    }
}

struct Comparison<'a> {
    before: &'a LicenseStatus,
    after: &'a LicenseStatus,
    gained: Vec<String>,
    lost: Vec<String>,
    changed: Vec<String>,
}

impl<'a> Comparison<'a> {
    fn licenses(&mut self) {
        let holding =
            |status: &'a LicenseStatus, id: &str| status.licenses.iter().any(|one| one.id == id && holds(one));
        for license in self.after.licenses.iter().filter(|one| holds(one) && !holding(self.before, &one.id)) {
            self.gained.push(format!("license {}", license.id));
        }
        for license in self.before.licenses.iter().filter(|one| holds(one) && !holding(self.after, &one.id)) {
            let left = self.after.licenses.iter().find(|left| left.id == license.id);
            let why = left.map_or("gone", |left| &left.reason);
            self.lost.push(format!("license {} ({why})", license.id));
        }
        let is_new = |license: &&Summary| {
            !self.before.licenses.iter().any(|one| one.id == license.id && (holds(one) || one.reason == license.reason))
        };
        for license in self.after.licenses.iter().filter(|one| !holds(one)).filter(is_new) {
            self.changed.push(match (&*license.state, license.starts, license.expires) {
                ("pending", Some(starts), _) => format!("license {} holds from {} on", license.id, moment(starts)),
                ("expired", _, Some(end)) => format!("license {} ended {}, it adds nothing", license.id, moment(end)),
                _ => format!("license {} adds nothing ({})", license.id, license.reason),
            });
        }
    }

    /// Licenses that hold before and after, and end or are to be checked in at another time.
    fn ends(&mut self) {
        let before = self.before.licenses.iter().filter(|one| holds(one));
        for (before, after) in before.filter_map(|before| {
            let after = self.after.licenses.iter().find(|after| after.id == before.id && holds(after))?;
            Some((before, after))
        }) {
            let due = |license: &Summary| attribute(&license.details, "check_in").and_then(|due| due.parse().ok());
            for (what, was, is) in
                [("until", before.expires, after.expires), ("to be checked in by", due(before), due(after))]
            {
                let told = format!("license {} {what} {} (was {})", after.id, end(is), end(was));
                match is.unwrap_or(u64::MAX).cmp(&was.unwrap_or(u64::MAX)) {
                    Ordering::Greater => self.gained.push(told),
                    Ordering::Less => self.lost.push(told),
                    Ordering::Equal => {}
                }
            }
        }
    }

    /// That an order was carried out before is not seen here: it is adopted then as well, and does nothing.
    fn orders(&mut self) {
        let here = |order: &Document| {
            self.before.documents.iter().any(|one| one.adopted && detail(one, "id") == detail(order, "id"))
        };
        for order in self.after.documents.iter().filter(|one| one.kind == "order" && one.adopted && !here(one)) {
            let tenant = detail(order, "tenant").map(|tenant| format!(" for tenant {tenant}")).unwrap_or_default();
            self.gained
                .push(format!("limit {}{tenant}: counted anew, once", detail(order, "limit").unwrap_or_default()));
        }
    }

    fn features(&mut self) {
        let find = |status: &'a LicenseStatus, name: &str| status.features.iter().find(|one| one.name == name);
        let until = |feature: &Feature| feature.until.unwrap_or(u64::MAX);
        for feature in &self.after.features {
            match find(self.before, &feature.name) {
                None => self.gained.push(format!("feature {}", feature.name)),
                Some(before) if until(feature) > until(before) => {
                    self.gained.push(format!("feature {} until {}", feature.name, end(feature.until)));
                }
                Some(before) if until(feature) < until(before) => {
                    self.lost.push(format!("feature {} from {} on", feature.name, end(feature.until)));
                }
                Some(_) => {}
            }
        }
        for feature in self.before.features.iter().filter(|one| find(self.after, &one.name).is_none()) {
            self.lost.push(format!("feature {}", feature.name));
        }
    }

    fn limits(&mut self) {
        let find = |status: &'a LicenseStatus, name: &str| status.limits.iter().find(|one| one.name == name);
        let max = |limit: &Limit| limit.max.map_or((1, 0), |max| (0, max));
        for limit in &self.after.limits {
            let before = find(self.before, &limit.name);
            if let Some(why) = values(limit, UNDECIDED) {
                // It is denied, whatever its maximum.
                if before.is_none_or(|before| attribute(&before.details, UNDECIDED).is_none()) {
                    self.lost.push(format!("limit {}: it cannot be decided ({why})", limit.name));
                }
                continue;
            }
            let told = format!("limit {}: {}", limit.name, maximum(limit));
            match before.filter(|before| attribute(&before.details, UNDECIDED).is_none()) {
                None => self.gained.push(told),
                Some(before) => {
                    match max(limit).cmp(&max(before)) {
                        Ordering::Greater => self.gained.push(format!("{told} (was {})", maximum(before))),
                        Ordering::Less => self.lost.push(format!("{told} (was {})", maximum(before))),
                        Ordering::Equal => {}
                    }
                    self.terms(before, limit);
                }
            }
        }
        for limit in self.before.limits.iter().filter(|one| find(self.after, &one.name).is_none()) {
            self.lost.push(format!("limit {}: {}", limit.name, maximum(limit)));
        }
    }

    /// What a limit says beside its maximum.
    fn terms(&mut self, before: &Limit, after: &Limit) {
        let names = before.details.iter().chain(&after.details).map(|detail| &*detail.name);
        for name in names.chain(["kind"]).collect::<BTreeSet<_>>() {
            let [was, is] = [before, after].map(|limit| match name {
                "kind" => limit.kind.clone(),
                _ => values(limit, name).unwrap_or_else(|| unsaid(name).to_owned()),
            });
            if was != is {
                self.changed.push(format!("limit {}: {name} {is} (was {was})", after.name));
            }
        }
    }
}

/// The detail of a limit that is denied.
const UNDECIDED: &str = "undecided";

/// What stands in an order; `limit` and `tenant`.
fn detail<'a>(order: &'a Document, name: &str) -> Option<&'a str> {
    attribute(&order.details, name)
}

/// What the licenses say of a limit under a name; where they differ, each of it.
fn values(limit: &Limit, name: &str) -> Option<String> {
    let values = limit.details.iter().filter(|detail| detail.name == name).map(|detail| &*detail.value);
    Some(values.collect::<Vec<_>>().join(", ")).filter(|values| !values.is_empty())
}

/// What holds where a license says nothing.
fn unsaid(name: &str) -> &str {
    if name == "enforce" { "hard" } else { "none" }
}

fn attribute<'a>(details: &'a [Attribute], name: &str) -> Option<&'a str> {
    details.iter().find(|detail| detail.name == name).map(|detail| &*detail.value)
}

/// Does it count? One that was set aside has the state that it would have alone.
fn holds(license: &Summary) -> bool {
    matches!(&*license.state, "active" | "expiring" | "grace")
        && !matches!(&*license.reason, "superseded" | "duplicate" | "duplicate-id" | "requirement-missing")
}

fn end(until: Option<u64>) -> String {
    until.map_or_else(|| "for ever".to_owned(), moment)
}

fn maximum(limit: &Limit) -> String {
    limit.max.map_or_else(|| "unlimited".to_owned(), |max| max.to_string())
}

fn moment(instant: u64) -> String {
    let timestamp = i64::try_from(instant).ok().and_then(|instant| Timestamp::from_millisecond(instant).ok());
    timestamp.map_or_else(|| instant.to_string(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(details: &[(&str, &str)]) -> Vec<Attribute> {
        details.iter().map(|(name, value)| Attribute { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
    }

    fn limit(name: &str, max: Option<u64>, details: &[(&str, &str)]) -> Limit {
        Limit { name: name.to_owned(), kind: "quota".to_owned(), max, details: attributes(details) }
    }

    fn license(expires: Option<u64>, details: &[(&str, &str)]) -> Summary {
        let text = String::new;
        Summary {
            id: "lic".to_owned(),
            state: "active".to_owned(),
            reason: "active".to_owned(),
            expires,
            details: attributes(details),
            document: text(),
            issuer: text(),
            customer: text(),
            product: text(),
            plan: text(),
            key: text(),
            issued: None,
            starts: None,
            features: Vec::new(),
            limits: Vec::new(),
        }
    }

    fn status(license: Summary, limits: Vec<Limit>) -> LicenseStatus {
        LicenseStatus {
            usable: true,
            state: "active".to_owned(),
            reason: "active".to_owned(),
            until: None,
            evaluated: 0,
            licenses: vec![license],
            features: Vec::new(),
            limits,
            documents: Vec::new(),
            warnings: Vec::new(),
            details: Vec::new(),
        }
    }

    #[test]
    fn a_limit_that_would_be_denied_is_lost_whatever_its_maximum() {
        let before = status(license(None, &[]), vec![limit("tokens", Some(100), &[]), limit("seats", Some(5), &[])]);
        let undecided = [("undecided", "moon")];
        let after = status(license(None, &[]), vec![limit("tokens", Some(300), &undecided), limit("seats", None, &[])]);
        let change = Change::between(&before, &after);
        assert_eq!(change.lost, ["limit tokens: it cannot be decided (moon)"]);
        assert_eq!(change.gained, ["limit seats: unlimited (was 5)"]);
        assert_eq!(Change::between(&after, &before).gained, ["limit tokens: 100"]);
        assert_eq!(Change::between(&after, &after).lost, [""; 0]);
    }

    #[test]
    fn another_end_check_in_or_time_of_a_rate_is_told() {
        let before =
            status(license(Some(0), &[("check_in", "2000")]), vec![limit("rate", Some(5), &[("every", "1s")])]);
        let after = status(
            license(Some(86_400_000), &[("check_in", "1000")]),
            vec![limit("rate", Some(5), &[("every", "1m"), ("per", "tenant")])],
        );
        let change = Change::between(&before, &after);
        assert_eq!(change.gained, ["license lic until 1970-01-02T00:00:00Z (was 1970-01-01T00:00:00Z)"]);
        assert_eq!(change.lost, ["license lic to be checked in by 1970-01-01T00:00:01Z (was 1970-01-01T00:00:02Z)"]);
        assert_eq!(change.changed, ["limit rate: every 1m (was 1s)", "limit rate: per tenant (was none)"]);
        let same = Change::between(&before, &before);
        assert!(same.gained.is_empty() && same.lost.is_empty() && same.changed.is_empty(), "{same:?}");
    }

    #[test]
    fn a_license_that_adds_nothing_or_nothing_yet_is_told() {
        let of = |state: &str, id: &str| Summary {
            id: id.to_owned(),
            state: state.to_owned(),
            reason: state.to_owned(),
            starts: Some(86_400_000),
            expires: Some(172_800_000),
            ..license(None, &[])
        };
        let before = status(of("active", "now"), vec![]);
        for (state, told) in [
            ("pending", "license next holds from 1970-01-02T00:00:00Z on"),
            ("expired", "license next ended 1970-01-03T00:00:00Z, it adds nothing"),
            ("revoked", "license next adds nothing (revoked)"),
        ] {
            let both = vec![of("active", "now"), of(state, "next")];
            let after = LicenseStatus { licenses: both, ..before.clone() };
            assert_eq!(Change::between(&before, &after).changed, [told]);
            assert_eq!(Change::between(&after, &after).changed, [""; 0]);
        }
        // What held and does not is lost, and told once.
        let gone = Change::between(&before, &status(of("expired", "now"), vec![]));
        assert_eq!((gone.lost.len(), gone.changed.len()), (1, 0));
    }

    #[test]
    fn other_terms_of_a_limit_are_told_whatever_its_maximum() {
        let of = |kind: &str, max, details: &[(&str, &str)]| {
            status(license(None, &[]), vec![Limit { kind: kind.to_owned(), ..limit("tokens", max, details) }])
        };
        let before = of("quota", Some(5), &[("reset", "month")]);
        let after = of("quota", Some(6), &[("enforce", "meter"), ("reset", "year"), ("reset", "day")]);
        let change = Change::between(&before, &after);
        assert_eq!(change.gained, ["limit tokens: 6 (was 5)"]);
        let changed = ["limit tokens: enforce meter (was hard)", "limit tokens: reset year, day (was month)"];
        assert_eq!(change.changed, changed);
        let gauge = Change::between(&before, &of("gauge", Some(5), &[("enforce", "hard")])).changed;
        assert_eq!(gauge, ["limit tokens: kind gauge (was quota)", "limit tokens: reset none (was month)"]);
    }
}
