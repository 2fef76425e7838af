//! Requests that count once, whoever repeats them.
//!
//! The store keeps under the key what was asked, in one line, and after it how that was answered ([`Record`]). The tenant is part of
//! the key, and the details of the context are not part of the request: they change nothing in what is counted.

use alloc::string::{String, ToString};

use super::answer::Denial;
use super::record::Record;
use super::request::Request;
use super::store;
use crate::counter_name::{CounterName, encode, join};
use crate::counters::{Counters, Once, Recorded};
use crate::reason;
use crate::types::Decision;

/// A request that carries a key.
#[derive(Debug)]
pub(super) struct Guard<'a> {
    request: Request<'a>,
    key: String,
    asked: String,
}

impl<'a> Guard<'a> {
    /// The guard of a request; none where it carries no key.
    pub(super) fn new(function: &str, request: Request<'a>) -> Result<Option<Self>, Denial<'a>> {
        let Some(once) = request.once else { return Ok(None) };
        let key = key(function, request, once).ok_or_else(|| Denial::invalid("once", request.subject))?;
        Ok(Some(Self { request, key, asked: asked(request) }))
    }

    /// The answer that was given before; none: this is the first time.
    pub(super) fn repeated(&self, counters: &dyn Counters) -> Result<Option<Decision>, String> {
        match counters.recall(&self.key).map_err(store::failed)? {
            Some(recorded) => self.again(&recorded).map(Some),
            None => Ok(None),
        }
    }

    /// The answer as it was recorded, or a denial if something else was asked then.
    pub(super) fn again(&self, recorded: &Recorded) -> Result<Decision, String> {
        let damaged = || reason::COUNTERS_DAMAGED.to_string();
        let (asked, answer) = recorded.request.split_once('\n').ok_or_else(damaged)?;
        if asked != self.asked {
            return Ok(Denial::new(reason::ONCE_MISMATCH, self.request.subject).into());
        }
        let record = Record::parse(answer).filter(|record| self.fits(recorded, record)).ok_or_else(damaged)?;
        Ok(record.decision(self.request.subject, self.request.tenant, &recorded.sums))
    }

    /// What the store keeps beside the key.
    pub(super) fn once(&self, record: &Record) -> Once {
        Once { key: self.key.clone(), request: [self.asked.as_str(), "\n", &record.render()].concat() }
    }

    /// Do the recorded entries add up to what was asked? What was drawn from buckets is in no entry.
    fn fits(&self, recorded: &Recorded, record: &Record) -> bool {
        let counted = |limit: &str| {
            let of = |counter: &str| CounterName::parse(counter).is_some_and(|name| name.limit == limit);
            let entries = recorded.entries.iter().filter(|entry| of(&entry.counter));
            entries.map(|entry| u128::from(entry.amount)).sum::<u128>()
        };
        let asked = |limit: &str| {
            let charges = self.request.charges.iter().filter(|charge| charge.limit == limit);
            charges.map(|charge| u128::from(charge.amount)).sum::<u128>()
        };
        recorded.entries.len() == recorded.sums.len()
            && self
                .request
                .charges
                .iter()
                .all(|charge| record.is_in_no_entry(&charge.limit) || counted(&charge.limit) == asked(&charge.limit))
    }
}

/// What `consume` recorded under the key that this request carries.
pub(super) fn consumed(request: Request<'_>, counters: &dyn Counters) -> Result<Option<Recorded>, String> {
    match request.once.and_then(|once| key("consume", request, once)) {
        Some(key) => counters.recall(&key).map_err(store::failed),
        None => Ok(None),
    }
}

/// `FUNCTION/TENANT/KEY`.
fn key(function: &str, request: Request<'_>, once: &str) -> Option<String> {
    join(function, &[request.tenant.unwrap_or_default(), once])
}

/// `LIMIT AMOUNT`, for each charge in its order.
fn asked(request: Request<'_>) -> String {
    let mut text = String::new();
    for charge in request.charges {
        if !text.is_empty() {
            text.push(' ');
        }
        encode(&charge.limit, &mut text);
        text.push(' ');
        text += &charge.amount.to_string();
    }
    text
}
