//! Reservations: the policy's `consume`, whose entries are given a term; and what it asks for when it is known what something cost.

use super::Installation;
use crate::bindings::exports::placet::policy::enforcement::{Charge, Context};
use crate::bindings::placet::policy::counters::Portion;
use crate::counter_name::{EXCESS, excess_beside, excess_of, is_excess_of, is_of};
use crate::error::{Failure, SettleError};
use crate::figures::DecisionKind;
use crate::random;
use crate::request::{Question, denial};
use crate::store::{Ends, Part, Reserved, Settlement, Settling, Standing, StoreError};
use crate::{Attribute, Decision, Usage, limits};

/// How often it is tried again where others were quicker.
const ATTEMPTS: usize = 16;

/// Before the `once` keys of reservations, which are thereby others than those of `consume`. A control character, which nobody puts into a
/// key of theirs.
const ONCE_PREFIX: &str = "\u{1f}reserve/";

/// What the answer to a part of a reservation is, and the reservation that it was recorded for, if it was.
type Parted = (Decision, Option<String>);

impl Installation {
    /// Charges, and gives what was charged a term of so many milliseconds.
    pub(crate) fn reserve(&self, charges: &[Charge], context: &Context, term: u64) -> Result<Parted, Failure> {
        let answer = self.try_reserve(charges, context, term).map(|(decision, id)| (self.told(decision), id));
        self.count(&self.loaded(), DecisionKind::Reserve, context, answer.as_ref().map(|(decision, _)| decision));
        answer
    }

    fn try_reserve(&self, charges: &[Charge], context: &Context, term: u64) -> Result<Parted, Failure> {
        let Some(Charge { limit, .. }) = charges.first() else { return Err(Failure::new("request-empty")) };
        // It would be over before anybody is told of it.
        if term == 0 {
            let details = vec![Attribute { name: "invalid".to_owned(), value: "term".to_owned() }];
            return Ok((Decision { details, ..denial(limit, "request-invalid") }, None));
        }
        let amount = charges.iter().filter(|charge| charge.limit == *limit);
        let moment = self.clock.moment();
        let reserved = Reserved {
            limit: limit.clone(),
            amount: amount.fold(0, |sum, charge| sum.saturating_add(charge.amount)),
            tenant: context.tenant.clone(),
            details: context.details.clone(),
            entries: Vec::new(),
            ends: Ends::after(term, moment),
        };
        let id = new_id()?;
        let once = context.once.as_ref().map(|key| format!("{ONCE_PREFIX}{key}"));
        let context = Context { once, ..context.clone() };
        let question = Question::Consume(charges.to_vec());
        let answer = self.put_part(&question, &context, Part::Reserve(id.clone(), reserved.clone()));
        self.tell_answer(&question, &context, answer.as_ref().map(|(decision, _)| decision));
        match answer? {
            (decision, _) if !decision.allowed => Ok((decision, None)),
            (decision, Some(id)) => Ok((decision, Some(id))),
            // The key counted before, and not for a reservation.
            (_, None) if context.once.is_some() => Ok((denial(limit, "once-mismatch"), None)),
            // Nothing had to be counted.
            (decision, None) => {
                let name = &self.loaded().lent.namespace;
                self.store.reserve(name, &id, reserved, moment).map_err(|error| Failure::new(error.reason()))?;
                Ok((decision, Some(id)))
            }
        }
    }

    /// Tells what was used in the end; none: nothing, and what was charged beside it is given back as well.
    pub(crate) fn settle(&self, id: &str, actual: Option<u64>) -> Result<Settlement, SettleError> {
        let namespace = self.loaded().lent.namespace.clone();
        for _ in 0..ATTEMPTS {
            let standing = self.store.reservation(&namespace, id, self.clock.moment())?.ok_or(SettleError::Unknown)?;
            let settlement = match &standing {
                Standing::Settled(settlement) => return again(settlement, actual),
                Standing::Open(reserved) | Standing::Ended(reserved) => {
                    self.settle_from(&namespace, &standing, reserved, id, actual)?
                }
            };
            if let Some(settlement) = settlement {
                if let Some(reason) = &settlement.denied {
                    self.tell("reservation.unbilled", &settlement.limit, reason);
                }
                return Ok(settlement);
            }
        }
        Err(Failure::new("contended").into())
    }

