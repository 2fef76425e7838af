//! What one license is worth at a moment, by itself.
//!
//! Three graces, never mixed: *expiry grace* runs from `exp`, if the license grants it. *Validation grace* runs from the last moment
//! the document was seen valid, and lets its kept copy stand in; it never extends a license that ended. The *tolerance of a
//! check-in* runs from the day on which the vendor should have heard of the license.

use alloc::string::{String, ToString};

use crate::document::Source;
use crate::duration::MINUTE;
use crate::license::License;
use crate::notices::InForce;
use crate::reason;
use crate::types::Instant;
use crate::view::State;

/// A license may be issued so far ahead, because clocks differ.
const ISSUED_AHEAD: u64 = 5 * MINUTE;

/// The state of one license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) reason: String,
    /// When that changes by itself.
    pub(crate) until: Option<Instant>,
    /// When the tolerance for a check-in ends, where it runs.
    pub(crate) check_in_grace: Option<Instant>,
    /// When the expiry grace ends, where it runs.
    pub(crate) expiry_grace: Option<Instant>,
    /// When the validation grace ends, where it runs.
    pub(crate) validation_grace: Option<Instant>,
}

/// Judges a license that was read from a document.
pub(crate) fn of(license: &License, source: &Source, in_force: &InForce<'_>, now: Instant) -> Standing {
    if let Some(refusal) = &source.refusal {
        return Standing::plain(State::Invalid, &refusal.reason, None);
    }
    if in_force.revokes(license) {
        return Standing::plain(State::Revoked, reason::REVOKED, None);
    }
    let standing = placed(checked_in(by_time(license, now), license, in_force, now), license, in_force);
    let (Some(cause), true) = (&source.replaced, standing.state.usable() || standing.state == State::Pending) else {
        return standing;
    };
    let lapses = source.seen.map_or(0, |seen| seen.saturating_add(license.grace_validation));
    if now >= lapses {
        return Standing::plain(State::Invalid, &cause.reason, None);
    }
    let until = Some(standing.until.map_or(lapses, |until| until.min(lapses)));
    if standing.state == State::Pending {
        return Standing { until, ..standing };
    }
    Standing {
        state: State::Grace,
        reason: reason::VALIDATION_GRACE.to_string(),
        until,
        validation_grace: Some(lapses),
        ..standing
    }
}

/// The first instant at which the license does not hold whatever else happens; none: never.
pub(crate) fn end(license: &License) -> Option<Instant> {
    let end = license.expires.map(|expires| expires.saturating_add(license.grace_expiry));
    end.into_iter().chain(license.file_expires).min()
}

/// A license that holds, holds no longer than the file that it was handed out in.
fn by_time(license: &License, now: Instant) -> Standing {
    let standing = alone(license, now);
    match license.file_expires.filter(|_| standing.state.usable()) {
        None => standing,
        Some(end) if end <= now => Standing::plain(State::Expired, reason::FILE_EXPIRED, None),
        Some(end) => Standing { until: Some(standing.until.map_or(end, |until| until.min(end))), ..standing },
    }
}

/// Whatever file it is in.
fn alone(license: &License, now: Instant) -> Standing {
    let believable = license.issued.map_or(0, |issued| issued.saturating_sub(ISSUED_AHEAD));
    if now < believable {
        return Standing::plain(State::Pending, reason::ISSUED_IN_FUTURE, Some(believable));
    }
    if let Some(starts) = license.starts.filter(|starts| now < *starts) {
        return Standing::plain(State::Pending, reason::NOT_STARTED, Some(starts));
    }
    let (Some(expires), Some(end)) = (license.expires, end(license)) else {
        return Standing::plain(State::Active, reason::ACTIVE, None);
    };
    let warns = expires.saturating_sub(license.warn_expiring);
    if now < warns {
        Standing::plain(State::Active, reason::ACTIVE, Some(warns))
    } else if now < expires {
        Standing::plain(State::Expiring, reason::EXPIRING, Some(expires))
    } else if now < end {
        Standing { expiry_grace: Some(end), ..Standing::plain(State::Grace, reason::EXPIRY_GRACE, Some(end)) }
    } else {
        Standing::plain(State::Expired, reason::EXPIRED, None)
    }
}

/// Where a check-in is due, the license holds by its tolerance alone, and not at all after that; a receipt mends it.
fn checked_in(standing: Standing, license: &License, in_force: &InForce<'_>, now: Instant) -> Standing {
    let (Some(check_in), Some(due), true) = (license.check_in, in_force.due(license), standing.state.usable()) else {
        return standing;
    };
    let overdue = due.saturating_add(check_in.tolerance);
    let until = |change: Instant| Some(standing.until.map_or(change, |until| until.min(change)));
    if now < due {
        Standing { until: until(due), ..standing }
    } else if now < overdue {
        let reason = reason::CHECK_IN_DUE.to_string();
        Standing { state: State::Grace, reason, until: until(overdue), check_in_grace: Some(overdue), ..standing }
    } else {
        Standing::plain(State::Expired, reason::CHECK_IN_OVERDUE, None)
    }
}

/// Where as many other instances use the license as it allows, it will hold here once one of them has ended.
fn placed(standing: Standing, license: &License, in_force: &InForce<'_>) -> Standing {
    match in_force.excludes(license).filter(|_| standing.state.usable()) {
        None => standing,
        Some(reason) => Standing::plain(State::Pending, reason, standing.until),
    }
}

impl Standing {
    fn plain(state: State, reason: &str, until: Option<Instant>) -> Self {
        Self {
            state,
            reason: reason.to_string(),
            until,
            check_in_grace: None,
            expiry_grace: None,
            validation_grace: None,
        }
    }
}
