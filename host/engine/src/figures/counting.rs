//! Counting on the way of a decision: a few atomic additions, and no lock that a decision could wait for.

use std::sync::atomic::{AtomicU64, Ordering};

use super::table::{LONGEST, Table};
use super::{Counts, DecisionFigures, DecisionKind, MAX_REQUESTERS, Outcomes, Reloads, RequestFigures, Requester};
use crate::Decision;
use crate::error::Failure;

/// So many reasons, features or limits are told apart.
const MAX_NAMES: usize = 128;

/// What an installation counts of its decisions.
#[derive(Debug)]
pub(crate) struct Counting {
    kinds: [Tally; DecisionKind::ALL.len()],
    requests: Table<Requester, Tally>,
    denials: Named,
    failures: Named,
    features_blocked: Named,
    limits_exceeded: Named,
    loaded: AtomicU64,
    load_failed: AtomicU64,
}

impl Default for Counting {
    fn default() -> Self {
        Self {
            kinds: Default::default(),
            requests: Table::new(MAX_REQUESTERS),
            denials: Named::default(),
            failures: Named::default(),
            features_blocked: Named::default(),
            limits_exceeded: Named::default(),
            loaded: AtomicU64::default(),
            load_failed: AtomicU64::default(),
        }
    }
}

impl Counting {
    /// A request was answered. `plan`: of the license that the decision rests on.
    pub(crate) fn answered(
        &self,
        kind: DecisionKind,
        tenant: Option<&str>,
        plan: &str,
        answer: Result<&Decision, &Failure>,
    ) {
        let ended = |tally: &Tally| match answer {
            Ok(Decision { allowed: true, .. }) => bump(&tally.allowed),
            Ok(_) => bump(&tally.denied),
            Err(_) => bump(&tally.failed),
        };
        if let Some(tally) = self.kinds.get(kind as usize) {
            ended(tally);
        }
        ended(self.tally_of(tenant, plan));
        match answer {
            Ok(Decision { allowed: true, .. }) => {}
            Ok(Decision { reason, subject, .. }) => {
                self.denials.count(reason);
                match kind {
                    DecisionKind::Check => self.features_blocked.count(subject),
                    DecisionKind::Preview => {}
                    _ if is_of_a_limit(reason) => self.limits_exceeded.count(subject),
                    _ => {}
                }
            }
            Err(failure) => self.failures.count(failure.reason()),
        }
    }

    /// Documents were read anew.
    pub(crate) fn reloaded(&self, went_well: bool) {
        bump(if went_well { &self.loaded } else { &self.load_failed });
    }

    pub(crate) fn decisions(&self) -> Vec<DecisionFigures> {
        let counted = DecisionKind::ALL.into_iter().zip(&self.kinds);
        counted.map(|(kind, tally)| DecisionFigures { kind, outcomes: tally.outcomes() }).collect()
    }

    pub(crate) fn requests(&self) -> (Vec<RequestFigures>, Outcomes) {
        let row = |(requester, tally): (&Requester, &Tally)| RequestFigures {
            requester: requester.clone(),
            outcomes: tally.outcomes(),
        };
        let mut requests: Vec<_> = self.requests.rows().map(row).collect();
        requests.sort_by(|a, b| a.requester.cmp(&b.requester));
        (requests, self.requests.other().outcomes())
    }

    pub(crate) fn denials(&self) -> Counts {
        self.denials.counts()
    }

    pub(crate) fn failures(&self) -> Counts {
        self.failures.counts()
    }

    pub(crate) fn features_blocked(&self) -> Counts {
        self.features_blocked.counts()
    }

    pub(crate) fn limits_exceeded(&self) -> Counts {
        self.limits_exceeded.counts()
    }

    pub(crate) fn reloads(&self) -> Reloads {
        Reloads { loaded: told(&self.loaded), failed: told(&self.load_failed) }
    }

    fn tally_of(&self, tenant: Option<&str>, plan: &str) -> &Tally {
        if tenant.is_some_and(|tenant| tenant.len() > LONGEST) || plan.len() > LONGEST {
            return self.requests.other();
        }
        let mut hash = crc32fast::Hasher::new();
        hash.update(tenant.unwrap_or_default().as_bytes());
        hash.update(plan.as_bytes());
        self.requests.at(
            hash.finalize(),
            |requester| requester.tenant.as_deref() == tenant && requester.plan == plan,
            || Requester { tenant: tenant.map(str::to_owned), plan: plan.to_owned() },
        )
    }
}

/// Whether a denial says that a limit has no room.
fn is_of_a_limit(reason: &str) -> bool {
    matches!(reason, "limit-exceeded" | "rate-exceeded" | "burst-exceeded")
}

/// How requests of one sort ended. Its own cache line: other sorts are counted by other cores.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Tally {
    allowed: AtomicU64,
    denied: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    fn outcomes(&self) -> Outcomes {
        Outcomes { allowed: told(&self.allowed), denied: told(&self.denied), failed: told(&self.failed) }
    }
}

/// Counts by one name.
#[derive(Debug)]
struct Named(Table<String, AtomicU64>);

impl Default for Named {
    fn default() -> Self {
        Self(Table::new(MAX_NAMES))
    }
}

impl Named {
    fn count(&self, name: &str) {
        bump(if name.len() > LONGEST {
            self.0.other()
        } else {
            self.0.at(crc32fast::hash(name.as_bytes()), |one| one == name, || name.to_owned())
        });
    }

    fn counts(&self) -> Counts {
        let named = self.0.rows().map(|(name, count)| (name.clone(), told(count))).collect();
        Counts { named, other: told(self.0.other()) }
    }
}

fn bump(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn told(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
