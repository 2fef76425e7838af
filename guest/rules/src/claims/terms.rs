//! Claims about the time that a license is for: `ends` and `zone`, `maintenance`, `check_in`.

use alloc::string::String;
use alloc::vec::Vec;

use super::Fields;
use super::fields::invalid;
use crate::calendar::{Calendar, Every};
use crate::license::{CheckIn, Maintenance, ReleasedBy, Scope};
use crate::refusal::Refusal;
use crate::types::Instant;

/// `exp`, or where `ends` is `day` the end of the civil day in which it lies: in the time zone `zone` (an IANA name), which is UTC
/// unless told. A day may have 23 or 25 hours.
pub(super) fn day_end(
    claims: &mut Fields,
    expires: Option<Instant>,
    undecided: &mut Vec<String>,
) -> Result<Option<Instant>, Refusal> {
    let Some(ends) = claims.text("ends")? else { return Ok(expires) };
    let zone = claims.text("zone")?;
    if ends != "day" {
        undecided.push(String::from("ends"));
        return Ok(expires);
    }
    let expires = expires.ok_or_else(|| invalid("exp"))?;
    end_of_day(expires, zone.as_deref().unwrap_or("UTC")).ok_or_else(|| invalid("zone")).map(Some)
}

/// `maintenance: {until, by}`. By version it needs `scope.versions`, which then says all there is to say.
pub(super) fn maintenance(
    claims: &mut Fields,
    scope: &Scope,
    undecided: &mut Vec<String>,
) -> Result<Option<Maintenance>, Refusal> {
    if !claims.has("maintenance") {
        return Ok(None);
    }
    let mut fields = claims.object("maintenance")?;
    let until = fields.instant("until")?.ok_or_else(|| invalid(&fields.path("until")))?;
    let by = match fields.text("by")?.as_deref() {
        Some("version") if scope.versions.is_some() => ReleasedBy::Version,
        Some("release-date") => ReleasedBy::ReleaseDate,
        Some("version") | None => return Err(invalid(&fields.path("by"))),
        // What it narrows cannot be told; it stands in for something that would be refused anyway.
        Some(_) => {
            undecided.push(fields.path("by"));
            ReleasedBy::ReleaseDate
        }
    };
    undecided.extend(fields.left().map(|name| fields.path(name)));
    Ok(Some(Maintenance { until, by }))
}

/// `check_in: {every, tolerance}`: counted from `iat`, which must be there.
pub(super) fn check_in(
    claims: &mut Fields,
    issued: Option<Instant>,
    undecided: &mut Vec<String>,
) -> Result<Option<CheckIn>, Refusal> {
    if !claims.has("check_in") {
        return Ok(None);
    }
    let mut fields = claims.object("check_in")?;
    let every = fields.duration("every")?.filter(|every| *every > 0).ok_or_else(|| invalid(&fields.path("every")))?;
    let tolerance = fields.duration("tolerance")?.unwrap_or(0);
    undecided.extend(fields.left().map(|name| fields.path(name)));
    if issued.is_none() {
        return Err(invalid("iat"));
    }
    Ok(Some(CheckIn { every, tolerance }))
}

fn end_of_day(instant: Instant, zone: &str) -> Option<Instant> {
    Some(Calendar::new(Every::Day, zone)?.at(instant)?.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::to_text;

    #[test]
    fn a_day_ends_where_the_next_begins_whatever_its_length() {
        for (instant, zone, end) in [
            (1_798_761_599_000, "UTC", "2027-01-01T00:00:00Z"),
            (1_798_761_600_000, "UTC", "2027-01-02T00:00:00Z"),
            (1_798_761_599_000, "America/New_York", "2027-01-01T05:00:00Z"),
            (1_798_761_599_000, "Asia/Tokyo", "2027-01-01T15:00:00Z"),
            // 23 hours, 25 hours, and a day that lacks its midnight.
            (1_774_746_000_000, "Europe/Berlin", "2026-03-29T22:00:00Z"),
            (1_792_900_800_000, "Europe/Berlin", "2026-10-25T23:00:00Z"),
            (1_772_928_000_000, "America/Havana", "2026-03-08T05:00:00Z"),
        ] {
            assert_eq!(to_text(end_of_day(instant, zone).expect(zone)), end, "{zone}");
        }
        assert_eq!(end_of_day(0, "Mars/Olympus"), None);
        assert_eq!(end_of_day(u64::MAX, "UTC"), None);
    }
}
