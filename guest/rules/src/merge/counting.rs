//! Which of the licenses count.
//!
//! - Of several with one id, one counts: the one issued last of those that have begun and not lapsed; of equals the one with the greater
//!   payload hash; of the very same payload the one that was read rather than recovered, then the first by name.
//! - An add-on does not count unless for each SKU that it requires another license holds. Two that require each other hold together.
//! - A license that is superseded by one that holds does not count. Whether that one is superseded itself makes no difference, so
//!   that a chain of renewals need name only the one before. Of two that supersede each other the one issued last counts.

use core::cmp::Reverse;

use alloc::string::String;
use alloc::vec::Vec;

use crate::document::Source;
use crate::license::License;
use crate::notices::InForce;
use crate::reason;
use crate::standing::{self, Standing};
use crate::types::Instant;
use crate::view::State;

/// A license that was verified, judged at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) source: &'a Source,
    pub(crate) license: &'a License,
    pub(crate) standing: Standing,
    /// When its next check-in is due; none: it need not check in.
    pub(crate) due: Option<Instant>,
    /// Why it does not count beside the others.
    pub(crate) set_aside: Option<&'static str>,
}

impl Judged<'_> {
    /// Does it grant anything now?
    pub(crate) fn holds(&self) -> bool {
        self.set_aside.is_none() && self.standing.state.usable()
    }
}

/// Judges every license, in the order of the documents' names.
pub(crate) fn judge<'a>(sources: &'a [Source], in_force: &InForce<'_>, now: Instant) -> Vec<Judged<'a>> {
    let mut judged: Vec<Judged<'_>> = sources
        .iter()
        .filter_map(|source| {
            let license = source.license.as_ref()?;
            let standing = standing::of(license, source, in_force, now);
            Some(Judged { source, license, standing, due: in_force.due(license), set_aside: None })
        })
        .collect();
    set_aside(&mut judged, duplicate);
    set_aside(&mut judged, superseded);
    while set_aside_unmet(&mut judged) {}
    judged
}

/// Sets aside what requires a SKU that nothing else has that holds. Another license may have required that in turn: was there any?
fn set_aside_unmet(judged: &mut [Judged<'_>]) -> bool {
    let unmet: Vec<bool> = judged
        .iter()
        .map(|one| {
            let others = || judged.iter().filter(|other| other.license.id != one.license.id && other.holds());
            let is_met = |sku: &String| others().any(|other| other.license.sku == *sku);
            one.set_aside.is_none() && !one.license.requires.iter().all(is_met)
        })
        .collect();
    for (one, unmet) in judged.iter_mut().zip(&unmet) {
        one.set_aside = one.set_aside.or(unmet.then_some(reason::REQUIREMENT_MISSING));
    }
    unmet.contains(&true)
}

/// Asks of each license, against all others, whether it is set aside; all at once, so that the order makes no difference.
fn set_aside(judged: &mut [Judged<'_>], why: fn(&Judged<'_>, &Judged<'_>) -> Option<&'static str>) {
    let found: Vec<Option<&'static str>> = judged
        .iter()
        .map(|one| {
            let mut others =
                judged.iter().filter(|other| other.source.name != one.source.name && other.set_aside.is_none());
            others.find_map(|other| why(one, other))
        })
        .collect();
    for (one, found) in judged.iter_mut().zip(found) {
        one.set_aside = one.set_aside.or(found);
    }
}

fn duplicate(one: &Judged<'_>, other: &Judged<'_>) -> Option<&'static str> {
    let rank = |judged: &Judged<'_>| {
        let begun = !matches!(judged.standing.state, State::Pending | State::Invalid);
        (begun, judged.license.issued, judged.license.payload_hash, judged.source.replaced.is_none())
    };
    let verified_here = one.source.refusal.is_none() && other.source.refusal.is_none();
    if !verified_here || one.license.id != other.license.id {
        return None;
    }
    let outranked = (rank(other), Reverse(&other.source.name)) > (rank(one), Reverse(&one.source.name));
    let same = one.license.payload_hash == other.license.payload_hash;
    outranked.then_some(if same { reason::DUPLICATE } else { reason::DUPLICATE_ID })
}

fn superseded(one: &Judged<'_>, other: &Judged<'_>) -> Option<&'static str> {
    let names = |newer: &License, older: &License| newer.id != older.id && newer.supersedes.contains(&older.id);
    let mutual_and_later = names(one.license, other.license)
        && (one.license.issued, &one.license.id) > (other.license.issued, &other.license.id);
    (other.standing.state.usable() && names(other.license, one.license) && !mutual_and_later)
        .then_some(reason::SUPERSEDED)
}
