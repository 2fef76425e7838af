//! What several licenses grant together.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::license::{Enforce, License, LimitKind, LimitTerms, Rate, Stretch};
use crate::merge::Judged;
use crate::merge::coverage::adds;
use crate::resets::Resets;
use crate::sorted::sorted;
use crate::standing;
use crate::term::Window;
use crate::types::{Attribute, Instant};
use crate::view::{Budget, FeatureView, HeldAs, LimitView, Rollover, Within};

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

/// Each limit. Volumes and seats: a budget of each license, what ends first first, of equals by id. Levels and rates: the largest; of
/// rates, the one that brings the most in the long run, and of equals the one with the larger bucket. Volumes of one period too, but
/// for add-ons and top-ups, which come on top: a renewal that overlaps opens no second budget.
///
/// What cannot be decided is left out beside what can; of two that contradict each other one that adds to another gives way, then the one
/// issued later, for the other one was there before. So no license takes from another what that one grants. Where none can be decided,
/// the limit is undecided: denied.
pub(crate) fn limits(judged: &[&Judged<'_>], now: Instant) -> BTreeMap<String, LimitView> {
    let rank = |license: &License| (adds(license), license.issued);
    let licenses = sorted(judged.iter().map(|one| one.license), |one, other| {
        rank(one).cmp(&rank(other)).then_with(|| one.id.cmp(&other.id))
    });
    let mut limits: BTreeMap<String, LimitView> = BTreeMap::new();
    for license in licenses {
        for (name, terms) in &license.limits {
            let warn = terms.warn.or((terms.kind != LimitKind::Rate).then_some(license.warn_usage));
            let warn = warn.filter(|_| terms.enforce != Enforce::Meter);
            let budget = budget(license, terms, now);
            let mut undecided = terms.undecided.clone();
            if terms.stretch.is_some() && budget.within.is_none() {
                undecided.push("calendar-ended".to_string());
            }
            let view = LimitView {
                kind: terms.kind.clone(),
                undecided,
                warn,
                budgets: Vec::from([budget]),
                left_out: Vec::new(),
            };
            match limits.get_mut(name) {
                Some(limit) => join(limit, view),
                None => drop(limits.insert(name.clone(), view)),
            }
        }
    }
    limits
}

/// One more license that names the limit.
fn join(limit: &mut LimitView, mut other: LimitView) {
    if !limit.undecided.is_empty() && other.undecided.is_empty() {
        core::mem::swap(limit, &mut other);
        limit.left_out.append(&mut other.left_out);
    } else if limit.undecided.is_empty() && other.undecided.is_empty() {
        let contradicts = |budget: &Budget| {
            let mut same = limit.budgets.iter().filter(|one| is_same(&limit.kind, one, budget));
            same.any(|one| one.per_tenant != budget.per_tenant)
        };
        if limit.kind != other.kind {
            other.undecided.push("kind-conflict".to_string());
        } else if other.budgets.iter().any(contradicts) {
            other.undecided.push("per-conflict".to_string());
        }
    }
    let is_decided = limit.undecided.is_empty();
    let why = other.undecided.join(", ");
    if is_decided && !why.is_empty() {
        let out = other.budgets.into_iter().map(|budget| Attribute { name: budget.license, value: why.clone() });
        limit.left_out.extend(out);
        return;
    }
    limit.undecided.extend(other.undecided);
    limit.warn = [limit.warn, other.warn].into_iter().flatten().min();
    for budget in other.budgets {
        join_budget(limit, budget);
    }
}

/// Of two that are told together, the larger counts.
fn join_budget(limit: &mut LimitView, budget: Budget) {
    let rank = |one: &Budget, other: &Budget| {
        let ends = |budget: &Budget| budget.ends.unwrap_or(Instant::MAX);
        (ends(one), &one.license) < (ends(other), &other.license)
    };
    let LimitView { kind, budgets, .. } = limit;
    match budgets.iter_mut().find(|other| is_same(kind, other, &budget)) {
        Some(other) if is_larger(&budget, other) || (!is_larger(other, &budget) && rank(&budget, other)) => {
            *other = budget
        }
        Some(_) => {}
        None => {
            let place = budgets.partition_point(|other| rank(other, &budget));
            budgets.insert(place, budget);
        }
    }
}

/// Are these told together, so that one of them counts?
fn is_same(kind: &LimitKind, one: &Budget, other: &Budget) -> bool {
    match kind {
        LimitKind::Gauge | LimitKind::Rate => true,
        LimitKind::Seats => is_same_pool(one, other),
        LimitKind::Quota | LimitKind::Other(_) => is_same_period(one, other),
    }
}

/// Wherever the periods begin: two that overlap have one budget at each moment.
fn is_same_period(one: &Budget, other: &Budget) -> bool {
    let is_same = match (&one.within, &other.within) {
        (Some(Within::Period { length, .. }), Some(Within::Period { length: others, .. })) => length == others,
        (Some(Within::Term(window)), Some(Within::Term(others))) => window.term == others.term,
        _ => false,
    };
    !one.extra && !other.extra && one.account == other.account && is_same
}

/// Of two that hold for themselves, as when a renewal overlaps.
fn is_same_pool(one: &Budget, other: &Budget) -> bool {
    !one.extra && !other.extra && one.account == other.account && one.per_tenant == other.per_tenant
}

/// Whose counter a limit is counted on: a quota without a period is counted for its license; whatever outlives a license is counted for
/// the customer.
pub(crate) fn account(license: &License, terms: &LimitTerms) -> String {
    match &terms.account {
        Some(account) => account.clone(),
        None if terms.kind == LimitKind::Quota && terms.stretch.is_none() => license.id.clone(),
        None => CUSTOMER.to_string(),
    }
}

/// Of two rates one that denies nothing is the larger, then the one that brings more in the long run, then the one that bursts higher.
fn is_larger(one: &Budget, other: &Budget) -> bool {
    let size = |budget: &Budget| (budget.ceiling, budget.max.is_none(), budget.max);
    match (one.held_as, other.held_as) {
        (HeldAs::Bucket { rate, enforce }, HeldAs::Bucket { rate: rival, enforce: rivals }) => {
            let brings = |rate: Rate, other: Rate| u128::from(rate.refill) * u128::from(other.every);
            (enforce.is_open(), brings(rate, rival), size(one)) > (rivals.is_open(), brings(rival, rate), size(other))
        }
        _ => size(one) > size(other),
    }
}

fn budget(license: &License, terms: &LimitTerms, now: Instant) -> Budget {
    let within = terms.stretch.as_ref().and_then(|stretch| within(stretch, license, now));
    let (held_as, max) = match (&terms.kind, terms.rate) {
        (_, Some(rate)) => (HeldAs::Bucket { rate, enforce: terms.enforce }, Some(rate.burst)),
        (LimitKind::Rate, None) => (HeldAs::Nothing, None),
        (LimitKind::Seats, None) => (HeldAs::Pool { ttl: terms.ttl }, terms.max),
        _ => (HeldAs::Counter, terms.max),
    };
    let ceiling = match terms.rate {
        Some(rate) if terms.enforce.is_open() => rate.burst,
        _ => terms.enforce.ceiling(max),
    };
    Budget {
        license: license.id.clone(),
        account: account(license, terms),
        resets: Resets::default(),
        ends: earliest([license.expires, within.as_ref().map(Within::until)]),
        extra: adds(license),
        within,
        held_as,
        max,
        ceiling,
        per_tenant: terms.per_tenant,
        refund: terms.refund,
        slack: terms.slack,
        terms: terms.details.clone(),
    }
}

/// The period or window at a moment. None: there is none any more.
fn within(stretch: &Stretch, license: &License, now: Instant) -> Option<Within> {
    let (calendar, most) = match stretch {
        Stretch::Calendar { calendar, rollover } => (calendar, *rollover),
        Stretch::Term(term) => return Window::at(*term, now).map(Within::Term),
    };
    let period = calendar.at(now)?;
    let rollover = match (most, calendar.at(period.from.saturating_sub(1)), calendar.at(period.until)) {
        (1.., Some(before), Some(after)) => {
            // Nothing is left of a period in which nothing was granted.
            let held = license.starts.or(license.issued).is_some_and(|start| start < period.from);
            Some(Rollover { units: if held { most } else { 0 }, before: before.label, after: after.label })
        }
        _ => None,
    };
    let shown = calendar.show(period.until)?;
    let length = calendar.length();
    Some(Within::Period { label: period.label, length, until: period.until, shown, rollover })
}

/// When the license does not hold any more, whatever keeps it now.
fn ends(one: &Judged<'_>) -> Option<Instant> {
    earliest([standing::end(one.license), one.standing.check_in_grace, one.standing.validation_grace])
}

/// The first of these instants.
pub(crate) fn earliest(instants: impl IntoIterator<Item = Option<Instant>>) -> Option<Instant> {
    instants.into_iter().flatten().min()
}
