//! What ends beside the whole, and what is due: told in the status some time before, while the state goes by the whole alone.

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::instant::to_text;
use crate::license::License;
use crate::merge::coverage::adds;
use crate::merge::{Judged, earliest};
use crate::reason;
use crate::types::{Duration, Instant, Warning};
use crate::view::State;

/// Of the licenses that hold: the ends of add-ons and top-ups, the ends of features before their license's, and check-ins. Each is told
/// `warn.expiring` before, a check-in a third of its `every` before at most; what another license carries on is not. Answers the next
/// moment at which there is one more to tell.
pub(crate) fn announce(judged: &[Judged<'_>], now: Instant, warnings: &mut Vec<Warning>) -> Option<Instant> {
    let mut next = None;
    let mut tell = |reason: &str, subject: &str, at: Instant, warn: Duration, words: [&str; 3]| {
        let begins = at.saturating_sub(warn);
        if now < begins {
            next = earliest([next, Some(begins)]);
        } else if now < at {
            let text = [words[0], subject, words[1], &to_text(at), words[2]].concat();
            warnings.push(Warning { reason: reason.to_string(), subject: Some(subject.to_string()), text });
        }
    };
    const ENDS: [&str; 3] = ["`", "` ends at ", ", before the rest; renew it"];
    for one in judged.iter().filter(|one| one.holds()) {
        let license = one.license;
        let warn = license.warn_expiring;
        if let Some(at) = end(license).filter(|at| adds(license) && !is_carried_on(judged, license, None, *at)) {
            tell(reason::EXPIRING, &license.id, at, warn, ENDS);
        }
        for (name, grant) in &license.features {
            if let Some(at) = grant.expires.filter(|at| !is_carried_on(judged, license, Some(name), *at)) {
                tell(reason::EXPIRING, name, at, warn, ENDS);
            }
        }
        if let (Some(at), Some(check_in)) = (one.due, license.check_in) {
            let words = ["the vendor should hear of license `", "` by ", "; install a receipt"];
            tell(reason::CHECK_IN_DUE, &license.id, at, warn.min(check_in.every / 3), words);
        }
    }
    next
}

/// Does another license that holds, or begins by then, go on after it? One that grants the feature longer; for the license as a whole one
/// that supersedes it or is of its SKU.
fn is_carried_on(judged: &[Judged<'_>], license: &License, feature: Option<&str>, at: Instant) -> bool {
    judged.iter().filter(|other| other.set_aside.is_none()).any(|Judged { license: other, standing, .. }| {
        let follows = standing.reason == reason::NOT_STARTED && other.starts <= Some(at);
        let lasts = |end: Option<Instant>| end.is_none_or(|end| end > at);
        let goes_on = match feature {
            Some(name) => other.features.get(name).is_some_and(|grant| lasts(grant.expires)),
            None => other.supersedes.contains(&license.id) || (!license.sku.is_empty() && other.sku == license.sku),
        };
        (standing.state.usable() || (standing.state == State::Pending && follows)) && lasts(end(other)) && goes_on
    })
}

fn end(license: &License) -> Option<Instant> {
    earliest([license.expires, license.file_expires])
}
