//! All licenses together, at a moment: which of them count, what they grant, and the state of the whole.
//!
//! The state is the best of those that count: active, expiring, grace, pending, expired, revoked, invalid, missing. One that will hold
//! later is better news than one that held once, for it mends itself.
//!
//! **A clock that was set back.** `now` never runs backwards, so a wall clock that is wrong can only lag behind it. By more than
//! [`TOLERANCE`] that is a warning; by more than the `grace.clock` of the licenses that hold (the longest of them), nothing is usable.
//! The lag alone decides, and nothing is remembered: while a clock is held, `now` runs on by the monotonic clock and the lag
//! grows by each running hour, so holding it gains the grace at most. A lag that stays small gains nothing, since time
//! goes on as fast as ever; and were it refused after a day, a machine whose clock once ran some minutes fast would be locked
//! out for good.

mod announced;
mod counting;
mod coverage;
mod grants;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

pub(crate) use self::announced::announce;
pub(crate) use self::counting::{Judged, judge};
pub(crate) use self::coverage::{Coverage, is_extra};
pub use self::grants::CUSTOMER;
pub(crate) use self::grants::{account, earliest};
use crate::claims::GRACE_CLOCK;
use crate::document::Source;
use crate::duration::MINUTE;
use crate::instant::to_text;
use crate::memory::Memory;
use crate::notices::{InForce, Kind};
use crate::reason;
use crate::types::{Duration, Instant, Time, Warning};
use crate::view::{State, View};

/// By so much clocks may differ.
pub const TOLERANCE: Duration = 5 * MINUTE;

/// All licenses at a moment.
pub(crate) struct Merged<'a> {
    /// Each license that was verified, in the order of the documents' names.
    pub(crate) judged: Vec<Judged<'a>>,
    /// What decisions are made from.
    pub(crate) view: View,
    /// The end of what holds in full.
    pub(crate) coverage: Option<Coverage>,
    /// When the state changes by itself. The view may end before, with a period of a limit.
    pub(crate) until: Option<Instant>,
}

impl<'a> Merged<'a> {
    /// Of documents that were settled.
    pub(crate) fn at(sources: &'a [Source], memory: &Memory, time: Time) -> Self {
        let judged = judge(sources, &InForce::of(sources, memory), time.now);
        let coverage = coverage::of(&judged);
        let mut view = view(&judged, coverage, sources, time);
        for (name, limit) in view.limits.iter_mut().chain(&mut view.ended) {
            limit.budgets.iter_mut().for_each(|budget| budget.resets = memory.resets(name, &budget.account));
        }
        let until = view.until;
        let budgets = view.limits.values().chain(view.ended.values()).flat_map(|limit| &limit.budgets);
        let periods = budgets.filter_map(|budget| budget.within.as_ref()).map(|within| Some(within.until()));
        view.until = earliest(periods.chain([until]));
        Self { judged, view, coverage, until }
    }

    /// The license that the state rests on: the best, the main one before its add-ons, what ends last, the first by id.
    pub(crate) fn leading(&self) -> Option<&Judged<'a>> {
        leading(&self.judged)
    }
}

