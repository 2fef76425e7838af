//! The GENERATION of a counter: how many signed orders have reset it.
//!
//! An order counts the limit of an account anew by raising its generation, so that the counter has another name from then on
//! ([`crate::counter_name`]); what was counted before stays as it was. The generation lives in a counter of the policy's own,
//! `own/reset/LIMIT/TENANT/ACCOUNT`, and is raised in the same step in which `own/order/ID`, whose ceiling is 1, is set: so each
//! order counts once, and goes on counting when its document is gone. The names of those
//! of tenants are the members of the pool `own/reset`, for they could not be guessed.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use crate::counter_name::{decode, own};

/// The names of these counters begin so.
const OWN: &str = "own/reset/";

/// The generations of one limit and account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resets {
    /// Orders for all tenants, and for what is counted for the license as a whole.
    pub all: u64,
    /// Orders for one tenant.
    pub tenants: BTreeMap<String, u64>,
    /// The counters gave no answer when the documents were loaded: nothing may be counted, since nobody knows where.
    pub unknown: bool,
}

impl Resets {
    /// The GENERATION part of the counter's name: empty where no order has reset it. It only rises, since each order raises one of
    /// the two that it is the sum of.
    pub fn generation(&self, tenant: Option<&str>) -> String {
        let own = tenant.and_then(|tenant| self.tenants.get(tenant)).copied().unwrap_or(0);
        match self.all.saturating_add(own) {
            0 => String::new(),
            generation => generation.to_string(),
        }
    }
}

/// The counter that remembers an order. None: its name would be too long.
pub(crate) fn order(id: &str) -> Option<String> {
    own(&["order", id])
}

/// The counter that holds the generation of a limit and account, for one tenant or, where that is empty, for all. None: its name
/// would be too long.
pub(crate) fn counter(limit: &str, tenant: &str, account: &str) -> Option<String> {
    own(&["reset", limit, tenant, account])
}

/// The tenant of such a counter; empty for all. None: it is not of this limit and account.
pub(crate) fn tenant(counter: &str, limit: &str, account: &str) -> Option<String> {
    let mut parts = counter.strip_prefix(OWN)?.split('/');
    let is_limit = parts.next().and_then(decode)? == limit;
    let tenant = parts.next().and_then(decode)?;
    (is_limit && parts.next().and_then(decode)? == account).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_the_sum_of_what_all_and_the_tenant_were_reset() {
        let resets = Resets { all: 2, tenants: [("t1".to_string(), 3)].into(), unknown: false };
        assert_eq!((&*resets.generation(None), &*resets.generation(Some("t1"))), ("2", "5"));
        assert_eq!(resets.generation(Some("t2")), "2");
        assert_eq!(Resets::default().generation(Some("t1")), "");
    }
}
