//! Lengths of time as a license spells them: `14d`, `72h`, `10m`, `1s`, `500ms`.

use alloc::string::{String, ToString};

use crate::types::Duration;

/// A day, in milliseconds.
pub const DAY: Duration = 24 * HOUR;
/// An hour.
pub const HOUR: Duration = 60 * MINUTE;
/// A minute.
pub const MINUTE: Duration = 60 * SECOND;
/// A second.
pub const SECOND: Duration = 1000;

/// Reads a whole number and one unit, without sign, space or fraction. None where it is anything else, or more milliseconds
/// than a u64 holds.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = match unit {
        "d" => DAY,
        "h" => HOUR,
        "m" => MINUTE,
        "s" => SECOND,
        "ms" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// The same length of time, however it was spelled, in the largest unit that measures it.
pub fn to_text(duration: Duration) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
    let (length, unit) = units.into_iter().find(|(length, _)| duration.is_multiple_of(*length)).unwrap_or((1, "ms"));
    [&(duration / length).to_string(), unit].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read() {
        let read = ["14d", "72h", "10m", "1s", "500ms", "0s"].map(parse);
        assert_eq!(read, [1_209_600_000, 259_200_000, 600_000, 1_000, 500, 0].map(Some));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "d", "14", "14 d", " 14d", "14d ", "+14d", "-1d", "1.5h", "1e3s", "14D", "1w", "1dd", "1µs", "१d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_written_reads_back_in_the_largest_unit() {
        for (duration, text) in
            [(30 * DAY, "30d"), (36 * HOUR, "36h"), (90 * MINUTE, "90m"), (61 * SECOND, "61s"), (1_001, "1001ms")]
        {
            assert_eq!((to_text(duration).as_str(), parse(text)), (text, Some(duration)));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(parse("18446744073709551615ms"), Some(u64::MAX));
        assert_eq!(parse("18446744073709551616ms"), None);
        assert_eq!(parse("213503982335d"), None);
        assert_eq!(parse("213503982334d"), Some(213_503_982_334 * DAY));
    }
}
