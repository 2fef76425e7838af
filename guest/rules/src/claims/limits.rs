//! `limits`: how much, of what, counted how.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::fields::{invalid, shown};
use super::{Fields, NAME, named, stretch};
use crate::license::{Allowance, Enforce, LimitKind, LimitTerms, Rate};
use crate::refusal::Refusal;
use crate::types::Duration;

pub(super) fn read(fields: Fields) -> Result<BTreeMap<String, LimitTerms>, Refusal> {
    let path = fields.path("");
    let mut limits = BTreeMap::new();
    for (name, value) in fields.into_left() {
        let path = format!("{path}{name}");
        if !named(&name) {
            return Err(invalid(&path));
        }
        limits.insert(name, terms(Fields::at(&path, value)?)?);
    }
    Ok(limits)
}

/// The terms of one limit. Whatever is not known might narrow it, so that it makes the limit undecided.
fn terms(mut fields: Fields) -> Result<LimitTerms, Refusal> {
    let kind = match fields.text("kind")? {
        None => return Err(invalid(&fields.path("kind"))),
        Some(kind) => match kind.as_str() {
            "quota" => LimitKind::Quota,
            "gauge" => LimitKind::Gauge,
            "rate" => LimitKind::Rate,
            "seats" => LimitKind::Seats,
            _ => LimitKind::Other(kind),
        },
    };
    let mut undecided = Vec::new();
    if matches!(kind, LimitKind::Other(_)) {
        undecided.push(shown("", Value::String(format!("kind={}", kind.as_str()))).value);
    }
    let max = match (fields.take("max"), &kind) {
        (Some(Value::Null), _) => None,
        (Some(value), _) if value.is_u64() => value.as_u64(),
        // What a newer vendor's kind is measured in is not ours to judge; it is denied anyway.
        (_, LimitKind::Other(_)) => Some(0),
        _ => return Err(invalid(&fields.path("max"))),
    };
    let details = fields.shown();
    let rate = if kind == LimitKind::Rate { rate(&mut fields, max)? } else { None };
    let ttl = if kind == LimitKind::Seats { ttl(&mut fields)? } else { None };
    let per_tenant = fields.text("per")?.map(|per| per == "tenant");
    if per_tenant == Some(false) {
        undecided.push(String::from("per"));
    }
    let enforce = match fields.text("enforce")?.as_deref() {
        None | Some("hard") => Enforce::Hard,
        Some("soft") => Enforce::Soft,
        Some("meter") => Enforce::Meter,
        Some("overage") => Enforce::Overage(allowance(&mut fields)?),
        Some(_) => {
            undecided.push(String::from("enforce"));
            Enforce::Hard
        }
    };
    let stretch = if kind == LimitKind::Quota { stretch::read(&mut fields, &mut undecided)? } else { None };
    let account = fields.text("account")?;
    if account.as_ref().is_some_and(|account| !(1..=NAME).contains(&account.len())) {
        return Err(invalid(&fields.path("account")));
    }
    let (refund, slack, warn) = (fields.flag("refund")?, fields.amount("slack")?, fields.percent("warn")?);
    undecided.extend(fields.left().map(String::from));
    Ok(LimitTerms {
        kind,
        max,
        rate,
        enforce,
        per_tenant: per_tenant.unwrap_or(false),
        ttl,
        refund: refund.unwrap_or(false),
        slack: slack.unwrap_or(0),
        warn,
        account,
        stretch,
        undecided,
        details,
    })
}

/// `every`, without which nobody knows how fast it is, and `burst`. What is unlimited has neither; a `burst` of it narrows it in a way
/// that nobody knows.
fn rate(fields: &mut Fields, max: Option<u64>) -> Result<Option<Rate>, Refusal> {
    let every = fields.duration("every")?.filter(|every| *every > 0);
    let Some(refill) = max else { return Ok(None) };
    let every = every.ok_or_else(|| invalid(&fields.path("every")))?;
    Ok(Some(Rate { refill, every, burst: fields.amount("burst")?.unwrap_or(refill) }))
}

/// A seat that lasts no time is none.
fn ttl(fields: &mut Fields) -> Result<Option<Duration>, Refusal> {
    let ttl = fields.duration("ttl")?;
    if ttl == Some(0) { Err(invalid(&fields.path("ttl"))) } else { Ok(ttl) }
}

/// `1000`, or `"10%"` of the maximum. Overage without it would be without an end, so that it must be there.
fn allowance(fields: &mut Fields) -> Result<Allowance, Refusal> {
    let value = fields.take("allowance");
    let units = value.as_ref().and_then(Value::as_u64).map(Allowance::Units);
    let percent = || {
        let digits = value.as_ref()?.as_str()?.strip_suffix('%')?;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Allowance::Percent)).flatten()
    };
    units.or_else(percent).ok_or_else(|| invalid(&fields.path("allowance")))
}
