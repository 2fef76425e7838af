//! The hourly samples of what is used.

use std::collections::BTreeSet;

use super::Installation;
use crate::Usage;
use crate::counter_name;
use crate::error::Failure;
use crate::history::{self, Forecast, Sample, TENANTS};
use crate::store::StoreError;

impl Installation {
    /// Samples the present hour, where that was not done. None of it is lost if it fails: it is tried again.
    pub(crate) fn sample(&self) {
        if let Err(error) = self.try_sample() {
            self.tell("store.failed", "", error.reason());
        }
    }

    pub(super) fn try_sample(&self) -> Result<(), StoreError> {
        let policy = self.loaded().lent.namespace.clone();
        if !history::is_due(&*self.store, &policy, self.clock.read())? {
            return Ok(());
        }
        // Of two at a time one waits, and finds it done.
        let _changing = self.change();
        // A policy that fails is told of by whoever asks it.
        let Ok(usage) = self.sampled() else { return Ok(()) };
        history::record(&*self.store, &policy, &usage, self.clock.read())
    }

    pub(crate) fn history(&self, since: u64) -> Result<Vec<Sample>, Failure> {
        history::read(&*self.store, &self.loaded().lent.namespace.clone(), since).map_err(failed)
    }

    pub(crate) fn forecast(&self) -> Result<Vec<Forecast>, Failure> {
        let samples = self.history(0)?;
        Ok(history::forecast(&self.sampled()?, &samples, self.clock.read().now))
    }

    /// What is used of each limit, as a whole and of the first tenants of those that are counted for each.
    fn sampled(&self) -> Result<Vec<Usage>, Failure> {
        let mut usage = self.usage(None)?;
        let status = self.loaded().current().map_err(|error| Failure::new(error.reason()))?;
        for limit in status.limits.iter().filter(|limit| limit.kind != "rate") {
            if usage.iter().any(|usage| usage.limit == limit.name) {
                continue;
            }
            for tenant in self.tenants(&limit.name).map_err(failed)? {
                usage.extend(self.usage(Some(&tenant))?.into_iter().filter(|usage| usage.limit == limit.name));
            }
        }
        Ok(usage)
    }

    /// The first tenants for whom a limit was counted, or who hold seats of it, by name.
    fn tenants(&self, limit: &str) -> Result<Vec<String>, StoreError> {
        let policy = self.loaded().lent.namespace.clone();
        let prefix = counter_name::of(limit);
        let counters = first_tenants(&prefix, |after| {
            Ok(self.store.counters(&policy, &prefix, Some(after), 1)?.pop().map(|(name, _)| name))
        })?;
        let moment = self.clock.moment();
        let pools = first_tenants(&prefix, |after| Ok(self.store.pools(&policy, Some(after), 1, moment)?.pop()))?;
        Ok(counters.into_iter().chain(pools).collect::<BTreeSet<_>>().into_iter().take(TENANTS).collect())
    }
}

/// The first tenants in names that begin with this, by the name that comes next after another one.
fn first_tenants(
    prefix: &str,
    next: impl Fn(&str) -> Result<Option<String>, StoreError>,
) -> Result<Vec<String>, StoreError> {
    let mut tenants = Vec::new();
    let mut after = prefix.to_owned();
    while tenants.len() < TENANTS {
        let Some(name) = next(&after)? else { break };
        let Some(rest) = name.strip_prefix(prefix) else { break };
        let encoded = rest.split('/').next().unwrap_or_default();
        tenants.extend(counter_name::decoded(encoded).filter(|tenant| !tenant.is_empty()));
        // `0` comes right after `/`: what follows it belongs to another tenant.
        after = format!("{prefix}{encoded}0");
    }
    Ok(tenants)
}

fn failed(error: StoreError) -> Failure {
    Failure::new(error.reason())
}
