//! Periods of the civil calendar: days, weeks, months, quarters and years, as they begin in a time zone.
//!
//! A period is named by a civil **label** (`2026-11`, `2026-W47`), and the label is the name of its counter: nothing is ever reset. Neither
//! the time zone nor the anchor is in it, and each label has one period: so a license that comes with another zone or another anchor
//! goes on in the counter that has the label, and however often they change, there are as many budgets as there are days, weeks or
//! months. A period that begins on another day than the first belongs to the month (quarter, year, ISO week) that it begins in.
//!
//! A period is a range of instants, from midnight on its first day to midnight on the first day of the next. Where the clock jumps over
//! midnight, the moment stands for it that RFC 5545 section 3.3.5 gives it; where midnight comes twice, the first. So each
//! instant is in one period, also where the civil clock reads the date before once more; and a day that never was has no length.

use alloc::format;
use alloc::string::String;
use core::mem::{Discriminant, discriminant};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::types::Instant;

const DAY_SECONDS: i64 = 86_400;
/// 1970-01-01 was a Thursday; its ISO week began so many days before.
const MONDAY: i64 = -3;

/// How often a new period begins, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    every: Every,
    zone: TimeZone,
}

/// What a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// A civil day.
    Day,
    /// Seven days from this weekday on: 1 is Monday, 7 is Sunday.
    Week(u8),
    /// From this day of a month on, or from the last where the month is shorter.
    Month(u8),
    /// The same, every three months from this month on (1 to 12).
    Quarter(u8, u8),
    /// The same, every year in this month.
    Year(u8, u8),
}

/// A stretch of time that has one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its civil name; unique among the periods of this length, whatever their zone and anchor.
    pub label: String,
    /// Its first instant; 0 where it began before 1970.
    pub from: Instant,
    /// When the next one begins.
    pub until: Instant,
}

impl Calendar {
    /// Periods in a time zone by its IANA name. None: the bundled database does not have it.
    pub fn new(every: Every, zone: &str) -> Option<Self> {
        Some(Self { every, zone: TimeZone::get(zone).ok()? })
    }

    /// How long its periods are: alike in all calendars of days, of weeks and so on, wherever the periods begin.
    pub fn length(&self) -> Discriminant<Every> {
        discriminant(&self.every)
    }

    /// The period that an instant lies in. None: the calendar ends before the next, with the year 9999.
    pub fn at(&self, now: Instant) -> Option<Period> {
        let moment = Timestamp::from_millisecond(i64::try_from(now).ok()?).ok()?;
        let mut number = self.every.number(self.zone.to_datetime(moment).date())?;
        while self.begins(number + 1)? <= now {
            number += 1;
        }
        while number > 0 && self.begins(number)? > now {
            number -= 1;
        }
        Some(Period { label: self.every.label(number)?, from: self.begins(number)?, until: self.begins(number + 1)? })
    }

    /// An instant as clocks in the zone show it, to the minute: `2026-12-01 00:00 America/New_York`. None: the calendar has no such
    /// instant.
    pub fn show(&self, instant: Instant) -> Option<String> {
        let moment = Timestamp::from_millisecond(i64::try_from(instant).ok()?).ok()?;
        let shown = self.zone.to_datetime(moment);
        let (date, time) = (shown.date(), shown.time());
        Some(format!("{date} {:02}:{:02} {}", time.hour(), time.minute(), self.zone.iana_name()?))
    }

    fn begins(&self, number: i64) -> Option<Instant> {
        let midnight = DateTime::from(self.every.first_day(number)?);
        Some(u64::try_from(self.zone.to_timestamp(midnight).ok()?.as_millisecond()).unwrap_or(0))
    }
}

/// Periods are numbered, so that the number of one and the next differ by one: days and weeks since 1970, months, quarters and years since
/// the year 0.
impl Every {
    fn number(self, date: Date) -> Option<i64> {
        let month = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
        let number = match (self, self.months()) {
            (_, Some((months, first, _))) => (month - first).div_euclid(months),
            (Self::Week(weekday), _) => (days(date) - MONDAY - i64::from(weekday) + 1).div_euclid(7),
            _ => days(date),
        };
        // In its first month a period may not have begun.
        Some(if self.first_day(number)? > date { number - 1 } else { number })
    }

