//! Counters in memory: each call whole or not at all, as `wit/counters.wit` says; and other callers who get in between.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use placet_rules::counters::{CounterError, Counters, Draw, Entry, Once, Pools, Portion, Recorded, Supply};

use crate::pools::PoolModel;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) held: RefCell<BTreeMap<String, u64>>,
    pub(crate) kept: RefCell<BTreeMap<String, Recorded>>,
    /// What others add, a batch before each `add` or `subtract`; also `(counter, 0)`: all of it is given back.
    pub(crate) others: RefCell<VecDeque<(String, u64)>>,
    pub(crate) failure: RefCell<Option<CounterError>>,
    pub(crate) reads: Cell<usize>,
    pub(crate) pools: PoolModel,
    /// What was last asked to be added.
    pub(crate) added: RefCell<Vec<Entry>>,
}

impl Memory {
    pub(crate) fn sum(&self, counter: &str) -> u64 {
        self.held.borrow().get(counter).copied().unwrap_or(0)
    }

    pub(crate) fn put(&self, counter: &str, value: u64) {
        self.held.borrow_mut().insert(counter.to_string(), value);
    }

    fn answers(&self) -> Result<(), CounterError> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    fn disturb(&self) {
        if let Some((counter, amount)) = self.others.borrow_mut().pop_front() {
            let sum = if amount == 0 { 0 } else { self.sum(&counter) + amount };
            self.put(&counter, sum);
        }
    }

    fn first_time(&self, once: Option<&Once>) -> Result<(), CounterError> {
        let kept = self.kept.borrow();
        once.and_then(|once| kept.get(&once.key))
            .cloned()
            .map_or(Ok(()), |recorded| Err(CounterError::Repeated(recorded)))
    }

    fn keep(&self, once: Option<&Once>, entries: Vec<Portion>, sums: &[u64]) {
        if let Some(once) = once {
            let recorded = Recorded { request: once.request.clone(), entries, sums: sums.to_vec() };
            self.kept.borrow_mut().insert(once.key.clone(), recorded);
        }
    }
}

impl Counters for Memory {
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        self.answers()?;
        self.reads.set(self.reads.get() + 1);
        Ok(counters.iter().map(|counter| self.sum(counter)).collect())
    }

    fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        assert!(draws.is_empty(), "rates are tested as vectors");
        self.answers()?;
        self.disturb();
        self.added.replace(entries.to_vec());
        self.first_time(once)?;
        for (index, entry) in entries.iter().enumerate() {
            let current = self.sum(&entry.counter);
            if current.checked_add(entry.amount).is_none_or(|sum| sum > entry.ceiling) {
                return Err(CounterError::Exceeded { entry: index, current });
            }
        }
        entries.iter().for_each(|entry| self.put(&entry.counter, self.sum(&entry.counter) + entry.amount));
        let sums: Vec<u64> = entries.iter().map(|entry| self.sum(&entry.counter)).collect();
        let portions = entries.iter().map(|entry| Portion { counter: entry.counter.clone(), amount: entry.amount });
        self.keep(once, portions.collect(), &sums);
        Ok(sums)
    }

    fn subtract(&self, portions: &[Portion], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        self.answers()?;
        self.disturb();
        self.first_time(once)?;
        for (index, portion) in portions.iter().enumerate() {
            let current = self.sum(&portion.counter);
            if current < portion.amount {
                return Err(CounterError::Exceeded { entry: index, current });
            }
        }
        portions.iter().for_each(|portion| self.put(&portion.counter, self.sum(&portion.counter) - portion.amount));
        let sums: Vec<u64> = portions.iter().map(|portion| self.sum(&portion.counter)).collect();
        self.keep(once, portions.to_vec(), &sums);
        Ok(sums)
    }

    fn recall(&self, key: &str) -> Result<Option<Recorded>, CounterError> {
        self.answers()?;
        Ok(self.kept.borrow().get(key).cloned())
    }

    fn level(&self, _: &Draw) -> Supply {
        Supply { tokens: 0, wait: u64::MAX }
    }

    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.answers()?;
        Ok(self.held.borrow_mut().insert(counter.to_string(), value).unwrap_or(0))
    }

    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.answers()?;
        self.put(counter, self.sum(counter).max(value));
        Ok(self.sum(counter))
    }

    fn pools(&self) -> &dyn Pools {
        &self.pools
    }
}
