//! What may be shown of licenses and documents to anyone who asks: names, times and amounts; never a signature, a key or a payload.

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::document::Source;
use crate::license::{License, LimitTerms};
use crate::merge::{Judged, Merged};
use crate::notices::Notice;
use crate::reason;
use crate::sorted::sorted;
use crate::types::{Attribute, Document, Feature, Instant, Limit, Summary};
use crate::view::{Budget, LimitView, State, View, undecided};

/// Every license that was verified, by id.
pub(crate) fn licenses(judged: &[Judged<'_>]) -> Vec<Summary> {
    let shown = judged.iter().filter(|one| one.set_aside != Some(reason::DUPLICATE));
    sorted(shown.map(license), |one, other| (&one.id, &one.document).cmp(&(&other.id, &other.document)))
}

/// Every document that was on offer or kept, by name.
pub(crate) fn documents(sources: &[Source], judged: &[Judged<'_>]) -> Vec<Document> {
    sources.iter().map(|source| document(source, judged.iter().find(|one| one.source.name == source.name))).collect()
}

/// What the view grants now.
pub(crate) fn features(merged: &Merged<'_>) -> Vec<Feature> {
    let now = merged.view.from;
    let granted = merged.view.features.iter().filter(|(_, feature)| feature.until.is_none_or(|until| now < until));
    granted
        .map(|(name, feature)| Feature {
            name: name.clone(),
            license: feature.license.clone(),
            until: feature.until,
            details: merged
                .judged
                .iter()
                .find(|one| one.holds() && one.license.id == feature.license)
                .and_then(|one| one.license.features.get(name))
                .map_or_else(Vec::new, |grant| grant.details.clone()),
        })
        .collect()
}

/// The limits of the view, each with the sum of its budgets.
pub(crate) fn limits(view: &View) -> Vec<Limit> {
    if !view.usable {
        return Vec::new();
    }
    view.limits.iter().map(|(name, limit)| merged_limit(name, limit)).collect()
}

fn merged_limit(name: &str, limit: &LimitView) -> Limit {
    let granted = |budget: &Budget| budget.rate().map(|rate| rate.refill).or(budget.max);
    let max = limit.budgets.iter().try_fold(0_u64, |sum, budget| granted(budget).map(|max| sum.saturating_add(max)));
    Limit { name: name.to_string(), kind: limit.kind.as_str().to_string(), max, details: limit.details() }
}

fn own_limit(name: &str, terms: &LimitTerms) -> Limit {
    let mut details = undecided(&terms.undecided);
    details.extend(terms.details.iter().cloned());
    Limit { name: name.to_string(), kind: terms.kind.as_str().to_string(), max: terms.max, details }
}

fn license(one: &Judged<'_>) -> Summary {
    let license = one.license;
    Summary {
        id: license.id.clone(),
        document: license.document.clone(),
        state: one.standing.state.as_str().to_string(),
        reason: one.set_aside.map_or_else(|| one.standing.reason.clone(), ToString::to_string),
        issuer: license.issuer.clone(),
        customer: license.customer.clone(),
        product: license.product.clone(),
        plan: license.plan.clone(),
        key: license.key.clone(),
        issued: license.issued,
        starts: license.starts,
        expires: license.expires,
        features: license.features.keys().cloned().collect(),
        limits: license.limits.iter().map(|(name, terms)| own_limit(name, terms)).collect(),
        details: details(license, one.source, one.due),
    }
}

/// Instants are milliseconds since 1970.
fn details(license: &License, source: &Source, due: Option<Instant>) -> Vec<Attribute> {
    let mut details = Vec::from([
        Attribute::new("kind", license.kind.clone()),
        Attribute::new("algorithm", license.algorithm.clone()),
    ]);
    for (name, value) in [("sku", &license.sku), ("subject", &license.subject)] {
        if !value.is_empty() {
            details.push(Attribute::new(name, value.clone()));
        }
    }
    let numbers = [
        ("min_policy", license.min_policy),
        ("instances", license.scope.instances),
        ("maintenance", license.maintenance.map(|maintenance| maintenance.until)),
        ("check_in", due),
        ("file_expires", license.file_expires),
    ];
    details.extend(
        numbers.into_iter().filter_map(|(name, number)| number.map(|number| Attribute::new(name, number.to_string()))),
    );
    details.extend(license.requires.iter().map(|sku| Attribute::new("requires", sku.clone())));
    if let Some(refusal) = &source.refusal {
        details.extend(refusal.details.iter().cloned());
    }
    details.extend(license.details.iter().cloned());
    details
}

fn document(source: &Source, judged: Option<&Judged<'_>>) -> Document {
    let lapsed = judged.is_some_and(|one| one.standing.state == State::Invalid);
    let refusal = source.refusal.as_ref().or(source.replaced.as_ref());
    let set_aside = judged
        .and_then(|one| one.set_aside)
        .filter(|reason| ![reason::SUPERSEDED, reason::REQUIREMENT_MISSING].contains(reason));
    Document {
        name: source.name.clone(),
        kind: source.kind.as_str().to_string(),
        adopted: source.is_good() && !lapsed,
        recovered: source.replaced.is_some(),
        reason: match (refusal, set_aside) {
            (Some(refusal), _) => refusal.reason.clone(),
            (None, Some(reason)) => reason.to_string(),
            (None, None) => reason::ADOPTED.to_string(),
        },
        details: refusal
            .iter()
            .flat_map(|refusal| refusal.details.clone())
            .chain(source.notice.iter().flat_map(Notice::details))
            .collect(),
    }
}
