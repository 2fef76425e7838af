//! What a document would change: what is gained by it, and what is lost.

use placet::{Document, Feature, LicenseStatus, Limit, Summary};
use serde_json::{Value, json};

use crate::output::table;
use crate::show::moment;

/// One status beside another.
pub(crate) struct Change<'a> {
    before: &'a LicenseStatus,
    after: &'a LicenseStatus,
    gained: Vec<String>,
    lost: Vec<String>,
}

impl<'a> Change<'a> {
    /// From what is to what would be.
    pub(crate) fn between(before: &'a LicenseStatus, after: &'a LicenseStatus) -> Self {
        let mut change = Self { before, after, gained: Vec::new(), lost: Vec::new() };
        change.licenses();
        change.features();
        change.limits();
        change.orders();
        change
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let state = match self.before.state == self.after.state {
            true => format!("{} (unchanged)", self.after.state),
            false => format!("{} -> {}", self.before.state, self.after.state),
        };
        let mut rows = vec![("state", state)];
        rows.extend(self.gained.iter().map(|gained| ("gained", gained.clone())));
        rows.extend(self.lost.iter().map(|lost| ("lost", lost.clone())));
        if rows.len() == 1 {
            rows.push(("gained", "nothing".to_owned()));
        }
        table(&rows)
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let told =
            |status: &LicenseStatus| json!({ "state": status.state, "reason": status.reason, "usable": status.usable });
        json!({ "before": told(self.before), "after": told(self.after), "gained": self.gained, "lost": self.lost })
    }

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
