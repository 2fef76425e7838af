//! The rules without a sandbox: documents and counters in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use placet::artifact::Manifest;
use placet_rules::counters::{CounterError, Counters, Draw, Entry, Once, Pools, Portion, Recorded, Supply};
use placet_rules::files::{FileError, Files};
use placet_rules::policy::{Config, Policy};
use placet_rules::types::Time;
use placet_rules::view::View;

use crate::pools::PoolModel;

/// One license, and counters in a map.
pub(crate) struct Native {
    manifest: String,
    license: Vec<u8>,
    counters: RefCell<BTreeMap<String, u64>>,
    pools: PoolModel,
}

/// The present time, as the host would tell it.
pub(crate) fn time() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let now = u64::try_from(since.as_millis()).expect("before the year 500,000,000");
    Time { now, wall: now }
}

impl Native {
    pub(crate) fn new(manifest: &Manifest, license: Vec<u8>) -> Self {
        Self {
            manifest: manifest.to_json().expect("a manifest"),
            license,
            counters: RefCell::default(),
            pools: PoolModel::default(),
        }
    }

    /// What was learned of the license.
    pub(crate) fn policy(&self) -> Policy {
        Policy::load(Config { manifest: &self.manifest, deployment: &[], secrets: &[] }, self, self, time())
    }

    /// What holds now.
    pub(crate) fn view(&self) -> View {
        self.policy().view(time())
    }
}

impl Files for Native {
    fn names(&self) -> Vec<String> {
        vec!["license.json".to_owned()]
    }

    fn read(&self, _name: &str) -> Result<Vec<u8>, FileError> {
        Ok(self.license.clone())
    }

    fn kept(&self) -> Vec<String> {
        Vec::new()
    }

    fn recover(&self, _name: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }
}

impl Counters for Native {
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        let held = self.counters.borrow();
        Ok(counters.iter().map(|counter| held.get(counter).copied().unwrap_or(0)).collect())
    }

    fn level(&self, _draw: &Draw) -> Supply {
        Supply { tokens: u64::MAX, wait: 0 }
    }

    fn add(&self, entries: &[Entry], _draws: &[Draw], _once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        let mut held = self.counters.borrow_mut();
        for (entry, one) in entries.iter().enumerate() {
            let current = held.get(&one.counter).copied().unwrap_or(0);
            if one.ceiling != u64::MAX && current.saturating_add(one.amount) > one.ceiling {
                return Err(CounterError::Exceeded { entry, current });
            }
        }
        let add = |one: &Entry| {
            let sum = held.entry(one.counter.clone()).or_default();
            *sum += one.amount;
            *sum
        };
        Ok(entries.iter().map(add).collect())
    }

    fn subtract(&self, _portions: &[Portion], _once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        Err(CounterError::Other("not measured".to_owned()))
    }

    fn recall(&self, _key: &str) -> Result<Option<Recorded>, CounterError> {
        Ok(None)
    }

    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        Ok(self.counters.borrow_mut().insert(counter.to_owned(), value).unwrap_or(0))
    }

    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        let mut held = self.counters.borrow_mut();
        let held = held.entry(counter.to_owned()).or_default();
        *held = value.max(*held);
        Ok(*held)
    }

    fn pools(&self) -> &dyn Pools {
        &self.pools
    }
}
