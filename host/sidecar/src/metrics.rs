//! The figures of the installation as OpenMetrics text, for Prometheus.

mod page;

use std::collections::BTreeMap;
use std::fmt;

use placet::{COMMIT_BOUNDS, Counts, Figures, Outcomes};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use self::page::{Labels, Page};

/// The media type of the text (OpenMetrics 1.0.0, section "Overall Structure").
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The states, one series each.
const STATES: [&str; 8] = ["missing", "invalid", "pending", "active", "expiring", "grace", "expired", "revoked"];

/// What is summed, in place of names that are not told apart.
const OTHER: &str = "other";

/// The text. The prefix stands before each name but one, with `_` for its dots.
///
/// # Errors
///
/// None but what formatting a text has: it is not reached.
pub(crate) fn openmetrics(figures: Figures, prefix: &str) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exported { figures, prefix: prefix.to_owned() }));
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Exported {
    figures: Figures,
    prefix: String,
}

impl Collector for Exported {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder, &self.prefix);
        decisions(&mut page, &self.figures)?;
        license(&mut page, &self.figures)?;
        running(&mut page, &self.figures)
    }
}

fn decisions(page: &mut Page<'_>, figures: &Figures) -> fmt::Result {
    page.counters(
        "requests",
        "Requests, by tenant, by plan of the license they rest on, and by outcome",
        requests(figures),
    )?;
    let kinds = figures.decisions.iter().flat_map(|one| {
        outcomes(one.outcomes).map(|(outcome, count)| {
            (vec![("kind", one.kind.as_str().to_owned()), ("outcome", outcome.to_owned())], count)
        })
    });
    page.counters("decisions", "Requests, by what was asked and by outcome", kinds)?;
    page.counters("denials", "Denials by the policy, by reason", counts("reason", &figures.denials))?;
    page.counters(
        "failures",
        "Requests that no decision could be made about, by reason",
        counts("reason", &figures.failures),
    )?;
    page.counters("feature_blocked", "Denied checks, by feature", counts("feature", &figures.features_blocked))?;
    let help = "Charges, levels and seats that a limit had no room for, by limit";
    page.unprefixed_counters("license_limit_exceeded", help, counts("limitCode", &figures.limits_exceeded))
}

fn license(page: &mut Page<'_>, figures: &Figures) -> fmt::Result {
    let status = &figures.status;
    page.gauges(
        "tenants_active",
        "Tenants that hold a seat of the limit tenants",
        one(figures.tenants_active().map(wide)),
    )?;
    let days = status.days_until_expiry.map(i128::from);
    page.gauges("days_until_expiry", "Whole days until the licenses that hold end, negative after it", one(days))?;
    let states = STATES.map(|state| (vec![("state", state.to_owned())], i128::from(status.state == state)));
    page.gauges("state", "1 for the state of the installation, 0 for the others", states)?;
    page.gauges("usable", "Whether a license is usable", one(Some(status.usable.into())))?;
    page.gauges("grace_active", "Whether licenses hold by grace alone", one(Some(figures.is_in_grace().into())))?;
    let limit = |name: &str| vec![("limit", name.to_owned())];
    let used = status.usage.iter().map(|usage| (limit(&usage.limit), wide(usage.used)));
    page.gauges("limit_used", "What is used of a limit of the license as a whole", used)?;
    let most = status.usage.iter().filter_map(|usage| Some((limit(&usage.limit), wide(usage.max?))));
    page.gauges("limit_max", "The maximum of a limit; absent where it has none", most)
}

fn running(page: &mut Page<'_>, figures: &Figures) -> fmt::Result {
    let status = &figures.status;
    page.gauges("policy_sequence", "The sequence of the policy that decides", one(Some(wide(status.policy.sequence))))?;
    let policy = vec![("name", status.policy.name.clone()), ("version", status.policy.version.clone())];
    page.info("policy", "The policy that decides", &policy)?;
    let reloads = [("loaded", figures.reloads.loaded), ("failed", figures.reloads.failed)];
    let reloads = reloads.map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count));
    page.counters("reloads", "How often documents were read anew", reloads)?;
    let refused = status.documents.iter().filter(|document| !document.adopted).count();
    page.gauges("documents_refused", "Documents that are there and do not hold", one(i128::try_from(refused).ok()))?;
    let bounds = COMMIT_BOUNDS.iter().map(|micros| seconds(*micros)).chain([f64::INFINITY]);
    let classes: Vec<_> = bounds.zip(figures.store.commits).collect();
    let help = "How long the commits of the counters took";
    page.histogram("store_commit_seconds", help, seconds(figures.store.commit_micros), &classes)?;
    page.counters("store_errors", "Commits of the counters that failed", [(Vec::new(), figures.store.failed)])?;
    page.info("build", "The version of this service", &vec![("version", figures.version.to_owned())])
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

fn outcomes(outcomes: Outcomes) -> [(&'static str, u64); 3] {
    [("allowed", outcomes.allowed), ("denied", outcomes.denied), ("failed", outcomes.failed)]
}

/// The only series of its name, if it is there.
fn one(value: Option<i128>) -> impl Iterator<Item = (Labels, i128)> {
    value.map(|value| (Labels::new(), value)).into_iter()
}

fn wide(value: u64) -> i128 {
    value.into()
}

#[expect(clippy::cast_precision_loss, reason = "a sum of microseconds is exact for 285 years")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
