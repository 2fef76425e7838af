//! Counting what was decided, and the figures of the installation.

use super::Installation;
use crate::bindings::exports::placet::policy::enforcement::Context;
use crate::error::Failure;
use crate::figures::{DecisionKind, Figures};
use crate::program::Loaded;
use crate::{Decision, Summary};

impl Installation {
    /// Counts an answer of what is loaded.
    pub(super) fn count(
        &self,
        loaded: &Loaded,
        kind: DecisionKind,
        context: &Context,
        answer: Result<&Decision, &Failure>,
    ) {
        let tenant = context.tenant.as_deref();
        match answer.ok().and_then(|decision| decision.license.as_deref()) {
            None => self.counting.answered(kind, tenant, "", answer),
            Some(license) => {
                let rests_on = |one: &&Summary| one.id == license;
                let plan = loaded.status.licenses.iter().find(rests_on).map_or("", |license| &license.plan);
                self.counting.answered(kind, tenant, plan, answer);
            }
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        let (requests, other_requests) = self.counting.requests();
        Figures {
            decisions: self.counting.decisions(),
            requests,
            other_requests,
            denials: self.counting.denials(),
            failures: self.counting.failures(),
            features_blocked: self.counting.features_blocked(),
            limits_exceeded: self.counting.limits_exceeded(),
            reloads: self.counting.reloads(),
            store: self.store.figures(),
            status: self.status(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
