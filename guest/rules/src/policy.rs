//! Everything that was loaded: documents, verified and judged at any time asked for.
//!
//! [`Policy::load`] is the only part that asks for files and counters; what it learned is judged by [`Policy::view`],
//! [`Policy::status`] and [`Policy::inspect`], which ask for nothing.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::counters::Counters;
use crate::files::Files;
use crate::reason;
use crate::types::{Attribute, Status, Time};
use crate::view::{State, View};

/// What the host tells a policy when it loads it.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// The manifest that was signed with the policy, as JSON.
    pub manifest: &'a str,
    /// Facts of the deployment by name: `product`, `version`, `environment`, `host`, `fingerprint/NAME` (hex).
    pub deployment: &'a [Attribute],
}

/// The documents as they were loaded, and whom to trust.
#[derive(Clone, Debug)]
pub struct Policy {}

impl Policy {
    /// Reads every document, verifies it, and keeps what is needed to judge it at any time. Never fails: what is wrong stands in
    /// the status. In place of a license that is damaged, unreadable or gone, the copy that the host kept stands in.
    pub fn load(_config: Config<'_>, _files: &dyn Files, _counters: &dyn Counters, _time: Time) -> Self {
        Self {}
    }

    /// What holds at a moment. Good for as long as it [covers](View::covers) the time.
    pub fn view(&self, time: Time) -> View {
        View {
            usable: false,
            state: State::Missing,
            reason: reason::MISSING.to_string(),
            from: time.now,
            until: None,
            lag: 0..=u64::MAX,
            warnings: Vec::new(),
            features: BTreeMap::new(),
            readable: BTreeSet::new(),
            limits: BTreeMap::new(),
        }
    }

    /// The state of the installation at a moment, for people and for the host.
    pub fn status(&self, time: Time) -> Status {
        let view = self.view(time);
        Status {
            usable: view.usable,
            state: view.state.as_str().to_string(),
            reason: view.reason,
            until: view.until,
            evaluated: time.now,
            licenses: Vec::new(),
            features: Vec::new(),
            limits: Vec::new(),
            documents: Vec::new(),
            warnings: view.warnings,
            details: Vec::new(),
        }
    }

    /// What the status would be if this document lay beside the others under that name, in place of the one that has it;
    /// without a name, if it were the only one. Adopts nothing, counts nothing.
    pub fn inspect(&self, _document: &[u8], _name: Option<&str>, time: Time) -> Status {
        self.status(time)
    }
}
