//! Dates as a person at a licensing desk writes them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Reads `2027-01-01` (the day's beginning in UTC), an RFC 3339 time, or a time from now: `30d`, `6mo`, `1y`. Seconds since 1970.
///
/// # Errors
/// What it should look like.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<i64, String> {
    parse_in(text, TimeZone::UTC, now)
}

/// The same, with a day that begins as it does in this time zone.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_in(text: &str, zone: TimeZone, now: Timestamp) -> Result<i64, String> {
    let moment = match text.parse::<Date>() {
        Ok(date) if text.len() == "2027-01-01".len() => date.to_zoned(zone).map(|day| day.timestamp()).ok(),
        _ => text.parse::<Timestamp>().ok().or_else(|| from_now(text, now)),
    };
    match moment.map(Timestamp::as_second) {
        Some(second) if second >= 0 => Ok(second),
        _ => Err(format!("`{text}` is no date: write 2027-01-01, 2027-01-01T12:00:00Z, or from now 30d, 6mo, 1y")),
    }
}

/// Checks a length of time, which licenses keep as it is written.
///
/// # Errors
/// What it should look like.
pub(crate) fn length(text: &str) -> Result<String, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let unit = text.get(digits.len()..).unwrap_or_default();
    if digits.parse::<u32>().is_ok()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && ["d", "h", "m", "s", "ms"].contains(&unit)
    {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no length of time: write a number with d, h, m, s or ms, such as 14d or 72h"))
}

/// Months and years are those of the calendar: a year from 2027-03-01 is 2028-03-01.
fn from_now(text: &str, now: Timestamp) -> Option<Timestamp> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let number: i64 = digits.parse::<u32>().ok()?.into();
    let unit = text.get(digits.len()..)?;
    let span = match unit {
        "h" => Span::new().try_hours(number).ok()?,
        "d" => Span::new().try_days(number).ok()?,
        "w" => Span::new().try_weeks(number).ok()?,
        "mo" => Span::new().try_months(number).ok()?,
        "y" => Span::new().try_years(number).ok()?,
        _ => return None,
    };
    now.to_zoned(TimeZone::UTC).checked_add(span).ok().map(|moment| moment.timestamp())
}

/// A second as RFC 3339, for people.
pub(crate) fn shown(second: u64) -> String {
    let moment = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    moment.map_or_else(|| second.to_string(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        let now: Timestamp = "2026-02-28T12:00:00Z".parse().unwrap();
        let day = Timestamp::as_second;
        for (text, expected) in [
            ("2027-01-01", "2027-01-01T00:00:00Z"),
            ("2027-01-01T12:00:00+02:00", "2027-01-01T10:00:00Z"),
            ("30d", "2026-03-30T12:00:00Z"),
            ("6mo", "2026-08-28T12:00:00Z"),
            ("1y", "2027-02-28T12:00:00Z"),
        ] {
            assert_eq!(parse(text, now), Ok(day(expected.parse().unwrap())), "{text}");
        }
        for text in ["", "soon", "1", "d", "-1d", "1m", "2027-13-01", "1969-12-31", "99999y", "2027-01-01T12:00"] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_have_one_number_and_one_unit() {
        for text in ["14d", "72h", "10m", "1s", "500ms"] {
            assert!(length(text).is_ok(), "{text}");
        }
        for text in ["", "14", "d", "1y", "+1d", "1.5h", "1 d"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
