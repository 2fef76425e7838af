//! The warning that most of a limit is used: given once on the way up, and again after the use has fallen clearly below.
//!
//! Whether it was given stands in `own/warned/…`, a counter whose ceiling is 1: the decision that sets it carries the warning. It is
//! read along with what is used, set in the step that counts, and taken back in the step that gives back, so that a decision which
//! crosses nothing asks for nothing more. Each period has one of its own, and it is named by the budget that
//! lasts longest, an add-on's or top-up's only where there is no other.

use alloc::string::String;

use super::beside::Known;
use super::target::Target;
use crate::counters::Entry;

/// The names of these counters begin so.
pub(super) const OWN: &str = "own/warned/";
/// By so many percent of the maximum must the use fall below the threshold, until it may be crossed anew.
const CLEARANCE: u8 = 5;

impl Target<'_> {
    /// Does the decision that makes this of the use carry the warning? Beyond the maximum, where a license lets it, each does.
    pub(super) fn warns(&self, used: u64, moves: bool) -> bool {
        match &self.alert {
            _ if !self.is_high(used) => false,
            Some(alert) => (moves && alert.held == 0) || self.max().is_some_and(|max| used > max),
            None => true,
        }
    }

    /// What sets it, along with a charge that makes this of the use.
    pub(super) fn alert(&self, used: u64) -> Option<Entry> {
        let alert = self.alert.as_ref().filter(|alert| alert.held == 0 && self.is_high(used))?;
        Some(Entry { counter: alert.counter.clone(), amount: 1, ceiling: 1, slack: 0 })
    }

    /// The counter to take it back from: it is set, and the use has fallen.
    pub(super) fn calm(&self, used: u64) -> Option<String> {
        let alert = self.alert.as_ref().filter(|alert| alert.held > 0 && self.has_fallen(used))?;
        Some(alert.counter.clone())
    }

    /// What may be used before there is something to say of it, where this is used now. None: there is already, or there was.
    pub(super) fn step(&self, used: u64) -> Option<u64> {
        if self.is_high(used) || self.alert.as_ref().is_some_and(|alert| alert.held > 0) {
            return None;
        }
        let Some((percent, max)) = self.limit.warn.zip(self.max()) else { return Some(u64::MAX) };
        let high = (u128::from(max) * u128::from(percent)).div_ceil(100);
        Some(u64::try_from(high).unwrap_or(u64::MAX).saturating_sub(1))
    }

    /// Does the warning stand?
    pub(super) fn stands(&self, used: u64) -> bool {
        let is_given = self.alert.as_ref().is_some_and(|alert| alert.held > 0);
        self.is_high(used) || (is_given && !self.has_fallen(used))
    }

    fn is_high(&self, used: u64) -> bool {
        self.limit.warn.is_some_and(|percent| used > 0 && self.has_reached(used, percent))
    }

    fn has_fallen(&self, used: u64) -> bool {
        let percent = self.limit.warn.map(|percent| percent.saturating_sub(CLEARANCE).max(1));
        used == 0 || !percent.is_some_and(|percent| self.has_reached(used, percent))
    }

    fn has_reached(&self, used: u64, percent: u8) -> bool {
        self.max().is_some_and(|max| u128::from(used) * 100 >= u128::from(max) * u128::from(percent))
    }
}

/// Not known yet whether it was given.
pub(super) fn unread(counter: Option<String>) -> Option<Known> {
    counter.map(|counter| Known { counter, held: 0 })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::license::LimitKind;
    use crate::resets::Resets;
    use crate::view::{Budget, HeldAs, LimitView};

    fn limit(max: Option<u64>, warn: u8) -> LimitView {
        let budget = Budget {
            license: "lic_1".into(),
            account: "lic_1".into(),
            resets: Resets::default(),
            within: None,
            ends: None,
            extra: false,
            held_as: HeldAs::Counter,
            max,
            ceiling: u64::MAX,
            per_tenant: false,
            refund: false,
            slack: 0,
            terms: Vec::new(),
        };
        LimitView {
            kind: LimitKind::Quota,
            undecided: Vec::new(),
            warn: Some(warn),
            budgets: Vec::from([budget]),
            left_out: [].into(),
        }
    }

    #[test]
    fn a_threshold_is_crossed_and_cleared_by_the_percentage() {
        for (used, max, warn, high, fallen) in [
            (79, Some(100), 80, false, false),
            (80, Some(100), 80, true, false),
            (75, Some(100), 80, false, false),
            (74, Some(100), 80, false, true),
            (2, Some(3), 67, false, false),
            (2, Some(3), 66, true, false),
            (1, Some(100), 3, false, false),
            (3, Some(100), 3, true, false),
            (0, Some(100), 3, false, true),
            (u64::MAX, Some(u64::MAX), 100, true, false),
            (u64::MAX - 1, Some(u64::MAX), 100, false, false),
            (u64::MAX, None, 1, false, true),
            (0, Some(0), 80, false, true),
            (1, Some(0), 80, true, false),
        ] {
            let limit = limit(max, warn);
            let slots = super::super::slot::slots("tokens", &limit, None).unwrap();
            let target = Target::new("tokens", &limit, None, slots);
            assert_eq!((target.is_high(used), target.has_fallen(used)), (high, fallen), "{used} of {max:?} at {warn}");
        }
    }
}
