//! Which of the licenses count.
//!
//! - A license does not count unless for each SKU that it requires another license holds; nor does an add-on or a top-up unless a license
//!   of another kind holds, for it adds to one. Two that require each other hold together.
//! - Of several with one id, one counts: of those that have what they require, the one issued last of those that have begun and not lapsed;
//!   of equals the one with the greater payload hash; of the very same payload the one that was read rather than recovered, then the
//!   first by name.
//! - A license that is superseded by one that holds does not count. Whether that one is superseded itself makes no difference, so
//!   that a chain of renewals need name only the one before. Of those that supersede each other in a circle the one issued last counts.
//!
//! What lacks something displaces nothing; and what is displaced may be what others require. So both are settled together, beginning with
//! the most that could have what they require: what those displace leaves the fewest that have it, what these displace leaves the most,
//! and so on, until nothing changes. Those that would then hold only if they did not are barred, and the others settled without them: so a
//! license that requires what it displaces itself does not hold.

use core::cmp::Reverse;

use alloc::vec::Vec;

use crate::document::Source;
use crate::license::License;
use crate::merge::coverage::adds;
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
    let mut barred = alloc::vec![false; judged.len()];
    let (met, aside) = loop {
        match settle(&judged, &barred) {
            Ok(settled) => break settled,
            Err(undecided) => bar(&mut barred, &judged, &undecided),
        }
    };
    for ((one, aside), met) in judged.iter_mut().zip(aside).zip(met) {
        one.set_aside = aside.or((!met).then_some(reason::REQUIREMENT_MISSING));
    }
    judged
}

/// Why each is displaced.
type Aside = Vec<Option<&'static str>>;

/// Which have what they require where those are displaced that are, but for those that are barred.
///
/// # Errors
///
/// Those of whom it cannot be said, at least one, none of them barred.
fn settle(judged: &[Judged<'_>], barred: &[bool]) -> Result<(Vec<bool>, Aside), Vec<bool>> {
    let mut most = having(judged, &alloc::vec![None; judged.len()], barred);
    loop {
        let aside = displaced(judged, &most);
        let fewest = having(judged, &aside, barred);
        if fewest == most {
            return Ok((most, aside));
        }
        let next = having(judged, &displaced(judged, &fewest), barred);
        // Each round leaves fewer that could, or it leads nowhere.
        if next == most || most.iter().zip(&next).any(|(before, after)| before < after) {
            return Err(most.iter().zip(&fewest).map(|(most, fewest)| most != fewest).collect());
        }
        most = next;
    }
}

/// Bars those of the undecided that supersede others: the rest may only lack what is superseded. Where there is none, all of them.
fn bar(barred: &mut [bool], judged: &[Judged<'_>], undecided: &[bool]) {
    let supersedes = |one: &Judged<'_>| judged.iter().any(|other| superseded(judged, other, one));
    let all = || judged.iter().zip(undecided);
    let any = all().any(|(one, undecided)| *undecided && supersedes(one));
    for (barred, (one, undecided)) in barred.iter_mut().zip(all()) {
        *barred |= *undecided && (!any || supersedes(one));
    }
}

/// Which have what they require, where these are displaced and those barred. What lacks something may have been required in turn.
fn having(judged: &[Judged<'_>], displaced: &[Option<&'static str>], barred: &[bool]) -> Vec<bool> {
    let mut met: Vec<bool> = barred.iter().map(|barred| !barred).collect();
    loop {
        let holding = || {
            let all = judged.iter().zip(displaced).zip(&met);
            all.filter(|((one, displaced), met)| **met && displaced.is_none() && one.standing.state.usable())
                .map(|((one, _), _)| one.license)
        };
        let has = |(one, met): (&Judged<'_>, &bool)| {
            let others = || holding().filter(|other| other.id != one.license.id);
            *met && (!adds(one.license) || holding().any(|other| !adds(other)))
                && one.license.requires.iter().all(|sku| others().any(|other| other.sku == *sku))
        };
        let next: Vec<bool> = judged.iter().zip(&met).map(has).collect();
        if next == met {
            return met;
        }
        met = next;
    }
}

/// Which are displaced, and why, by those of the others that have what they require.
fn displaced(judged: &[Judged<'_>], met: &[bool]) -> Aside {
    let all = || judged.iter().zip(met);
    let twice: Aside = all()
        .map(|(one, met)| {
            let mut others = all().filter(|(other, _)| other.source.name != one.source.name);
            others.find_map(|(other, others)| duplicate((*met, one), (*others, other)))
        })
        .collect();
    let displaces = || all().zip(&twice).filter(|((_, met), twice)| **met && twice.is_none()).map(|((one, _), _)| one);
    let replaced = |one| displaces().any(|other| superseded(judged, one, other)).then_some(reason::SUPERSEDED);
    judged.iter().zip(&twice).map(|(one, twice)| twice.or_else(|| replaced(one))).collect()
}

/// Each with whether it has what it requires.
fn duplicate((met, one): (bool, &Judged<'_>), (others, other): (bool, &Judged<'_>)) -> Option<&'static str> {
    let rank = |met: bool, judged: &Judged<'_>| {
        let begun = !matches!(judged.standing.state, State::Pending | State::Invalid);
        (met && begun, begun, judged.license.issued, judged.license.payload_hash, judged.source.replaced.is_none())
    };
    let verified_here = one.source.refusal.is_none() && other.source.refusal.is_none();
    if !verified_here || one.license.id != other.license.id {
        return None;
    }
    let outranked = (rank(others, other), Reverse(&other.source.name)) > (rank(met, one), Reverse(&one.source.name));
    let same = one.license.payload_hash == other.license.payload_hash;
    outranked.then_some(if same { reason::DUPLICATE } else { reason::DUPLICATE_ID })
}

fn superseded(judged: &[Judged<'_>], one: &Judged<'_>, other: &Judged<'_>) -> bool {
    let is_later = || (one.license.issued, &one.license.id) > (other.license.issued, &other.license.id);
    other.standing.state.usable()
        && other.license.id != one.license.id
        && other.license.supersedes.contains(&one.license.id)
        && !(is_later() && leads_to(judged, one, other))
}

/// Does one supersede the other, be it through others?
fn leads_to(judged: &[Judged<'_>], one: &Judged<'_>, other: &Judged<'_>) -> bool {
    let mut reached = Vec::from([&one.license.id]);
    let mut seen = 0;
    while let Some(id) = reached.get(seen).copied() {
        for older in judged.iter().filter(|of| of.license.id == *id).flat_map(|of| &of.license.supersedes) {
            if !reached.contains(&older) {
                reached.push(older);
            }
        }
        seen += 1;
    }
    reached.contains(&&other.license.id)
}
