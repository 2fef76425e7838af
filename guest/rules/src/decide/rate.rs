//! Rates: buckets of tokens, which give back by themselves.
//!
//! A charge that finds its tokens takes them; one that does not takes nothing, be it denied or, where the license is open, let pass
//! (RFC 2697, section 3: what does not conform leaves the bucket as it is). What is used of a rate are the tokens that are gone.

use alloc::format;
use alloc::string::{String, ToString};

use super::slot::Slot;
use super::store;
use crate::counters::{Counters, Draw};
use crate::license::{Enforce, Rate};
use crate::reason;
use crate::types::{Duration, Warning};
use crate::view::HeldAs;

/// Learns how many tokens are gone, and how long a charge has to wait. Of what is held in no bucket, asks nothing.
pub(super) fn look(slot: &mut Slot<'_>, amount: u128, counters: &dyn Counters) -> Result<(), String> {
    let HeldAs::Bucket { rate, .. } = slot.held_as else { return Ok(()) };
    if slot.unknown {
        return Err(store::unfit());
    }
    let supply = counters.level(&draw(slot, rate, u64::try_from(amount).unwrap_or(u64::MAX)));
    slot.held = slot.ceiling().saturating_sub(supply.tokens);
    slot.wait = supply.wait;
    Ok(())
}

/// Puts a charge on the slot of a rate. Err: it does not fit, why, and when it will; none: never.
pub(super) fn fit(slot: &mut Slot<'_>, amount: u128) -> Result<(), (&'static str, Option<Duration>)> {
    let HeldAs::Bucket { enforce, .. } = slot.held_as else { return Ok(()) };
    slot.part = u64::try_from(amount).unwrap_or(u64::MAX);
    if amount <= u128::from(tokens(slot)) || enforce.is_open() {
        Ok(())
    } else if amount > u128::from(slot.ceiling()) || slot.wait == Duration::MAX {
        Err((reason::BURST_EXCEEDED, None))
    } else {
        Err((reason::RATE_EXCEEDED, Some(slot.wait)))
    }
}

/// What a charge takes out of the slot's bucket; none where it takes nothing.
pub(super) fn drawn(slot: &Slot<'_>) -> Option<Draw> {
    let HeldAs::Bucket { rate, .. } = slot.held_as else { return None };
    (0 < slot.part && slot.part <= tokens(slot)).then(|| draw(slot, rate, slot.part))
}

/// Says that a charge passes though it comes faster than was agreed on.
pub(super) fn warning(limit: &str, slot: &Slot<'_>) -> Option<Warning> {
    let HeldAs::Bucket { rate, enforce } = slot.held_as else { return None };
    let Rate { refill, every, burst } = rate;
    (slot.part > 0 && slot.held.saturating_add(slot.part) > burst && enforce != Enforce::Meter).then(|| Warning {
        reason: reason::RATE_EXCEEDED.to_string(),
        subject: Some(limit.to_string()),
        text: format!("limit `{limit}` is used faster than {refill} in {every} ms"),
    })
}

/// What is left in the bucket.
fn tokens(slot: &Slot<'_>) -> u64 {
    slot.ceiling().saturating_sub(slot.held)
}

fn draw(slot: &Slot<'_>, rate: Rate, tokens: u64) -> Draw {
    let Rate { refill, every, .. } = rate;
    Draw { counter: slot.counter.clone(), tokens, capacity: slot.ceiling(), refill, every }
}