    /// Tells beside what is used what could not be charged.
    pub(super) fn add_unbilled(&self, usage: &mut [Usage]) -> Result<(), StoreError> {
        let excess = self.store.counters(&self.loaded().lent.namespace, EXCESS, None, usize::MAX)?;
        for usage in usage {
            let of =
                |counter: &str| is_excess_of(counter, &usage.limit, usage.tenant.as_deref(), usage.period.as_deref());
            let units = excess
                .iter()
                .filter(|(counter, _)| of(counter))
                .fold(0, |sum: u64, (_, units)| sum.saturating_add(*units));
            if units > 0 {
                usage.details.push(Attribute { name: "unbilled".to_owned(), value: units.to_string() });
            }
        }
        Ok(())
    }

    /// None: it does not stand so any more, or what fitted does not fit any more.
    fn settle_from(
        &self,
        namespace: &str,
        from: &Standing,
        reserved: &Reserved,
        id: &str,
        actual: Option<u64>,
    ) -> Result<Option<Settlement>, SettleError> {
        let close = Closing { from, reserved, id, actual };
        let directly = |unbilled, denied: Option<&str>| {
            let settling = close.with(unbilled, denied);
            let settlement = settling.settlement.clone();
            let done = self.store.settle(namespace, id, settling, self.clock.moment())?;
            Ok(done.then_some(settlement))
        };
        let rest = close.rest();
        if rest == 0 {
            return directly(0, None);
        }
        let charge = |amount| Question::Consume(vec![Charge { limit: reserved.limit.clone(), amount }]);
        let context = Context { tenant: reserved.tenant.clone(), once: None, details: reserved.details.clone() };
        let ask = |amount, denied: Option<&str>| {
            let settling = close.with(rest - amount, denied);
            let settlement = settling.settlement.clone();
            match self.put_part(&charge(amount), &context, Part::Settle(id.to_owned(), Box::new(settling))) {
                Ok((decision, _)) if !decision.allowed => Ok(Asked::Denied(decision.reason)),
                Ok((_, Some(_))) => Ok(Asked::Settled(settlement)),
                Ok((_, None)) => Ok(Asked::Uncounted),
                Err(failure) => Err(failure),
            }
        };
        let mut asked = ask(rest, None);
        if let Ok(Asked::Denied(reason)) = &asked {
            let reason = reason.clone();
            let fits = |amount| {
                let question = Question::Preview(vec![Charge { limit: reserved.limit.clone(), amount }]);
                Ok::<_, Failure>(self.put(&self.loaded(), &question, &context)?.allowed)
            };
            let fitting = largest_below(rest, fits)?;
            if fitting == 0 {
                return directly(rest, Some(&reason));
            }
            asked = ask(fitting, Some(&reason));
            if let Ok(Asked::Uncounted) = asked {
                return directly(rest - fitting, Some(&reason));
            }
        }
        match asked {
            Ok(Asked::Settled(settlement)) => Ok(Some(settlement)),
            Ok(Asked::Uncounted) => directly(0, None),
            Ok(Asked::Denied(_)) => Ok(None),
            // What failed may be that it was settled meanwhile.
            Err(failure) => match self.store.reservation(namespace, id, self.clock.moment())? {
                Some(standing) if standing != *from => Ok(None),
                _ => Err(failure.into()),
            },
        }
    }

    /// Asks the policy; the entries that it adds are recorded as this part.
    fn put_part(&self, question: &Question<'_>, context: &Context, part: Part) -> Result<Parted, Failure> {
        let (answer, found) = self.loaded().call(limits::DECISION, |instance, budget| {
            instance.reach().counters.begin_part(part);
            let answer = question.put(instance, budget, context)?;
            Ok((answer, instance.reach().counters.end_part()))
        })?;
        Ok((answer.map_err(Failure::stated)?, found))
    }
}

/// What came of asking for the rest.
enum Asked {
    /// It was counted, and the reservation settled with it.
    Settled(Settlement),
    /// It was allowed, and no counter had to move.
    Uncounted,
    Denied(String),
}

/// A reservation that is about to be settled.
struct Closing<'a> {
    from: &'a Standing,
    reserved: &'a Reserved,
    id: &'a str,
    actual: Option<u64>,
}

