//! The level of a gauge that the product counts by itself.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::Denial;
use super::record::{Record, Share};
use super::request::Request;
use super::store;
use super::target::{self, Target};
use crate::counters::{Counters, Entry};
use crate::license::LimitKind;
use crate::reason;
use crate::types::{Charge, Context, Decision};
use crate::view::View;

/// Sets a gauge to what was measured. A limit that is known is recorded always: above its maximum, and then denied as
/// `limit-exceeded`; and without a license that holds for it, when only a rise is denied.
///
/// Denied and not recorded: `request-invalid`, `not-licensed` (the reason of the view where no license holds), `kind-mismatch`,
/// `limit-undecided`, `tenant-required`. A `once` key has no meaning here: measuring may be repeated.
///
/// # Errors
/// A reason why nothing was decided: one of [`reason::COUNTERS`].
pub fn measure(view: &View, charge: &Charge, context: &Context, counters: &dyn Counters) -> Result<Decision, String> {
    let mut target = match gauge(view, charge, context) {
        Ok(target) => target,
        Err(denial) => return Ok(denial.into()),
    };
    let value = charge.amount;
    target::read(core::iter::once(&mut target), counters)?;
    // A gauge has exactly one counter; one without any is limited by nothing that was signed.
    let Some(slot) = target.slots.first_mut() else {
        return Ok(Denial::unnamed(view, &charge.limit).into());
    };
    let (license, ceiling) = (slot.license, slot.ceiling());
    let before = counters.set(&slot.counter, value).map_err(store::failed)?;
    slot.held = value;
    if let Some(alert) = target.calm(value) {
        // What was measured is recorded: where this fails, it is for the next one to do.
        drop(counters.set(&alert, 0));
    }
    let usage = target.usage();
    let denied =
        |reason| Denial { license: Some(license), usage: Vec::from([usage]), ..Denial::new(reason, &charge.limit) };
    if value > before && !view.usable {
        return Ok(denied(&view.reason).into());
    }
    if value > before && !view.limits.contains_key(&charge.limit) {
        return Ok(denied(reason::NOT_LICENSED).into());
    }
    if value > ceiling {
        return Ok(denied(reason::LIMIT_EXCEEDED).into());
    }
    let is_first = target.alert(value).is_some_and(|alert| {
        // Along with the level, though it stays: what is said of one is never changed without the other.
        let level = target.slots.first().map(|slot| Entry { slack: 0, ceiling: u64::MAX, amount: 0, ..slot.entry() });
        counters.add(&[alert].into_iter().chain(level).collect::<Vec<_>>(), &[], None).is_ok()
    });
    let share = Share { warns: target.warns(value, is_first), ..target.share(|_| true) };
    let record = Record { license: license.to_string(), shares: Vec::from([share]), warnings: view.warnings.clone() };
    Ok(record.decision(&charge.limit, context.tenant.as_deref(), &[]))
}

fn gauge<'a>(view: &'a View, charge: &'a Charge, context: &'a Context) -> Result<Target<'a>, Denial<'a>> {
    let request = Request::new(core::slice::from_ref(charge), context)?;
    let limit = view.limits.get(request.subject).or_else(|| view.ended.get(request.subject));
    match limit.map(|limit| &limit.kind) {
        Some(LimitKind::Quota | LimitKind::Rate | LimitKind::Seats) => {
            Err(Denial::new(reason::KIND_MISMATCH, request.subject))
        }
        _ => Target::find_to_give_back(view, request.subject, request.tenant),
    }
}
