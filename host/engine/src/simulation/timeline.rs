//! What happened while the time went on, in its order.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Simulation;
use super::plan::{Plan, STEP};
use crate::bindings::exports::placet::policy::types::Status as LicenseStatus;
use crate::error::Failure;
use crate::{Decision, Usage, Warning};

/// So many samples of each limit are kept at the most, evenly spread.
const SAMPLES: u64 = 500;

/// A simulated stretch of time. Instants are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// Where it begins.
    pub from: u64,
    /// Where it ends.
    pub until: u64,
    /// What happened, the state at the beginning first.
    pub events: Vec<Event>,
    /// What is used at the end.
    pub usage: Vec<Usage>,
    /// By limit, those of which something was refused.
    pub refused: Vec<Refusals>,
    /// How usage went, for a picture.
    #[serde(skip)]
    pub samples: Vec<Sample>,
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    pub at: u64,
    /// What.
    pub kind: EventKind,
    /// As in the table of reasons; of a reset the new period.
    pub reason: String,
    /// The limit or feature; none: the license as a whole.
    pub subject: Option<String>,
    /// One line for a person.
    pub text: String,
}

/// What can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The state, its reason, or whether the product is usable.
    State,
    /// A warning that was not there before.
    Warning,
    /// A warning that is not there any more.
    Cleared,
    /// A feature that is granted from now on.
    Granted,
    /// A feature that is not granted any more.
    Ended,
    /// A new period of a limit.
    Reset,
    /// The first request that is refused, after one that was allowed.
    Refused,
    /// The first that is allowed again.
    Allowed,
}

/// What was refused of one limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusals {
    /// Its name.
    pub limit: String,
    /// When for the first time.
    pub first: u64,
    /// How many requests.
    pub requests: u64,
    /// How many units.
    pub units: u64,
}

/// What was used of a limit at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: u64,
    /// Its name.
    pub limit: String,
    /// Units.
    pub used: u64,
    /// None: unlimited.
    pub max: Option<u64>,
}

pub(super) fn run(mut simulation: Simulation, plan: &Plan, mut progress: impl FnMut(u64)) -> Result<Timeline, Failure> {
    let from = simulation.now();
    let until = plan.until.max(from);
    let mut watch = Watch { sample_every: (until - from) / SAMPLES, ..Watch::default() };
    let mut status_due = watch.status(from, &simulation.status()?);
    let mut reset_due = watch.usage(from, &usage(&simulation, plan)?);
    let steps = plan.usage.iter().any(|pace| pace.amount > 0);
    let mut step = 1;
    loop {
        let step_due = steps.then(|| from.saturating_add(STEP.saturating_mul(step)));
        let Some(now) = [status_due, reset_due, step_due].into_iter().flatten().min().filter(|due| *due <= until)
        else {
            break;
        };
        simulation.advance_to(now);
        // What changes by itself, changes before somebody asks.
        let changes = status_due == Some(now);
        if changes {
            status_due = watch.status(now, &simulation.status()?);
        }
        // Limits that began with a license have resets of their own.
        if changes || reset_due == Some(now) {
            reset_due = watch.usage(now, &usage(&simulation, plan)?);
        }
        if step_due == Some(now) {
            for pace in &plan.usage {
                let units = pace.in_step(step);
                if units > 0 {
                    let answer = simulation.consume(&pace.limit, units, plan.tenant.as_deref());
                    watch.answer(now, &pace.limit, units, answer);
                }
            }
            step += 1;
        }
        watch.sample(now);
        progress(now);
    }
    simulation.advance_to(until);
    let usage = usage(&simulation, plan)?;
    watch.usage(until, &usage);
    watch.sample_every = 0;
    watch.sample(until);
    let refused = watch.asked.into_values().filter_map(|asked| asked.refusals).collect();
    Ok(Timeline { from, until, events: watch.events, usage, refused, samples: watch.samples })
}

/// Of the license as a whole, and of the plan's tenant.
fn usage(simulation: &Simulation, plan: &Plan) -> Result<Vec<Usage>, Failure> {
    let mut usage = simulation.usage(None)?;
    if plan.tenant.is_some() {
        let own = simulation.usage(plan.tenant.as_deref())?;
        usage.retain(|whole| !own.iter().any(|own| own.limit == whole.limit));
        usage.extend(own);
    }
    Ok(usage)
}

/// What was seen last, to be compared with what is seen now.
#[derive(Default)]
struct Watch {
    events: Vec<Event>,
    samples: Vec<Sample>,
    state: Option<(String, String, bool)>,
    /// By reason and subject: the text may count days.
    warnings: BTreeMap<(String, Option<String>), Warning>,
    features: Vec<String>,
    limits: BTreeMap<String, Usage>,
    asked: BTreeMap<String, Asked>,
    sample_every: u64,
    sampled: Option<u64>,
}

/// How requests for one limit went.
#[derive(Default)]
struct Asked {
    refusals: Option<Refusals>,
    /// Since the last one that was allowed.
    in_a_row: u64,
    warnings: Vec<Warning>,
}

