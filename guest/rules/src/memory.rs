//! What a policy remembers across restarts, in counters of its own: when each document was last seen valid, the highest revocation
//! list with what it revokes and the latest time anchor, until when each license has checked in, and which orders were carried out, for
//! which tenants. So what a document did stays, also where it is gone or its key has lost that use.
//!
//! All of it only rises, but for the marks of when a document was seen, so that putting an older document back gains nothing.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::claims::payload_id;
use crate::counter_name::{encode, own};
use crate::counters::{CounterError, Counters, Entry, Own, read_all};
use crate::document::Source;
use crate::duration::MINUTE;
use crate::license::License;
use crate::merge::account;
use crate::notices::{Content, InForce, Order, digest, settle};
use crate::reason;
use crate::resets::{self, Resets};
use crate::types::{Duration, Instant};

/// A mark is moved only when it lags by so much, since each move is a commit.
const STEP: u64 = MINUTE;
/// So long an instance has its place, unless it loads the documents again.
const PLACE: Duration = 10 * MINUTE;
/// The highest sequence of a revocation list.
const SEQUENCE: &str = "own/revocations";
/// Of each license that the highest list revokes, by its digest, the sequence of that list.
const REVOKED: &str = "revoked";
/// The pool of the counters in which a limit was reset for one tenant: its members are their names.
const RESETS: &str = "own/reset";
/// So many counters, or members, in one call.
const MANY: usize = 1_000;
/// The latest time of an anchor.
const ANCHORED: &str = "own/anchor";

/// What was remembered when the documents were loaded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The highest sequence of a revocation list that was seen; 0: none was.
    pub(crate) sequence: u64,
    /// The latest time of an anchor that was seen.
    pub(crate) anchored: Instant,
    /// Why the counters gave no answer. What was not learned stays unknown: then no kept copy stands in, and no limit is counted.
    pub(crate) forgetful: Option<String>,
    /// When the next check-in is due, by license id.
    due: BTreeMap<String, Instant>,
    /// By their ids.
    carried_out: BTreeSet<String>,
    /// What the counters hold in which resets are counted, by their names.
    resets: BTreeMap<String, u64>,
    /// The licenses that the highest list revokes, by id.
    revoked: BTreeSet<String>,
    /// The licenses that as many other instances use as they allow, by id.
    crowded: BTreeSet<String>,
}

impl Memory {
    /// What must be known before the documents are read.
    pub(crate) fn recall(counters: &dyn Counters) -> Self {
        let mut memory = Self::default();
        match counters.read(&[SEQUENCE.to_string(), ANCHORED.to_string()]).as_deref() {
            Ok([sequence, anchored]) => (memory.sequence, memory.anchored) = (*sequence, *anchored),
            Ok(_) => memory.forgetful = Some(unfit()),
            Err(error) => memory.forgetful = Some(why(error.clone())),
        }
        memory
    }

    /// Settles what was read, carries out its orders, and remembers the rest of it.
    pub(crate) fn learn(
        &mut self,
        sources: &mut [Source],
        counters: &dyn Counters,
        instance: Option<&str>,
        now: Instant,
    ) {
        let learned = self.try_learn(sources, counters, instance, now);
        self.forgetful = self.forgetful.take().or(learned.err());
    }

    /// When the next check-in of a license is due.
    pub(crate) fn due(&self, license: &str) -> Option<Instant> {
        self.due.get(license).copied()
    }

    /// Was it, here?
    pub(crate) fn has_carried_out(&self, order: &Order) -> bool {
        self.carried_out.contains(&order.id)
    }

    /// Did the highest list that was seen here revoke it?
    pub(crate) fn revokes(&self, license: &License) -> bool {
        self.revoked.contains(&license.id)
    }

