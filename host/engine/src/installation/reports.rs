//! The making of usage reports.

use super::Installation;
use crate::bindings::placet::policy::counters::Error;
use crate::counter_name;
use crate::error::Failure;
use crate::report::{self, Report, ReportedCounter, ReportedLicense, SignedReport};
use crate::store::{Moment, Store, StoreError};

/// So many counters are read at a time.
const PAGE: usize = 1_000;

impl Installation {
    /// The next report. Once this answers, it is kept: nothing else will be handed out under its number.
    pub(crate) fn export_report(&self) -> Result<String, Failure> {
        // Of two at a time one waits.
        let changing = self.change();
        let last = self.last_report()?.map(|token| SignedReport::read(&token));
        let last = last.transpose().map_err(|error| Failure::new(error.reason()))?;
        let store = &*self.store;
        let seed = store.report_seed().ok_or_else(|| Failure::new("report-unavailable"))?;
        let head = self.tell_head().map_err(failed)?;
        let (reading, namespace) = (self.clock.read(), self.loaded().lent.namespace.clone());
        let status = self.status();
        let report = Report {
            format: report::FORMAT,
            installation: store.install_key(),
            number: last.as_ref().map_or(1, |last| last.report.number.saturating_add(1)),
            previous: last.map(|last| last.hash),
            time: reading.now,
            confirmed: Some(reading.mark),
            wall: reading.wall,
            head,
            policy: status.policy,
            state: status.license.state,
            licenses: (status.license.licenses.into_iter())
                .map(|license| ReportedLicense { id: license.id, state: license.state })
                .collect(),
            limits: self.usage(None)?,
            counters: counters(store, &namespace).map_err(failed)?,
            seats: seats(store, &namespace, reading.moment())?,
            burned: (store.burned_ever(&namespace).map_err(failed)?.into_iter())
                .map(|(counter, value)| ReportedCounter { counter, value })
                .collect(),
        };
        let token = report::sign(&report, seed).map_err(|_| Failure::new("report-unavailable"))?;
        store.put_value(&key(&namespace), Some(token.as_bytes()), reading.mark).map_err(failed)?;
        changing.tell("report.exported", &report.number.to_string(), "");
        Ok(token)
    }

    /// The report that was made last, to the byte.
    pub(crate) fn last_report(&self) -> Result<Option<String>, Failure> {
        let kept = self.store.value(&key(&self.loaded().lent.namespace.clone())).map_err(failed)?;
        kept.map(|token| String::from_utf8(token).map_err(|_| Failure::new("report-invalid"))).transpose()
    }
}

/// The value of the store that holds the last report of a policy.
fn key(namespace: &str) -> String {
    format!("report/{namespace}")
}

fn counters(store: &dyn Store, namespace: &str) -> Result<Vec<ReportedCounter>, StoreError> {
    let mut found: Vec<ReportedCounter> = Vec::new();
    // In the order of their names.
    for prefix in [counter_name::EXCESS, counter_name::USE] {
        let mut after: Option<String> = None;
        loop {
            let page = store.counters(namespace, prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            found.extend(page.into_iter().map(|(counter, value)| ReportedCounter { counter, value }));
        }
    }
    Ok(found)
}

fn seats(store: &dyn Store, namespace: &str, moment: Moment) -> Result<Vec<ReportedCounter>, Failure> {
    let mut found = Vec::new();
    let mut after = counter_name::USE.to_owned();
    loop {
        let page = store.pools(namespace, Some(&after), PAGE, moment).map_err(failed)?;
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        for counter in page.into_iter().filter(|pool| counter_name::is_usage(pool)) {
            let place = store.place(namespace, &counter, "", moment).map_err(unplaced)?;
            found.push(ReportedCounter { counter, value: place.sum });
        }
    }
    Ok(found)
}

fn unplaced(error: Error) -> Failure {
    match error {
        Error::Unavailable(reason) => Failure::new(reason),
        _ => Failure::new("report-unavailable"),
    }
}

fn failed(error: StoreError) -> Failure {
    Failure::new(error.reason())
}