impl Closing<'_> {
    /// So much of what is to be settled is counted; nothing once the term is over.
    fn held(&self) -> u64 {
        if self.is_late() { 0 } else { self.reserved.amount }
    }

    fn is_late(&self) -> bool {
        !matches!(self.from, Standing::Open(_))
    }

    /// So much must be asked for.
    fn rest(&self) -> u64 {
        self.actual.map_or(0, |actual| actual.saturating_sub(self.held()))
    }

    /// With so much that did not fit.
    fn with(&self, unbilled: u64, denied: Option<&str>) -> Settling {
        let Reserved { limit, amount, tenant, entries, .. } = self.reserved;
        let back = match self.actual {
            _ if self.is_late() => Vec::new(),
            None => entries.clone(),
            Some(actual) => last_first(entries, limit, self.held().saturating_sub(actual)),
        };
        let beside = || entries.iter().rev().find(|entry| is_of(&entry.counter, limit));
        let excess = (unbilled > 0).then(|| Portion {
            counter: beside()
                .and_then(|entry| excess_beside(&entry.counter))
                .unwrap_or_else(|| excess_of(limit, tenant.as_deref())),
            amount: unbilled,
        });
        let actual = self.actual.unwrap_or(0);
        let settlement = Settlement {
            id: self.id.to_owned(),
            reason: match self.actual {
                None => "released",
                Some(_) if self.is_late() => "settled-late",
                Some(_) => "settled",
            }
            .to_owned(),
            limit: limit.clone(),
            tenant: tenant.clone(),
            reserved: *amount,
            actual,
            charged: actual.saturating_sub(unbilled),
            unbilled,
            denied: denied.map(str::to_owned),
        };
        Settling { from: self.from.clone(), back, excess, settlement }
    }
}

/// The answer of before, if it is asked for the same.
fn again(settlement: &Settlement, actual: Option<u64>) -> Result<Settlement, SettleError> {
    let before = (settlement.reason != "released").then_some(settlement.actual);
    if before == actual { Ok(settlement.clone()) } else { Err(SettleError::Settled { actual: before }) }
}

/// So many units of a limit from the entries that were counted last.
fn last_first(entries: &[Portion], limit: &str, mut units: u64) -> Vec<Portion> {
    let mut back = Vec::new();
    for entry in entries.iter().rev().filter(|entry| is_of(&entry.counter, limit)) {
        let amount = units.min(entry.amount);
        units -= amount;
        if amount > 0 {
            back.push(Portion { amount, ..entry.clone() });
        }
    }
    back
}

/// The largest number below `too_much` that fits; 0 where none does. Where a number fits, every smaller one does.
fn largest_below<E>(too_much: u64, fits: impl Fn(u64) -> Result<bool, E>) -> Result<u64, E> {
    let (mut low, mut high) = (0, too_much);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        *(if fits(middle)? { &mut low } else { &mut high }) = middle;
    }
    Ok(low)
}

/// 32 hex digits that nobody guesses.
fn new_id() -> Result<String, Failure> {
    let bytes: [u8; 16] = random::bytes().map_err(|_| Failure::new("machine-unsupported"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portion(counter: &str, amount: u64) -> Portion {
        Portion { counter: counter.to_owned(), amount }
    }

    #[test]
    fn what_is_given_back_comes_from_the_last_entries_of_the_limit() {
        let entries = [portion("use/a//1//", 5), portion("use/b////", 9), portion("use/a//2//", 3)];
        assert_eq!(last_first(&entries, "a", 4), [portion("use/a//2//", 3), portion("use/a//1//", 1)]);
        assert_eq!(last_first(&entries, "a", 100), [portion("use/a//2//", 3), portion("use/a//1//", 5)]);
        assert_eq!(last_first(&entries, "a", 0), []);
    }

    #[test]
    fn the_largest_number_that_fits_is_found() {
        let below = |too_much, most| largest_below(too_much, |amount| Ok::<_, ()>(amount <= most)).unwrap();
        assert_eq!([below(1, 0), below(10, 0), below(10, 7), below(10, 9)], [0, 0, 7, 9]);
        assert_eq!(below(u64::MAX, u64::MAX - 1), u64::MAX - 1);
    }
}
