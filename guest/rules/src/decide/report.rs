//! What is used of every limit.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::request::is_within;
use super::slot::{Slot, slots};
use super::target::{self, Target};
use super::{rate, seats};
use crate::counters::Counters;
use crate::reason;
use crate::types::{Attribute, Usage};
use crate::view::View;

/// Every limit of the view by name, and what is used of it: of counters all at one moment, of a rate the tokens that are gone.
///
/// For a tenant: all limits, those that are counted for the license as a whole too. Without one: only these. The details of a limit have
/// its terms, as the licenses spell them. One that cannot be decided stands with nothing used, and they say why as `undecided`. Where most
/// of it is used, they have the `warning`, until the use has fallen clearly; `resets` is when the next period begins, as clocks in its
/// zone show it.
///
/// # Errors
/// `request-invalid` for a tenant that is empty or too long, or one of [`reason::COUNTERS`].
pub fn report(view: &View, tenant: Option<&str>, counters: &dyn Counters) -> Result<Vec<Usage>, String> {
    if !tenant.is_none_or(is_within) {
        return Err(reason::REQUEST_INVALID.to_string());
    }
    let mut lines: Vec<(Target<'_>, Vec<Attribute>)> = Vec::with_capacity(view.limits.len());
    for (name, limit) in &view.limits {
        if tenant.is_none() && limit.budgets.iter().all(|budget| budget.per_tenant) {
            continue;
        }
        let mut details = limit.details();
        let mut slots = slots(name, limit, tenant).unwrap_or_else(|| {
            // Nothing can be counted under such a name, so nothing is used.
            details.push(Attribute::new("undecided", "name-too-long"));
            Vec::new()
        });
        if limit.undecided.is_empty() {
            slots.iter_mut().try_for_each(|slot| {
                rate::look(slot, 0, counters)?;
                seats::look(slot, "", counters)
            })?;
        }
        lines.push((Target::new(name, limit, tenant, slots), details));
    }
    let targets = lines.iter_mut().map(|(target, _)| target);
    target::read(targets.filter(|target| target.limit.undecided.is_empty()), counters)?;
    Ok(lines
        .into_iter()
        .map(|(target, details)| {
            let usage = target.usage();
            let resets = target.slots.iter().find_map(Slot::shown_reset).map(|shown| Attribute::new("resets", shown));
            let warning = target.stands(usage.used).then(|| Attribute::new("warning", reason::USAGE_HIGH));
            let details = details.into_iter().chain(usage.details).chain(resets).chain(warning);
            Usage { details: details.collect(), ..usage }
        })
        .collect())
}
