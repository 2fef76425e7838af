//! Until when the licenses carry on without a gap.

use crate::license::License;
use crate::merge::Judged;
use crate::reason;
use crate::sorted::sorted;
use crate::types::{Duration, Instant};
use crate::view::State;

/// The end of the chain of licenses that follow one another, and how long before it to warn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// None: it never ends.
    pub(crate) end: Option<Instant>,
    /// Warn from here on.
    pub(crate) warns: Instant,
}

/// Follows the chain from the licenses that hold in full: one that starts before they end, or just then, carries on. Add-ons, top-ups and
/// trials neither end it nor carry it on, unless there is nothing else. None: no license holds in full.
pub(crate) fn of(judged: &[Judged<'_>]) -> Option<Coverage> {
    let full = |one: &&Judged<'_>| one.holds() && one.standing.state != State::Grace;
    let main = judged.iter().filter(full).any(|one| !is_extra(one.license));
    let part = |one: &&Judged<'_>| !main || !is_extra(one.license);
    let mut end =
        Link::of(judged.iter().filter(full).filter(part).map(|one| one.license).max_by_key(|one| Link::of(one))?);
    let later = judged
        .iter()
        .filter(|one| {
            one.set_aside.is_none()
                && one.standing.state == State::Pending
                && one.standing.reason == reason::NOT_STARTED
        })
        .filter(part)
        .map(|one| one.license);
    for license in sorted(later, |one, other| one.starts.cmp(&other.starts)) {
        if !end.never && license.starts <= Some(end.at) {
            end = end.max(Link::of(license));
        }
    }
    let warns = end.at.saturating_sub(end.warn);
    Some(Coverage { end: (!end.never).then_some(end.at), warns: if end.never { Instant::MAX } else { warns } })
}

/// Does it only add to another license? A trial does, where something was bought beside it.
pub(crate) fn is_extra(license: &License) -> bool {
    adds(license) || license.kind == "trial"
}

/// Can it hold beside another license alone?
pub(crate) fn adds(license: &License) -> bool {
    matches!(license.kind.as_str(), "addon" | "topup")
}

/// An end; ordered, those without an end last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    never: bool,
    at: Instant,
    warn: Duration,
}

impl Link {
    fn of(license: &License) -> Self {
        let end = license.expires.into_iter().chain(license.file_expires).min();
        Self { never: end.is_none(), at: end.unwrap_or(Instant::MAX), warn: license.warn_expiring }
    }
}
