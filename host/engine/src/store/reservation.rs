//! Units that are counted in advance, because what something costs is known only afterwards.
//!
//! A reservation is made in the transaction that counts its entries. Settling it takes back from those very entries, the last first,
//! or goes along with what is counted beside them. At the end of its term the store frees what is left of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Moment;
use crate::Attribute;
use crate::bindings::placet::policy::counters::{Portion, Recorded};
use crate::counter_name::is_usage;

/// What is reserved under an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reserved {
    /// The limit of which it is told in the end how much was used, and how much of it is reserved.
    pub(crate) limit: String,
    pub(crate) amount: u64,
    /// For whom, and with what else, it was asked.
    pub(crate) tenant: Option<String>,
    pub(crate) details: Vec<Attribute>,
    /// What was counted, for all limits.
    pub(crate) entries: Vec<Portion>,
    pub(crate) ends: Ends,
}

/// The end of a term: by the time to judge by, as with members of pools; and by the confirmed time, so that a time that was far ahead
/// and was taken back reserves nothing for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    pub(crate) now: u64,
    pub(crate) mark: u64,
}

impl Ends {
    /// A term of so many milliseconds, from this moment on.
    pub(crate) fn after(term: u64, moment: Moment) -> Self {
        Self { now: moment.now.saturating_add(term), mark: moment.mark.saturating_add(term) }
    }

    /// Is the term over?
    pub(crate) fn are_due(self, moment: Moment) -> bool {
        self.now <= moment.now || self.mark <= moment.mark
    }

    /// After an anchor set the confirmed time from `before` to `time`: no later than what was left.
    pub(super) fn anchored(self, before: u64, time: u64) -> Self {
        Self { mark: self.mark.min(time.saturating_add(self.mark.saturating_sub(before))), ..self }
    }
}

/// Where a reservation stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// It holds.
    Open(Reserved),
    /// Its term is over, and what it held was freed.
    Ended(Reserved),
    /// It was settled or released.
    Settled(Settlement),
}

/// What became of a reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Settlement {
    /// The reservation.
    pub id: String,
    /// `settled`; `settled-late` where the term was over, so that all of it was charged anew; `released`.
    pub reason: String,
    /// The limit.
    pub limit: String,
    /// The tenant it was counted for.
    pub tenant: Option<String>,
    /// Units that were reserved.
    pub reserved: u64,
    /// Units that were used in the end.
    pub actual: u64,
    /// Units that are charged: `actual`, without what is unbilled.
    pub charged: u64,
    /// Units that were used and did not fit: they are charged to nothing, and recorded as excess.
    pub unbilled: u64,
    /// Why they did not fit: the reason of the denial.
    pub denied: Option<String>,
}

/// How a reservation is to be settled: only from where it is known to stand.
#[derive(Clone, Debug)]
pub(crate) struct Settling {
    pub(crate) from: Standing,
    /// Taken away from what it holds.
    pub(crate) back: Vec<Portion>,
    /// Recorded as excess, under a counter of its own.
    pub(crate) excess: Option<Portion>,
    pub(crate) settlement: Settlement,
}

/// What the entries of a call belong to.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// They are reserved under this id, in place of its own entries; a second call under it adds to them.
    Reserve(String, Reserved),
    /// With them, the reservation of this id is settled.
    Settle(String, Box<Settling>),
}

/// What a `once` key counted, and the reservation that it counted for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recalled {
    #[serde(flatten)]
    pub(crate) recorded: Recorded,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reservation: Option<String>,
}

/// The counters that are reserved from: usage, and not what a policy remembers for itself.
pub(super) fn is_reserved(portion: &Portion) -> bool {
    is_usage(&portion.counter)
}

/// Of these portions, what is there.
pub(super) fn within(portions: Vec<Portion>, mut there: BTreeMap<&str, u64>) -> Vec<Portion> {
    let mut take = |portion: Portion| {
        let there = there.get_mut(portion.counter.as_str())?;
        let amount = portion.amount.min(*there);
        *there -= amount;
        Some(Portion { amount, ..portion })
    };
    portions.into_iter().filter_map(&mut take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_ends_by_whichever_time_comes_first() {
        let at = |now, mark| Moment { now, mark };
        let ends = Ends::after(10, at(1_000, 100));
        assert!(!ends.are_due(at(1_009, 109)));
        assert!(ends.are_due(at(1_010, 100)));
        assert!(ends.are_due(at(110, 110)), "the time ahead was taken back");
        assert!(!Ends::after(u64::MAX, at(1, 1)).are_due(at(u64::MAX - 1, u64::MAX - 1)));
        assert_eq!(Ends::after(10, at(100, 100)).anchored(100, 40).mark, 50);
        assert_eq!(Ends::after(10, at(100, 100)).anchored(100, 4_000).mark, 110);
    }
}
