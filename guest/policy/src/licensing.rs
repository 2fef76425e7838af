//! `placet:policy/licensing`: which licenses hold.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use placet_rules::policy::Config;
use placet_rules::types::{Holder, Status, Time, Usage};
use placet_rules::view::State;
use placet_rules::{decide, reason};

use crate::bindings::exports::placet::policy::licensing::{self, Guest};
use crate::host::{self, Host};
use crate::{Component, loaded};

impl Guest for Component {
    fn load(config: licensing::Config) -> Status {
        let licensing::Config { manifest, deployment, secrets } = &config;
        loaded::load(Config { manifest, deployment, secrets });
        Self::current()
    }

    fn current() -> Status {
        let time = host::time();
        loaded::policy(|policy| policy.status(time)).unwrap_or_else(|| not_loaded(time))
    }

    fn inspect(document: Vec<u8>, name: Option<String>) -> Status {
        let time = host::time();
        loaded::policy(|policy| policy.inspect(&document, name.as_deref(), time)).unwrap_or_else(|| not_loaded(time))
    }

    fn report(tenant: Option<String>) -> Result<Vec<Usage>, String> {
        loaded::view(|view| decide::report(view, tenant.as_deref(), &Host))
            .unwrap_or_else(|| Err(reason::NOT_LOADED.to_string()))
    }

    fn holders(limit: String, tenant: Option<String>, after: Option<String>) -> Result<Vec<Holder>, String> {
        loaded::view(|view| decide::holders(view, &limit, tenant.as_deref(), after.as_deref(), &Host))
            .unwrap_or_else(|| Err(reason::NOT_LOADED.to_string()))
    }
}

/// Whoever asks before `load` learns that nothing holds.
fn not_loaded(time: Time) -> Status {
    Status {
        usable: false,
        state: State::Missing.as_str().to_string(),
        reason: reason::NOT_LOADED.to_string(),
        until: None,
        evaluated: time.now,
        licenses: Vec::new(),
        features: Vec::new(),
        limits: Vec::new(),
        documents: Vec::new(),
        warnings: Vec::new(),
        details: Vec::new(),
    }
}
