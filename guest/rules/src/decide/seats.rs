//! Seats: not decided by this policy yet, and therefore denied with a reason of their own.

use alloc::string::String;

use super::answer::Denial;
use crate::license::LimitKind;
use crate::reason;
use crate::types::{Charge, Context, Decision, Duration};
use crate::view::View;

/// Claims or renews seats for a holder. Denied: `limit-undecided` for a limit of seats, `kind-mismatch` for another.
///
/// # Errors
/// None; the signature is that of `wit/enforcement.wit`.
pub fn claim(
    view: &View,
    charge: &Charge,
    _holder: &str,
    _ttl: Option<Duration>,
    _context: &Context,
) -> Result<Decision, String> {
    if !view.usable {
        return Ok(Denial::new(&view.reason, &charge.limit).into());
    }
    Ok(undecided(view, &charge.limit))
}

/// Gives the holder's seats back. Denied as [`claim`] is, but never for the state of the license.
///
/// # Errors
/// None; the signature is that of `wit/enforcement.wit`.
pub fn release(view: &View, limit: &str, _holder: &str, _context: &Context) -> Result<Decision, String> {
    Ok(undecided(view, limit))
}

fn undecided(view: &View, name: &str) -> Decision {
    match view.limits.get(name) {
        None => Denial::unnamed(view, name).into(),
        Some(limit) if matches!(limit.kind, LimitKind::Seats | LimitKind::Other(_)) => {
            Denial::undecided(limit, name).into()
        }
        Some(_) => Denial::new(reason::KIND_MISMATCH, name).into(),
    }
}