fn view(judged: &[Judged<'_>], coverage: Option<Coverage>, sources: &[Source], time: Time) -> View {
    let (state, reason) = whole(judged, coverage, sources, time.now);
    let holding: Vec<&Judged<'_>> = judged.iter().filter(|one| one.holds()).collect();
    let ended: Vec<&Judged<'_>> = judged.iter().filter(|one| has_ended(one)).collect();
    let grace = holding.iter().map(|one| one.license.grace_clock).max().unwrap_or(GRACE_CLOCK);
    let (clock, lag) = clock(time, grace);
    let mut view = View {
        usable: state.usable(),
        state,
        reason,
        from: time.now,
        until: until(judged, coverage, time.now),
        lag,
        warnings: graces(&holding),
        features: grants::features(&holding),
        readable: BTreeSet::new(),
        limits: grants::limits(if holding.is_empty() { &ended } else { &holding }, time.now),
        ended: BTreeMap::new(),
    };
    if !holding.is_empty() {
        view.ended = grants::limits(&ended, time.now);
        view.ended.retain(|name, _| !view.limits.contains_key(name));
    }
    if ended.iter().any(|one| one.standing.state == State::Expired) {
        let had = ended.iter().filter(|one| one.standing.state == State::Expired || one.standing.state.usable());
        view.readable.extend(had.flat_map(|one| one.license.features.keys().cloned()));
    }
    view.warnings.extend(clock.warning());
    if let (Clock::Refused, true) = (clock, view.usable) {
        view.usable = false;
        view.state = State::Invalid;
        view.reason = reason::CLOCK_ROLLBACK.to_string();
        view.features = BTreeMap::new();
    }
    view
}

/// The state of the whole, and its reason.
fn whole(judged: &[Judged<'_>], coverage: Option<Coverage>, sources: &[Source], now: Instant) -> (State, String) {
    if let Some(coverage) = coverage {
        return match now < coverage.warns {
            true => (State::Active, reason::ACTIVE.to_string()),
            false => (State::Expiring, reason::EXPIRING.to_string()),
        };
    }
    match leading(judged) {
        Some(one) if one.standing.state != State::Invalid => (one.standing.state, one.standing.reason.clone()),
        _ => {
            let licenses = sources.iter().filter(|source| source.kind == Kind::License);
            let refused = licenses.filter_map(|source| source.refusal.as_ref().or(source.replaced.as_ref())).next();
            // What is superseded leaves what supersedes it.
            let set_aside = judged.iter().filter_map(|one| one.set_aside).max();
            match (refused, set_aside) {
                (Some(refusal), _) => (State::Invalid, refusal.reason.clone()),
                (None, Some(reason)) => (State::Invalid, reason.to_string()),
                (None, None) => (State::Missing, reason::MISSING.to_string()),
            }
        }
    }
}

fn leading<'b, 'a>(judged: &'b [Judged<'a>]) -> Option<&'b Judged<'a>> {
    judged.iter().filter(|one| one.set_aside.is_none()).min_by_key(|one| {
        let ends = one.license.expires.unwrap_or(Instant::MAX);
        (core::cmp::Reverse(one.standing.state), is_extra(one.license), core::cmp::Reverse(ends), &one.license.id)
    })
}

/// Held once and was verified, or would hold beside what it requires, which may have ended: what was used of it may be given back.
fn has_ended(one: &Judged<'_>) -> bool {
    let lapsed = one.standing.state == State::Invalid && one.source.refusal.is_none();
    let is_over = lapsed || matches!(one.standing.state, State::Expired | State::Revoked);
    match one.set_aside {
        None => is_over,
        Some(reason) => reason == reason::REQUIREMENT_MISSING && (is_over || one.standing.state.usable()),
    }
}

/// The next instant at which anything changes by itself. Licenses that are set aside count too: what sets them aside may end.
fn until(judged: &[Judged<'_>], coverage: Option<Coverage>, now: Instant) -> Option<Instant> {
    let licenses = judged.iter().filter(|one| one.source.refusal.is_none());
    let grants = licenses.flat_map(|one| one.license.features.values().map(|grant| grant.expires));
    let warns = coverage.filter(|coverage| coverage.end.is_some()).map(|coverage| coverage.warns);
    earliest(
        judged.iter().map(|one| one.standing.until).chain(grants).chain([warns]).filter(|instant| *instant > Some(now)),
    )
}

fn graces(holding: &[&Judged<'_>]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for one in holding {
        let id = &one.license.id;
        if let Some(until) = one.standing.expiry_grace {
            let text = format!("license `{id}` has expired and holds by grace until {}", to_text(until));
            warnings.push(Warning { reason: reason::EXPIRY_GRACE.to_string(), subject: None, text });
        }
        if let Some(until) = one.standing.check_in_grace {
            let text = format!(
                "the vendor of license `{id}` should have heard of it; install a receipt, or it stops to hold at {}",
                to_text(until)
            );
            warnings.push(Warning { reason: reason::CHECK_IN_DUE.to_string(), subject: None, text });
        }
        if let Some(until) = one.standing.validation_grace {
            let text = format!(
                "document `{}` of license `{id}` cannot be used; its kept copy stands in until {}",
                one.source.name,
                to_text(until)
            );
            warnings.push(Warning { reason: reason::VALIDATION_GRACE.to_string(), subject: None, text });
        }
    }
    warnings
}

/// What the machine's clock is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Fine,
    Behind,
    Refused,
}

fn clock(time: Time, grace: Duration) -> (Clock, RangeInclusive<Duration>) {
    let lag = time.now.saturating_sub(time.wall);
    let grace = grace.max(TOLERANCE);
    if lag <= TOLERANCE {
        (Clock::Fine, 0..=TOLERANCE)
    } else if lag <= grace {
        (Clock::Behind, TOLERANCE + 1..=grace)
    } else {
        (Clock::Refused, grace.saturating_add(1)..=Duration::MAX)
    }
}

impl Clock {
    /// Without a number, so that the text stays true for as long as the view does.
    fn warning(self) -> Option<Warning> {
        (self != Self::Fine).then(|| Warning {
            reason: reason::CLOCK_ROLLBACK.to_string(),
            subject: None,
            text: "the machine's clock was set back; set it right, or licenses stop to hold".to_string(),
        })
    }
}