    /// Why this instance may not use a license that only so many may.
    pub(crate) fn excludes(&self, license: &License) -> Option<&'static str> {
        license.scope.instances?;
        if self.crowded.contains(&license.id) {
            Some(reason::INSTANCES_EXCEEDED)
        } else {
            self.forgetful.as_ref().map(|_| reason::MEMORY_UNAVAILABLE)
        }
    }

    /// How often a limit of an account was reset.
    pub(crate) fn resets(&self, limit: &str, account: &str) -> Resets {
        let mut resets = Resets { unknown: self.forgetful.is_some(), ..Resets::default() };
        for (counter, held) in &self.resets {
            match resets::tenant(counter, limit, account) {
                Some(tenant) if tenant.is_empty() => resets.all = *held,
                Some(tenant) => drop(resets.tenants.insert(tenant, *held)),
                None => {}
            }
        }
        resets
    }

    fn try_learn(
        &mut self,
        sources: &mut [Source],
        counters: &dyn Counters,
        instance: Option<&str>,
        now: Instant,
    ) -> Result<(), String> {
        // Nothing but what is read here may decide what holds, so that a second instance learns the same.
        let recalled = self.recall_orders(sources, counters);
        settle(sources, self);
        recalled?;
        mark_revoked(sources, self.sequence, counters)?;
        self.raise_highest(sources, counters)?;
        self.recall_revoked(sources, counters)?;
        self.carry_out(sources, counters)?;
        self.recall_resets(sources, counters)?;
        self.check_in(sources, counters)?;
        self.take_places(sources, counters, instance)?;
        recall_marks(sources, counters, now)
    }

    fn recall_orders(&mut self, sources: &[Source], counters: &dyn Counters) -> Result<(), String> {
        let named: Vec<(&Order, String)> =
            orders(sources).filter_map(|order| Some((order, resets::order(&order.id)?))).collect();
        let held = read(counters, named.iter().map(|(_, name)| name.clone()).collect())?;
        let done = named.iter().zip(held).filter(|(_, held)| *held > 0);
        self.carried_out.extend(done.map(|((order, _), _)| order.id.clone()));
        Ok(())
    }

    /// Of the lists and anchors that hold.
    fn raise_highest(&mut self, sources: &[Source], counters: &dyn Counters) -> Result<(), String> {
        let notices = || sources.iter().filter_map(Source::notice);
        let times = notices().filter_map(|notice| match &notice.content {
            Content::Anchor(anchor) => Some(anchor.time),
            _ => None,
        });
        let sequence = sources.iter().filter_map(Source::sequence).max().unwrap_or(0);
        raise(SEQUENCE, &mut self.sequence, sequence, counters)?;
        raise(ANCHORED, &mut self.anchored, times.max().unwrap_or(0), counters)
    }

    /// Each order that was not carried out yet, in the order of the documents' names.
    fn carry_out(&mut self, sources: &[Source], counters: &dyn Counters) -> Result<(), String> {
        for order in orders(sources) {
            let (false, Some(once)) = (self.has_carried_out(order), resets::order(&order.id)) else { continue };
            let tenant = order.tenant.as_deref().unwrap_or_default();
            let mut accounts = BTreeSet::new();
            accounts.extend(
                licenses(sources)
                    .filter(|license| order.concerns(license))
                    .filter_map(|license| Some(account(license, license.limits.get(&order.limit)?))),
            );
            let generations: Vec<String> =
                accounts.iter().filter_map(|account| resets::counter(&order.limit, tenant, account)).collect();
            // Found again without the order, which may be gone. A crash in between leaves the name of a counter that holds nothing.
            for name in generations.iter().filter(|_| !tenant.is_empty()) {
                counters.pools().claim(RESETS, name, Own { weight: 1, left: None }, u64::MAX).map_err(why)?;
            }
            let one = |counter, ceiling| Entry { counter, amount: 1, ceiling, slack: 0 };
            let entries: Vec<Entry> =
                core::iter::once(one(once, 1)).chain(generations.into_iter().map(|name| one(name, u64::MAX))).collect();
            match counters.add(&entries, &[], None) {
                // Another instance was quicker.
                Ok(_) | Err(CounterError::Exceeded { entry: 0, .. }) => self.carried_out.insert(order.id.clone()),
                Err(error) => return Err(why(error)),
            };
        }
        Ok(())
    }

    /// Of all licenses, and of the tenants for which there were orders.
    fn recall_resets(&mut self, sources: &[Source], counters: &dyn Counters) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for license in licenses(sources) {
            let counter = |(limit, terms): (&String, _)| resets::counter(limit, "", &account(license, terms));
            names.extend(license.limits.iter().filter_map(counter));
        }
        let mut after: Option<String> = None;
        loop {
            let members = counters.pools().members(RESETS, after.as_deref(), 1_000).map_err(why)?;
            after = members.last().map(|member| member.holder.clone());
            let is_last = members.len() < MANY;
            names.extend(members.into_iter().map(|member| member.holder));
            if is_last {
                break;
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        let held = read(counters, names.clone())?;
        self.resets.extend(names.into_iter().zip(held).filter(|(_, held)| *held > 0));
        Ok(())
    }

    /// Whatever the documents say now: the list may be gone, or its key not trusted with it any more.
    fn recall_revoked(&mut self, sources: &[Source], counters: &dyn Counters) -> Result<(), String> {
        let ids: Vec<&String> = licenses(sources).map(|license| &license.id).collect();
        let held = read(counters, ids.iter().filter_map(|id| revoked(&digest(id))).collect())?;
        let highest = ids.into_iter().zip(held).filter(|(_, held)| *held > 0 && *held == self.sequence);
        self.revoked.extend(highest.map(|(id, _)| id.clone()));
        Ok(())
    }

    /// Remembers until when the licenses have checked in, so that a receipt need not stay.
    fn check_in(&mut self, sources: &[Source], counters: &dyn Counters) -> Result<(), String> {
        let due: Vec<(String, Instant)> = {
            let in_force = InForce::of(sources, self);
            licenses(sources).filter_map(|license| Some((license.id.clone(), in_force.due(license)?))).collect()
        };
        let named: Vec<((String, Instant), String)> =
            due.into_iter().filter_map(|due| own(&["check-in", &due.0]).map(|name| (due, name))).collect();
        let held = read(counters, named.iter().map(|(_, name)| name.clone()).collect())?;
        for (((license, due), name), mut held) in named.into_iter().zip(held) {
            raise(&name, &mut held, due, counters)?;
            self.due.insert(license, held);
        }
        Ok(())
    }

    /// Claims a place for this instance with each license that only so many may use, or renews it once half of its time is over.
    fn take_places(
        &mut self,
        sources: &[Source],
        counters: &dyn Counters,
        instance: Option<&str>,
    ) -> Result<(), String> {
        let Some(instance) = instance else { return Ok(()) };
        for license in licenses(sources) {
            let (Some(most), Some(pool)) = (license.scope.instances, own(&["instances", &license.id])) else {
                continue;
            };
            let (_, held) = counters.pools().place(&pool, instance).map_err(why)?;
            if held.is_some_and(|held| held.left.is_none_or(|left| left > PLACE / 2)) {
                continue;
            }
            match counters.pools().claim(&pool, instance, Own { weight: 1, left: Some(PLACE) }, most) {
                Ok(_) => {}
                Err(CounterError::Exceeded { .. }) => drop(self.crowded.insert(license.id.clone())),
                Err(error) => return Err(why(error)),
            }
        }
        Ok(())
    }
}

