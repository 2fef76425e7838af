//! Instants, as a license counts them (RFC 7519 NumericDate) and as a person reads them (RFC 3339).

use alloc::format;
use alloc::string::String;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::duration::{DAY, HOUR, MINUTE, SECOND};
use crate::types::Instant;

/// The last second of the year 9999; what lies beyond is a mistake in the license, such as milliseconds given for seconds.
const LAST_SECOND: u64 = 253_402_300_799;

/// Seconds since 1970 to an instant; none beyond the year 9999.
pub fn from_seconds(seconds: u64) -> Option<Instant> {
    (seconds <= LAST_SECOND).then_some(seconds.saturating_mul(SECOND))
}

/// A date (its beginning in UTC) or a time of RFC 3339, as a product tells when it was released. None: it is neither, or before 1970.
pub fn from_date(text: &str) -> Option<Instant> {
    let moment = match text.parse::<Date>() {
        Ok(date) if text.len() == "2026-11-23".len() => date.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        _ => return from_text(text),
    };
    u64::try_from(moment.as_millisecond()).ok()
}

/// A time of RFC 3339; what is below a millisecond is cut off. None: it is none, or lies before 1970.
pub fn from_text(text: &str) -> Option<Instant> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

/// As `2026-11-23T02:00:49Z`; milliseconds are cut off. The civil date is reckoned as in Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`: years begin in March, so that the leap day is the last.
pub fn to_text(instant: Instant) -> String {
    let days = instant / DAY + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (instant % DAY / HOUR, instant % HOUR / MINUTE, instant % MINUTE / SECOND);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_are_right_at_their_edges() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_798_761_600, "2027-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST_SECOND, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(to_text(seconds * SECOND + 999), text);
        }
        to_text(u64::MAX);
    }

    #[test]
    fn times_in_text_are_read_and_nothing_else() {
        assert_eq!(from_text("2025-12-05T16:49:12.964Z"), Some(1_764_953_352_964));
        assert_eq!(from_text("2025-12-05T17:49:12.9649+01:00"), Some(1_764_953_352_964));
        assert_eq!(from_text("9999-12-30T22:00:00Z"), Some(253_402_207_200_000));
        for text in [
            "",
            "soon",
            "2025-12-05",
            "2025-12-05T16:49:12",
            "1969-12-31T23:59:59Z",
            "1764953352",
            "2025-13-01T00:00:00Z",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn the_year_10000_is_refused() {
        assert_eq!(from_seconds(LAST_SECOND), Some(LAST_SECOND * SECOND));
        assert_eq!(from_seconds(LAST_SECOND + 1), None);
    }
}