impl Watch {
    /// When the policy must be asked again.
    fn status(&mut self, now: u64, status: &LicenseStatus) -> Option<u64> {
        let first = self.state.is_none();
        let state = (status.state.clone(), status.reason.clone(), status.usable);
        if self.state.as_ref() != Some(&state) {
            let usable = if status.usable { "usable" } else { "not usable" };
            self.tell(now, EventKind::State, &status.reason, None, format!("{}, {usable}", status.state));
            self.state = Some(state);
        }
        let before = std::mem::take(&mut self.warnings);
        for warning in &status.warnings {
            let key = (warning.reason.clone(), warning.subject.clone());
            if !before.contains_key(&key) {
                self.tell(now, EventKind::Warning, &warning.reason, warning.subject.clone(), warning.text.clone());
            }
            self.warnings.insert(key, warning.clone());
        }
        for ((reason, subject), warning) in before {
            if !self.warnings.contains_key(&(reason.clone(), subject.clone())) {
                self.tell(now, EventKind::Cleared, &reason, subject, warning.text);
            }
        }
        let features: Vec<String> = status.features.iter().map(|feature| feature.name.clone()).collect();
        let before = std::mem::replace(&mut self.features, features.clone());
        for name in before.iter().filter(|name| !features.contains(name)) {
            self.tell(now, EventKind::Ended, &status.reason, Some(name.clone()), format!("feature `{name}` ends"));
        }
        for name in features.iter().filter(|name| !first && !before.contains(name)) {
            self.tell(now, EventKind::Granted, &status.reason, Some(name.clone()), format!("feature `{name}` begins"));
        }
        status.until.map(|until| later(now, until))
    }

    /// When the next period begins.
    fn usage(&mut self, now: u64, usage: &[Usage]) -> Option<u64> {
        for one in usage {
            self.limit(now, one);
        }
        usage.iter().filter_map(|one| one.resets).min().map(|resets| later(now, resets))
    }

    fn limit(&mut self, now: u64, usage: &Usage) {
        let before = self.limits.insert(usage.limit.clone(), usage.clone());
        if let (Some(before), Some(period)) = (before, &usage.period)
            && before.period.as_ref() != Some(period)
        {
            let old = before.period.as_deref().unwrap_or("the one before");
            let text = format!("period {period} of `{}` begins; {} of {old}", usage.limit, counted(&before));
            self.tell(now, EventKind::Reset, period, Some(usage.limit.clone()), text);
        }
    }

    fn answer(&mut self, now: u64, limit: &str, units: u64, answer: Result<Decision, Failure>) {
        let (allowed, reason, decision) = match answer {
            Ok(decision) => (decision.allowed, decision.reason.clone(), Some(decision)),
            Err(failure) => (false, failure.reason().to_owned(), None),
        };
        let usage = decision.as_ref().and_then(|decision| decision.usage.iter().find(|usage| usage.limit == limit));
        if let Some(usage) = usage {
            self.limit(now, usage);
        }
        let used = usage.map(counted);
        let subject = Some(limit.to_owned());
        let mut told = Vec::new();
        let asked = self.asked.entry(limit.to_owned()).or_default();
        if allowed {
            if asked.in_a_row > 0 {
                let text = format!("requests are allowed again, after {} that were refused", asked.in_a_row);
                told.push((EventKind::Allowed, reason, text));
                asked.in_a_row = 0;
            }
            let warnings = decision.map(|decision| decision.warnings).unwrap_or_default();
            // What it says of the license as a whole, the status says as well.
            let is_new = |warning: &&Warning| {
                warning.subject.as_deref() == Some(limit)
                    && !asked.warnings.iter().any(|before| before.reason == warning.reason)
            };
            for warning in warnings.iter().filter(is_new) {
                told.push((EventKind::Warning, warning.reason.clone(), warning.text.clone()));
            }
            asked.warnings = warnings;
        } else {
            if asked.in_a_row == 0 {
                let used = used.map(|used| format!(": {used}")).unwrap_or_default();
                told.push((EventKind::Refused, reason, format!("a request for {units} is refused{used}")));
            }
            asked.in_a_row += 1;
            let none = || Refusals { limit: limit.to_owned(), first: now, requests: 0, units: 0 };
            let refusals = asked.refusals.get_or_insert_with(none);
            refusals.requests += 1;
            refusals.units = refusals.units.saturating_add(units);
        }
        for (kind, reason, text) in told {
            self.tell(now, kind, &reason, subject.clone(), text);
        }
    }

    fn sample(&mut self, now: u64) {
        if self.sampled.is_some_and(|sampled| now < sampled.saturating_add(self.sample_every)) {
            return;
        }
        self.sampled = Some(now);
        let sample = |usage: &Usage| Sample { at: now, limit: usage.limit.clone(), used: usage.used, max: usage.max };
        self.samples.extend(self.limits.values().map(sample));
    }

    fn tell(&mut self, at: u64, kind: EventKind, reason: &str, subject: Option<String>, text: String) {
        self.events.push(Event { at, kind, reason: reason.to_owned(), subject, text });
    }
}

/// A policy that names a time which is over is asked again after a step, so that the time goes on.
fn later(now: u64, due: u64) -> u64 {
    if due > now { due } else { now.saturating_add(STEP) }
}

fn counted(usage: &Usage) -> String {
    match usage.max {
        Some(max) => format!("{} of {max} used", usage.used),
        None => format!("{} used", usage.used),
    }
}
