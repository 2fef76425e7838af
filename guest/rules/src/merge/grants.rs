//! What several licenses grant together.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::license::{Enforce, License, LimitKind, LimitTerms};
use crate::merge::Judged;
use crate::resets::Resets;
use crate::sorted::sorted;
use crate::standing;
use crate::types::Instant;
use crate::view::{Budget, FeatureView, LimitView};

/// The account of whatever outlives a license.
pub const CUSTOMER: &str = "@customer";

/// Each feature, by the license that grants it longest; of equals the first by id. A grant that ended before its license is
/// still told, with its end.
pub(crate) fn features(judged: &[&Judged<'_>]) -> BTreeMap<String, FeatureView> {
    let mut features: BTreeMap<String, FeatureView> = BTreeMap::new();
    for one in judged {
        for (name, grant) in &one.license.features {
            let until = earliest([grant.expires, ends(one)]);
            let view = FeatureView { license: one.license.id.clone(), until };
            let rank = |view: &FeatureView| view.until.unwrap_or(Instant::MAX);
            match features.get_mut(name) {
                Some(best)
                    if rank(&view) > rank(best) || (rank(&view) == rank(best) && view.license < best.license) =>
                {
                    *best = view
                }
                Some(_) => {}
                None => {
                    features.insert(name.clone(), view);
                }
            }
        }
    }
    features
}

/// Each limit. Volumes and seats: a budget of each license, what ends first first, of equals by id. Levels and rates: the largest.
pub(crate) fn limits(judged: &[&Judged<'_>]) -> BTreeMap<String, LimitView> {
    let rank = |license: &License| license.expires.unwrap_or(Instant::MAX);
    let licenses = sorted(judged.iter().map(|one| one.license), |one, other| {
        rank(one).cmp(&rank(other)).then_with(|| one.id.cmp(&other.id))
    });
    let mut limits: BTreeMap<String, LimitView> = BTreeMap::new();
    for license in licenses {
        for (name, terms) in &license.limits {
            let warn = (terms.enforce != Enforce::Meter).then(|| terms.warn.unwrap_or(license.warn_usage));
            match limits.get_mut(name) {
                Some(limit) => join(limit, license, terms, warn),
                None => {
                    let budgets = Vec::from([budget(license, terms)]);
                    let limit =
                        LimitView { kind: terms.kind.clone(), undecided: terms.undecided.clone(), warn, budgets };
                    limits.insert(name.clone(), limit);
                }
            }
        }
    }
    limits
}

/// One more license that names the limit. Where the two cannot be told together, the limit is undecided: denied.
fn join(limit: &mut LimitView, license: &License, terms: &LimitTerms, warn: Option<u8>) {
    let budget = budget(license, terms);
    let mut conflicts: Vec<String> = terms.undecided.clone();
    if limit.kind != terms.kind {
        conflicts.push("kind-conflict".to_string());
    }
    limit.warn = [limit.warn, warn].into_iter().flatten().min();
    match (&limit.kind, limit.budgets.first_mut()) {
        (LimitKind::Gauge | LimitKind::Rate, Some(first)) => {
            if first.per_tenant != budget.per_tenant {
                conflicts.push("per-conflict".to_string());
            }
            let size = |budget: &Budget| (budget.ceiling, budget.max.is_none(), budget.max);
            if size(&budget) > size(first) {
                *first = budget;
            }
        }
        _ => limit.budgets.push(budget),
    }
    for conflict in conflicts {
        if !limit.undecided.contains(&conflict) {
            limit.undecided.push(conflict);
        }
    }
}

/// Whose counter a limit is counted on: a quota without a period is counted for its license; whatever outlives a license is counted for
/// the customer.
pub(crate) fn account(license: &License, terms: &LimitTerms) -> String {
    let periodic = terms.undecided.iter().any(|option| option == "reset" || option == "term");
    match &terms.account {
        Some(account) => account.clone(),
        None if terms.kind == LimitKind::Quota && !periodic => license.id.clone(),
        None => CUSTOMER.to_string(),
    }
}

fn budget(license: &License, terms: &LimitTerms) -> Budget {
    Budget {
        license: license.id.clone(),
        account: account(license, terms),
        resets: Resets::default(),
        max: terms.max,
        ceiling: terms.enforce.ceiling(terms.max),
        per_tenant: terms.per_tenant,
        refund: terms.refund,
        slack: terms.slack,
    }
}

/// When the license does not hold any more, whatever keeps it now.
fn ends(one: &Judged<'_>) -> Option<Instant> {
    earliest([standing::end(one.license), one.standing.check_in_grace, one.standing.validation_grace])
}

/// The first of these instants.
pub(crate) fn earliest(instants: impl IntoIterator<Item = Option<Instant>>) -> Option<Instant> {
    instants.into_iter().flatten().min()
}
