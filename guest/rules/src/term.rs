//! Rolling terms: a budget for whatever stretch of 30 days (or of another length).
//!
//! Time is cut into **slices** of a thirtieth of the term, and each slice has a counter of its own. Any stretch as long as the term
//! touches 31 slices at most, so that their sum bounds it: what was used comes back after the term, and at most one slice later. The slices
//! that lie ahead count too, so that a clock that ran ahead and was put back gains nothing.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::duration::{self, HOUR};
use crate::instant::to_text;
use crate::types::{Duration, Instant};

/// Into so many slices a term is cut.
const SLICES: u64 = 30;
/// The shortest term: what is shorter is a rate. Its slices, two minutes long, are numbered within 32 bits until the year 9999.
pub const SHORTEST: Duration = HOUR;
/// The longest term: a hundred years.
pub const LONGEST: Duration = 36_525 * duration::DAY;

/// The slices that count at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The term as a license spells it; the same for one length, however it was spelled.
    pub term: String,
    /// The slice that the moment lies in.
    pub present: Slice,
    /// Those that a stretch through the present one can touch, before it and after it, in their order.
    pub others: Vec<Slice>,
    /// Milliseconds of a slice.
    length: Duration,
}

/// A part of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Slices of this length before it, since 1970.
    pub number: u64,
    /// The PERIOD part of its counter's name: its first instant and the term.
    pub label: String,
}

impl Window {
    /// The window of a term, which is not shorter than [`SHORTEST`] and not longer than [`LONGEST`]. None: time has run out of numbers for
    /// its slices.
    pub fn at(term: Duration, now: Instant) -> Option<Self> {
        let length = term.div_ceil(SLICES).max(1);
        let term = duration::to_text(term);
        let slice = |number: u64| {
            let begins = to_text(number.saturating_mul(length));
            Slice { number, label: format!("{begins}/{term}") }
        };
        let present = now / length;
        let last = u32::try_from(present).ok()?.checked_add(u32::try_from(SLICES).ok()?)?;
        let around = present.saturating_sub(SLICES)..=u64::from(last);
        let others = around.filter(|number| *number != present).map(slice).collect();
        Some(Self { present: slice(present), others, length, term })
    }

    /// When the present slice ends.
    pub fn until(&self) -> Instant {
        self.present.number.saturating_add(1).saturating_mul(self.length)
    }

    /// When what was used in a slice comes back.
    pub fn comes_back(&self, slice: &Slice) -> Instant {
        slice.number.saturating_add(SLICES + 1).saturating_mul(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration::{DAY, MINUTE};

    #[test]
    fn a_window_covers_every_stretch_of_its_term_that_touches_the_moment() {
        for (term, now) in
            [(30 * DAY, 1_795_000_000_000), (HOUR, 7_200_001), (HOUR + 1, 5), (7 * DAY, u64::from(u32::MAX))]
        {
            let window = Window::at(term, now).unwrap();
            let first = window.others[0].number.min(window.present.number) * window.length;
            let last = (window.others.last().unwrap().number + 1) * window.length;
            assert!(first <= now.saturating_sub(term) && last > now + term, "{term} {now}");
            assert!(window.present.number * window.length <= now && now < window.until());
            let back = window.comes_back(&window.present);
            assert!(back >= window.until() + term && back <= now + term + 2 * window.length, "{term} {now}");
        }
    }

    #[test]
    fn slices_are_named_by_their_beginning_and_the_term() {
        let window = Window::at(30 * DAY, 1_795_000_000_000).unwrap();
        assert_eq!(window.present.label, "2026-11-18T00:00:00Z/30d");
        assert_eq!(window.others.len(), 60);
        assert_eq!(window.others[0].label, "2026-10-19T00:00:00Z/30d");
        assert_eq!(Window::at(24 * HOUR, 0).unwrap().present.label, "1970-01-01T00:00:00Z/1d");
        assert_eq!(Window::at(90 * MINUTE, 0).unwrap().present.label, "1970-01-01T00:00:00Z/90m");
        assert_eq!(Window::at(HOUR, u64::MAX), None);
        // The shortest slice that a term may have: its number fits into 32 bits for as long as there are dates.
        let last = 253_402_300_799_000;
        assert!(Window::at(SHORTEST, last).unwrap().others.iter().all(|slice| u32::try_from(slice.number).is_ok()));
    }
}
