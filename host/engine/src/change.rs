//! What a document would change: what is gained by it, and what is lost.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Document, Feature, LicenseStatus, Limit, Summary};

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
    /// What would be there no more.
    pub lost: Vec<String>,
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
        let mut comparison = Comparison { before, after, gained: Vec::new(), lost: Vec::new() };
        comparison.licenses();
        comparison.features();
        comparison.limits();
        comparison.orders();
        let Comparison { gained, lost, .. } = comparison;
        Self { before: Standing::of(before), after: Standing::of(after), gained, lost }
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
            let told = format!("limit {}: {}", limit.name, maximum(limit));
            match find(self.before, &limit.name) {
                None => self.gained.push(told),
                Some(before) if max(limit) > max(before) => {
                    self.gained.push(format!("{told} (was {})", maximum(before)))
                }
                Some(before) if max(limit) < max(before) => self.lost.push(format!("{told} (was {})", maximum(before))),
                Some(_) => {}
            }
        }
        for limit in self.before.limits.iter().filter(|one| find(self.after, &one.name).is_none()) {
            self.lost.push(format!("limit {}: {}", limit.name, maximum(limit)));
        }
    }
}

/// What stands in an order; `limit` and `tenant`.
fn detail<'a>(order: &'a Document, name: &str) -> Option<&'a str> {
    order.details.iter().find(|detail| detail.name == name).map(|detail| &*detail.value)
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