    fn first_day(self, number: i64) -> Option<Date> {
        match (self, self.months()) {
            (_, Some((months, first, day))) => {
                let month = number.checked_mul(months)?.checked_add(first)?;
                let year = i16::try_from(month.div_euclid(12)).ok()?;
                let first = Date::new(year, i8::try_from(month.rem_euclid(12)).ok()? + 1, 1).ok()?;
                let day = i8::try_from(day).ok()?.min(first.days_in_month());
                Date::new(year, first.month(), day).ok()
            }
            (Self::Week(weekday), _) => date(number.checked_mul(7)? + MONDAY + i64::from(weekday) - 1),
            _ => date(number),
        }
    }

    fn label(self, number: i64) -> Option<String> {
        let first = self.first_day(number)?;
        let (year, month) = (first.year(), first.month());
        Some(match self {
            Self::Day => format!("{year:04}-{month:02}-{:02}", first.day()),
            Self::Week(_) => {
                let week = first.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month(_) => format!("{year:04}-{month:02}"),
            Self::Quarter(..) => format!("{year:04}-Q{}", (month - 1) / 3 + 1),
            Self::Year(..) => format!("{year:04}"),
        })
    }

    /// How many months long, the first month of the first one, and the day it begins on; none: it is counted in days.
    fn months(self) -> Option<(i64, i64, u8)> {
        match self {
            Self::Day | Self::Week(_) => None,
            Self::Month(day) => Some((1, 0, day)),
            Self::Quarter(month, day) => Some((3, (i64::from(month) - 1).rem_euclid(3), day)),
            Self::Year(month, day) => Some((12, i64::from(month) - 1, day)),
        }
    }
}

/// Since 1970.
fn days(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_secs() / DAY_SECONDS
}

fn date(days: i64) -> Option<Date> {
    let midnight = Timestamp::from_second(days.checked_mul(DAY_SECONDS)?).ok()?;
    Some(TimeZone::UTC.to_datetime(midnight).date())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::{from_text, to_text};

    /// The label of the period that a time lies in, when it began and when it ends.
    fn period(every: Every, zone: &str, now: &str) -> (String, String, String) {
        let period = Calendar::new(every, zone).unwrap().at(from_text(now).unwrap()).unwrap();
        (period.label, to_text(period.from), to_text(period.until))
    }

    #[test]
    fn each_instant_lies_in_one_period_and_a_period_ends_where_the_next_begins() {
        let zones =
            ["UTC", "America/New_York", "Pacific/Apia", "America/Havana", "America/Goose_Bay", "Asia/Kathmandu"];
        let kinds = [
            Every::Day,
            Every::Week(1),
            Every::Week(7),
            Every::Month(1),
            Every::Month(31),
            Every::Quarter(2, 30),
            Every::Year(2, 29),
        ];
        for (zone, every) in zones.iter().flat_map(|zone| kinds.map(|every| (zone, every))) {
            let calendar = Calendar::new(every, zone).unwrap();
            for begin in
                ["2011-12-25T00:00:00Z", "2010-11-05T00:00:00Z", "2026-03-06T00:00:00Z", "2038-01-17T00:00:00Z"]
            {
                let mut now = from_text(begin).unwrap();
                let mut before: Option<Period> = None;
                for _ in 0..400 {
                    let period = calendar.at(now).unwrap();
                    assert!(period.from <= now && now < period.until, "{zone} {every:?} {}", to_text(now));
                    if let Some(before) = before.filter(|before| *before != period) {
                        assert_eq!(before.until, period.from, "{zone} {every:?} {}", to_text(now));
                        assert!(before.label < period.label, "{zone} {every:?} {}", to_text(now));
                    }
                    before = Some(period);
                    now += 30 * 60 * 1000 - 1;
                }
            }
        }
    }

    #[test]
    fn days_have_the_length_that_the_clock_gives_them() {
        for (zone, now, label, from, until) in [
            ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            // No midnight on the 8th: the clock goes from 00:00 to 01:00.
            ("America/Havana", "2026-03-08T05:00:00Z", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
            // The 30th of December never was.
            ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
            // At 00:01 the clock went back to 23:01, so that midnight came twice; the day before does not come back.
            ("America/Goose_Bay", "2010-11-07T02:59:59Z", "2010-11-06", "2010-11-06T03:00:00Z", "2010-11-07T03:00:00Z"),
            ("America/Goose_Bay", "2010-11-07T03:30:00Z", "2010-11-07", "2010-11-07T03:00:00Z", "2010-11-08T04:00:00Z"),
        ] {
            assert_eq!(period(Every::Day, zone, now), (label.into(), from.into(), until.into()), "{zone} {now}");
        }
    }

    #[test]
    fn anchors_move_the_beginning_and_not_the_label() {
        let midnights = |every, now: &str| {
            let (label, from, until) = period(every, "UTC", now);
            (label, from.replace("T00:00:00Z", ""), until.replace("T00:00:00Z", ""))
        };
        for (every, now, label, from, until) in [
            (Every::Month(31), "2026-02-27T00:00:00Z", "2026-01", "2026-01-31", "2026-02-28"),
            (Every::Month(31), "2026-02-28T00:00:00Z", "2026-02", "2026-02-28", "2026-03-31"),
            (Every::Month(31), "2028-02-29T00:00:00Z", "2028-02", "2028-02-29", "2028-03-31"),
            (Every::Month(31), "2028-02-28T00:00:00Z", "2028-01", "2028-01-31", "2028-02-29"),
            (Every::Month(15), "2026-01-14T00:00:00Z", "2025-12", "2025-12-15", "2026-01-15"),
            (Every::Week(1), "2026-11-22T23:59:59Z", "2026-W47", "2026-11-16", "2026-11-23"),
            (Every::Week(7), "2026-11-22T00:00:00Z", "2026-W47", "2026-11-22", "2026-11-29"),
            (Every::Week(1), "2027-01-01T00:00:00Z", "2026-W53", "2026-12-28", "2027-01-04"),
            (Every::Week(4), "2026-12-31T00:00:00Z", "2026-W53", "2026-12-31", "2027-01-07"),
            (Every::Quarter(1, 1), "2026-06-30T00:00:00Z", "2026-Q2", "2026-04-01", "2026-07-01"),
            (Every::Quarter(11, 30), "2026-02-27T00:00:00Z", "2025-Q4", "2025-11-30", "2026-02-28"),
            (Every::Quarter(2, 30), "2026-02-28T00:00:00Z", "2026-Q1", "2026-02-28", "2026-05-30"),
            (Every::Year(7, 1), "2026-06-30T00:00:00Z", "2025", "2025-07-01", "2026-07-01"),
            (Every::Year(2, 29), "2027-02-28T00:00:00Z", "2027", "2027-02-28", "2028-02-29"),
            (Every::Month(1), "2038-01-19T03:14:08Z", "2038-01", "2038-01-01", "2038-02-01"),
            (Every::Year(1, 1), "2107-06-01T00:00:00Z", "2107", "2107-01-01", "2108-01-01"),
        ] {
            assert_eq!(midnights(every, now), (label.into(), from.into(), until.into()), "{every:?} {now}");
        }
    }

    #[test]
    fn the_calendar_ends_with_the_year_9999_and_begins_with_1970() {
        let months = Calendar::new(Every::Month(1), "UTC").unwrap();
        assert!(months.at(from_text("9999-11-30T23:59:59Z").unwrap()).is_some());
        assert_eq!(months.at(from_text("9999-12-01T00:00:00Z").unwrap()), None);
        assert_eq!(months.at(u64::MAX), None);
        let first = Calendar::new(Every::Day, "America/New_York").unwrap().at(0).unwrap();
        assert_eq!((&*first.label, first.from, first.until), ("1969-12-31", 0, 5 * 3_600_000));
        assert_eq!(Calendar::new(Every::Day, "Mars/Olympus"), None);
    }
}
