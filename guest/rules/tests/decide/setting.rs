//! A view with one of everything.

use std::collections::{BTreeMap, BTreeSet};

use placet_rules::license::LimitKind;
use placet_rules::resets::Resets;
use placet_rules::types::{Charge, Context};
use placet_rules::view::{Budget, FeatureView, HeldAs, LimitView, State, View};

pub(crate) const FIRST: &str = "use/tokens//lic_1//";
pub(crate) const TOPUP: &str = "use/tokens//lic_2//";
pub(crate) const OBJECTS: &str = "use/objects/t1/%40customer//";

pub(crate) fn budget(license: &str, account: &str, max: Option<u64>) -> Budget {
    Budget {
        license: license.into(),
        account: account.into(),
        within: None,
        ends: None,
        extra: false,
        held_as: HeldAs::Counter,
        max,
        ceiling: max.unwrap_or(u64::MAX),
        per_tenant: false,
        refund: true,
        slack: 0,
        resets: Resets::default(),
        terms: Vec::new(),
    }
}

/// Seats of the customer, for so long each.
pub(crate) fn seats(max: u64, ttl: Option<u64>) -> Budget {
    Budget { held_as: HeldAs::Pool { ttl }, ..budget("lic_1", "@customer", Some(max)) }
}

pub(crate) fn limit(kind: LimitKind, budgets: Vec<Budget>) -> LimitView {
    LimitView { kind, undecided: Vec::new(), warn: Some(80), budgets, left_out: [].into() }
}

/// `tokens`: 100, then 50 of a top-up; `calls`: 10, not given back; `objects`: a gauge of 20 per tenant; `open`: unlimited; `cores`: 4 seats.
pub(crate) fn view() -> View {
    let grant = |until| FeatureView { license: "lic_1".into(), until };
    let calls = Budget { refund: false, ..budget("lic_1", "lic_1", Some(10)) };
    let objects = Budget { per_tenant: true, refund: false, ..budget("lic_1", "@customer", Some(20)) };
    let tokens = vec![budget("lic_1", "lic_1", Some(100)), budget("lic_2", "lic_2", Some(50))];
    View {
        usable: true,
        state: State::Active,
        reason: "active".into(),
        from: 1_000,
        until: None,
        lag: 0..=u64::MAX,
        warnings: Vec::new(),
        features: BTreeMap::from([("sso".into(), grant(Some(2_000))), ("past".into(), grant(Some(1_000)))]),
        readable: BTreeSet::new(),
        ended: BTreeMap::new(),
        limits: BTreeMap::from([
            ("tokens".into(), limit(LimitKind::Quota, tokens)),
            ("calls".into(), limit(LimitKind::Quota, vec![calls])),
            ("objects".into(), limit(LimitKind::Gauge, vec![objects])),
            ("open".into(), limit(LimitKind::Quota, vec![budget("lic_1", "lic_1", None)])),
            ("cores".into(), limit(LimitKind::Seats, vec![seats(4, None)])),
        ]),
    }
}

/// The same, after its licenses have ended.
pub(crate) fn expired() -> View {
    View {
        usable: false,
        state: State::Expired,
        reason: "expired".into(),
        features: BTreeMap::new(),
        readable: BTreeSet::from(["sso".into()]),
        ..view()
    }
}

pub(crate) fn charge(limit: &str, amount: u64) -> Charge {
    Charge { limit: limit.into(), amount }
}

pub(crate) fn nobody() -> Context {
    Context::default()
}

pub(crate) fn tenant() -> Context {
    Context { tenant: Some("t1".into()), ..Context::default() }
}

pub(crate) fn once(key: &str) -> Context {
    Context { once: Some(key.into()), ..Context::default() }
}
