//! The claims of a quota about time: `reset` with `anchor`, `zone` and `rollover`, or `term`.

use alloc::string::String;
use alloc::vec::Vec;

use super::fields::{Fields, invalid};
use crate::calendar::{Calendar, Every};
use crate::license::Stretch;
use crate::refusal::Refusal;
use crate::term::{LONGEST, SHORTEST};

/// What is not known, or stands beside the wrong claim, is left: it makes the limit undecided.
pub(super) fn read(fields: &mut Fields, undecided: &mut Vec<String>) -> Result<Option<Stretch>, Refusal> {
    let Some(reset) = fields.text("reset")? else { return term(fields) };
    let Some(calendar) = calendar(&reset, fields, undecided)? else { return Ok(None) };
    Ok(Some(Stretch::Calendar { calendar, rollover: fields.amount("rollover")?.unwrap_or(0) }))
}

/// `anchor`: for weeks the ISO weekday, otherwise the day of the month, or for quarters and years month and day as `"07-01"`; without a
/// month they begin in January.
fn calendar(reset: &str, fields: &mut Fields, undecided: &mut Vec<String>) -> Result<Option<Calendar>, Refusal> {
    let every = match reset {
        "day" => Every::Day,
        "week" => Every::Week(day(fields, 7)?),
        "month" => Every::Month(day(fields, 31)?),
        "quarter" => {
            let (month, day) = month_and_day(fields)?;
            Every::Quarter(month, day)
        }
        "year" => {
            let (month, day) = month_and_day(fields)?;
            Every::Year(month, day)
        }
        _ => {
            undecided.push(String::from("reset"));
            return Ok(None);
        }
    };
    let zone = fields.text("zone")?;
    let calendar = Calendar::new(every, zone.as_deref().unwrap_or("UTC"));
    if calendar.is_none() {
        undecided.push(String::from("zone"));
    }
    Ok(calendar)
}

fn term(fields: &mut Fields) -> Result<Option<Stretch>, Refusal> {
    let term = fields.duration("term")?;
    match term.is_none_or(|term| (SHORTEST..=LONGEST).contains(&term)) {
        true => Ok(term.map(Stretch::Term)),
        false => Err(invalid(&fields.path("term"))),
    }
}

fn day(fields: &mut Fields, last: u8) -> Result<u8, Refusal> {
    let anchor = fields.typed("anchor", |value| u8::try_from(value.as_u64()?).ok())?.unwrap_or(1);
    if (1..=last).contains(&anchor) { Ok(anchor) } else { Err(invalid(&fields.path("anchor"))) }
}

fn month_and_day(fields: &mut Fields) -> Result<(u8, u8), Refusal> {
    let number = |text: &str| text.parse().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let anchor = fields.typed("anchor", |value| match value.as_str() {
        Some(text) => text.split_once('-').and_then(|(month, day)| Some((number(month)?, number(day)?))),
        None => Some((1, u8::try_from(value.as_u64()?).ok()?)),
    })?;
    let (month, day) = anchor.unwrap_or((1, 1));
    let is_there = (1..=12).contains(&month) && (1..=31).contains(&day);
    if is_there { Ok((month, day)) } else { Err(invalid(&fields.path("anchor"))) }
}