/// Marks what lists revoke that are higher than any before, each with its sequence. To be done before that one is remembered, so that it
/// is done again after a crash.
fn mark_revoked(sources: &[Source], sequence: u64, counters: &dyn Counters) -> Result<(), String> {
    let lists = sources.iter().filter_map(Source::notice).filter_map(|notice| match &notice.content {
        Content::Revocations(list) if list.sequence > sequence => Some(list),
        _ => None,
    });
    for list in lists {
        let names: Vec<String> = list.digests().filter_map(revoked).collect();
        for names in names.chunks(MANY) {
            let held = read(counters, names.to_vec())?;
            let lower = names.iter().zip(held).filter(|(_, held)| *held < list.sequence);
            let entries: Vec<Entry> = lower
                .map(|(name, held)| {
                    let (amount, ceiling) = (list.sequence.saturating_sub(held), list.sequence);
                    Entry { counter: name.clone(), amount, ceiling, slack: 0 }
                })
                .collect();
            match counters.add(&entries, &[], None) {
                // Another instance was quicker with the same ones.
                Ok(_) | Err(CounterError::Exceeded { .. }) => {}
                Err(error) => return Err(why(error)),
            }
        }
    }
    Ok(())
}

fn revoked(digest: &[u8; 32]) -> Option<String> {
    own(&[REVOKED, &payload_id(digest)])
}

/// Reads when the documents of licenses were last seen valid, and moves the marks of those that are valid as they were read. A mark
/// ahead of `now` comes from a clock that ran ahead, and is taken back with it.
fn recall_marks(sources: &mut [Source], counters: &dyn Counters, now: Instant) -> Result<(), String> {
    let good = |source: &&mut Source| source.license.is_some() && source.is_good();
    let mut good: Vec<&mut Source> = sources.iter_mut().filter(good).collect();
    let names: Vec<String> = good.iter().map(|source| mark(&source.name)).collect();
    let held = read(counters, names.clone())?;
    let mut outcome = Ok(());
    for ((source, mark), held) in good.iter_mut().zip(&names).zip(held) {
        source.seen = Some(held);
        if source.replaced.is_some() || (held <= now && now - held <= STEP && held != 0) {
            continue;
        }
        let moved = if held > now { counters.set(mark, now) } else { counters.raise(mark, now) };
        match moved {
            Ok(_) => source.seen = Some(now),
            Err(error) => outcome = Err(why(error)),
        }
    }
    outcome
}

/// The counter that holds when a document was last seen valid.
pub fn mark(document: &str) -> String {
    let mut name = "own/seen/".to_string();
    encode(document, &mut name);
    name
}

fn orders(sources: &[Source]) -> impl Iterator<Item = &Order> {
    sources.iter().filter_map(Source::notice).filter_map(|notice| match &notice.content {
        Content::Order(order) => Some(order),
        _ => None,
    })
}

fn licenses(sources: &[Source]) -> impl Iterator<Item = &License> {
    sources.iter().filter(|source| source.is_good()).filter_map(|source| source.license.as_ref())
}

/// What these hold. Asks nothing where there is no name.
fn read(counters: &dyn Counters, names: Vec<String>) -> Result<Vec<u64>, String> {
    let held = read_all(counters, &names).map_err(why)?;
    if held.len() == names.len() { Ok(held) } else { Err(unfit()) }
}

/// Lifts a counter where more was seen than it is known to hold.
fn raise(counter: &str, known: &mut u64, seen: u64, counters: &dyn Counters) -> Result<(), String> {
    if seen > *known {
        counters.raise(counter, seen).map_err(why)?;
        *known = seen;
    }
    Ok(())
}

fn why(error: CounterError) -> String {
    match error {
        CounterError::Unavailable(reason) | CounterError::Other(reason) => reason,
        CounterError::Exceeded { .. } | CounterError::Empty | CounterError::Repeated(_) => unfit(),
    }
}

fn unfit() -> String {
    "an answer that does not fit the question".to_string()
}
