//! How long a place in a pool is held.

use super::Moment;

/// When a place ends, by the time to judge by. A clock that was ahead when the place was claimed, and was taken back, would let it last
/// until the clock is there again: as long as it is earlier than that claim, the confirmed time ends the place instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) end: u64,
    /// When it was claimed, by the time to judge by.
    pub(super) claimed: u64,
    /// When it ends, by the confirmed time.
    pub(super) mark: u64,
}

impl Term {
    /// Claimed at this moment, to end at `end`.
    pub(super) fn until(end: u64, moment: Moment) -> Self {
        let left = end.saturating_sub(moment.now);
        Self { end, claimed: moment.now, mark: moment.mark.saturating_add(left).min(end) }
    }

    /// Is it over?
    pub(super) fn is_over(self, moment: Moment) -> bool {
        self.end <= moment.now || self.was_taken_back(moment)
    }

    /// Is it over, even if the clock goes back to the confirmed time?
    pub(super) fn is_over_for_good(self, moment: Moment) -> bool {
        self.end <= moment.now.min(moment.mark) || self.was_taken_back(moment)
    }

    /// After an anchor set the confirmed time from `before` to `time`: no later than what was left.
    pub(super) fn anchored(self, before: u64, time: u64) -> Self {
        Self { mark: self.mark.min(time.saturating_add(self.mark.saturating_sub(before))), ..self }
    }

    /// Can the confirmed time end it before the other?
    pub(super) fn can_be_taken_back(self) -> bool {
        self.mark < self.end
    }

    fn was_taken_back(self, moment: Moment) -> bool {
        moment.now < self.claimed && self.mark <= moment.mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: u64, mark: u64) -> Moment {
        Moment { now, mark }
    }

    #[test]
    fn a_term_that_began_under_a_clock_ahead_ends_when_as_much_time_was_confirmed() {
        let term = Term::until(9_010, at(9_000, 100));
        assert!(!term.is_over(at(9_009, 109)) && !term.is_over(at(109, 109)));
        assert!(term.is_over(at(9_010, 105)) && !term.is_over_for_good(at(9_010, 105)));
        assert!(term.is_over_for_good(at(110, 110)), "the clock was taken back");
        assert!(!term.is_over(at(9_005, 9_005)), "the clock was right, and is confirmed");
        assert!(!Term::until(10, at(5, 5)).can_be_taken_back());
    }

    #[test]
    fn an_anchor_leaves_what_was_left() {
        let term = Term::until(9_010, at(9_000, 9_000)).anchored(9_004, 100);
        assert!(term.can_be_taken_back());
        assert!(!term.is_over(at(105, 105)) && term.is_over_for_good(at(106, 106)));
        assert_eq!(Term::until(20, at(10, 10)).anchored(15, 400), Term::until(20, at(10, 10)));
    }
}
