//! The figures of the installation as families of metrics: the one table that whatever is exported is made from.

mod family;
mod page;

use std::collections::BTreeMap;

use placet::{COMMIT_BOUNDS, Counts, Figures, Outcomes};

pub(crate) use self::family::{Family, Labels, Points};
pub(crate) use self::page::{MEDIA_TYPE, openmetrics};
use crate::otlp::Exports;
use crate::refusals::Refusals;

/// The states, one series each.
const STATES: [&str; 8] = ["missing", "invalid", "pending", "active", "expiring", "grace", "expired", "revoked"];

/// What is summed, in place of names that are not told apart.
const OTHER: &str = "other";

/// All of them, always in this order.
pub(crate) fn families(figures: &Figures, exports: &Exports, refusals: &Refusals) -> Vec<Family> {
    let mut families = decisions(figures);
    families.extend(license(figures));
    families.extend(running(figures, exports));
    let refused = refusals.counts().map(|(reason, count)| (vec![("reason", reason.to_owned())], count));
    families.push(Family::new(
        "refusals",
        "{request}",
        "Requests without a token that is known, or with one that is not for that, by reason",
        Points::counters(refused),
    ));
    families
}

fn decisions(figures: &Figures) -> Vec<Family> {
    let kinds = figures.decisions.iter().flat_map(|one| {
        outcomes(one.outcomes).map(|(outcome, count)| {
            (vec![("kind", one.kind.as_str().to_owned()), ("outcome", outcome.to_owned())], count)
        })
    });
    vec![
        Family::new(
            "requests",
            "{request}",
            "Requests, by tenant, by plan of the license they rest on, and by outcome",
            Points::counters(requests(figures)),
        ),
        Family::new("decisions", "{request}", "Requests, by what was asked and by outcome", Points::counters(kinds)),
        Family::new(
            "denials",
            "{request}",
            "Denials by the policy, by reason",
            Points::counters(counts("reason", &figures.denials)),
        ),
        Family::new(
            "failures",
            "{request}",
            "Requests that no decision could be made about, by reason",
            Points::counters(counts("reason", &figures.failures)),
        ),
        Family::new(
            "feature_blocked",
            "{request}",
            "Denied checks, by feature",
            Points::counters(counts("feature", &figures.features_blocked)),
        ),
        Family::new(
            "license_limit_exceeded",
            "{request}",
            "Charges, levels and seats that a limit had no room for, by limit",
            Points::counters(counts("limitCode", &figures.limits_exceeded)),
        )
        .unprefixed(),
    ]
}

fn license(figures: &Figures) -> Vec<Family> {
    let status = &figures.status;
    let states = STATES.map(|state| (vec![("state", state.to_owned())], i128::from(status.state == state)));
    let limit = |name: &str| vec![("limit", name.to_owned())];
    let used = status.usage.iter().map(|usage| (limit(&usage.limit), wide(usage.used)));
    let most = status.usage.iter().filter_map(|usage| Some((limit(&usage.limit), wide(usage.max?))));
    vec![
        Family::new(
            "tenants_active",
            "{tenant}",
            "Tenants that hold a seat of the limit tenants",
            Points::gauge(figures.tenants_active().map(wide)),
        ),
        Family::new(
            "days_until_expiry",
            "d",
            "Whole days until the licenses that hold end, negative after it",
            Points::gauge(status.days_until_expiry.map(i128::from)),
        ),
        Family::new("state", "", "1 for the state of the installation, 0 for the others", Points::gauges(states)),
        Family::new("usable", "", "Whether a license is usable", Points::gauge(Some(status.usable.into()))),
        Family::new(
            "grace_active",
            "",
            "Whether licenses hold by grace alone",
            Points::gauge(Some(figures.is_in_grace().into())),
        ),
        Family::new("limit_used", "", "What is used of a limit of the license as a whole", Points::gauges(used)),
        Family::new("limit_max", "", "The maximum of a limit; absent where it has none", Points::gauges(most)),
    ]
}

fn running(figures: &Figures, exports: &Exports) -> Vec<Family> {
    let (status, store) = (&figures.status, &figures.store);
    let policy = vec![("name", status.policy.name.clone()), ("version", status.policy.version.clone())];
    let reloads = [("loaded", figures.reloads.loaded), ("failed", figures.reloads.failed)];
    let refused = status.refused().count();
    let bounds = COMMIT_BOUNDS.iter().map(|micros| seconds(*micros)).chain([f64::INFINITY]);
    let commits = Points::Histogram { sum: seconds(store.commit_micros), classes: bounds.zip(store.commits).collect() };
    vec![
        Family::new(
            "policy_sequence",
            "",
            "The sequence of the policy that decides",
            Points::gauge(Some(wide(status.policy.sequence))),
        ),
        Family::new("policy", "", "The policy that decides", Points::Info(policy)),
        Family::new("reloads", "{reload}", "How often documents were read anew", Points::counters(ended(reloads))),
        Family::new(
            "documents_refused",
            "{document}",
            "Documents that do not hold as they are, refused or with a kept copy in their place",
            Points::gauge(i128::try_from(refused).ok()),
        ),
        Family::new("store_commit_seconds", "s", "How long the commits of the counters took", commits),
        Family::new(
            "store_errors",
            "{commit}",
            "Commits of the counters that failed",
            Points::counters([(Labels::new(), store.failed)]),
        ),
        Family::new(
            "otlp_exports",
            "{export}",
            "Exports of these figures by OTLP, by outcome",
            Points::counters(ended(exports.outcomes())),
        ),
        Family::new(
            "build",
            "",
            "The version of this service",
            Points::Info(vec![("version", figures.version.to_owned())]),
        ),
    ]
}

/// Each label set once: a tenant may be named as what is summed is.
fn requests(figures: &Figures) -> impl Iterator<Item = (Labels, u64)> {
    let mut sums: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let named = figures.requests.iter().map(|one| {
        let tenant = one.requester.tenant.as_deref().unwrap_or_default();
        (tenant, &*one.requester.plan, one.outcomes)
    });
    for (tenant, plan, ended) in named.chain([(OTHER, OTHER, figures.other_requests)]) {
        for (outcome, count) in outcomes(ended) {
            *sums.entry((tenant, plan, outcome)).or_default() += count;
        }
    }
    sums.into_iter().map(|((tenant, plan, outcome), count)| {
        let labels = [("tenant", tenant), ("plan", plan), ("outcome", outcome)];
        (labels.map(|(label, value)| (label, value.to_owned())).into(), count)
    })
}

fn counts(label: &'static str, counts: &Counts) -> impl Iterator<Item = (Labels, u64)> {
    let mut sums = counts.named.clone();
    *sums.entry(OTHER.to_owned()).or_default() += counts.other;
    sums.into_iter().map(move |(name, count)| (vec![(label, name)], count))
}

fn ended(outcomes: [(&str, u64); 2]) -> [(Labels, u64); 2] {
    outcomes.map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count))
}

fn outcomes(outcomes: Outcomes) -> [(&'static str, u64); 3] {
    [("allowed", outcomes.allowed), ("denied", outcomes.denied), ("failed", outcomes.failed)]
}

fn wide(value: u64) -> i128 {
    value.into()
}

#[expect(clippy::cast_precision_loss, reason = "a sum of microseconds is exact for 285 years")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
