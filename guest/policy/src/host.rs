//! The host's capabilities, as the rules know them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use placet_rules::counters::{
    CounterError, Counters, Draw, Entry, Member, Once, Own, Pools, Portion, Recorded, Supply,
};
use placet_rules::files::{FileError, Files};
use placet_rules::types::Time;

use crate::bindings::placet::policy::{clock, counters, files};

/// The present time.
pub(crate) fn time() -> Time {
    let clock::Reading { now, wall } = clock::read();
    Time { now, wall }
}

/// The host: whatever the rules may ask it for.
pub(crate) struct Host;

impl Files for Host {
    fn names(&self) -> Vec<String> {
        files::names()
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, FileError> {
        files::read(name).map_err(file_error)
    }

    fn kept(&self) -> Vec<String> {
        files::kept()
    }

    fn recover(&self, name: &str) -> Result<Vec<u8>, FileError> {
        files::recover(name).map_err(file_error)
    }
}

impl Counters for Host {
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        counters::read(counters).map_err(counter_error)
    }

    fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        counters::add(entries, draws, once).map_err(counter_error)
    }

    fn subtract(&self, portions: &[Portion], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        counters::subtract(portions, once).map_err(counter_error)
    }

    fn recall(&self, key: &str) -> Result<Option<Recorded>, CounterError> {
        counters::recall(key).map_err(counter_error)
    }

    fn level(&self, draw: &Draw) -> Supply {
        counters::level(draw)
    }

    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        counters::set(counter, value).map_err(counter_error)
    }

    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        counters::raise(counter, value).map_err(counter_error)
    }

    fn pools(&self) -> &dyn Pools {
        self
    }
}

impl Pools for Host {
    fn place(&self, pool: &str, holder: &str) -> Result<(u64, Option<Own>), CounterError> {
        let counters::Place { sum, member } = counters::place_of(pool, holder).map_err(counter_error)?;
        let left = |expires: u64| expires.saturating_sub(time().now);
        Ok((sum, member.map(|member| Own { weight: member.weight, left: member.expires.map(left) })))
    }

    fn claim(&self, pool: &str, holder: &str, own: Own, capacity: u64) -> Result<u64, CounterError> {
        let expires = own.left.map(|left| time().now.saturating_add(left));
        let member = Member { holder: holder.to_string(), weight: own.weight, expires };
        counters::claim(pool, &member, capacity).map_err(counter_error)
    }

    fn release(&self, pool: &str, holder: &str) -> Result<u64, CounterError> {
        counters::release(pool, holder).map_err(counter_error)
    }

    fn members(&self, pool: &str, after: Option<&str>, limit: u32) -> Result<Vec<Member>, CounterError> {
        counters::members(pool, after, limit).map_err(counter_error)
    }
}

fn file_error(error: files::Error) -> FileError {
    match error {
        files::Error::NotFound => FileError::NotFound,
        files::Error::TooLarge => FileError::TooLarge,
        files::Error::Other(text) => FileError::Other(text),
    }
}

fn counter_error(error: counters::Error) -> CounterError {
    match error {
        counters::Error::Exceeded(excess) => CounterError::Exceeded {
            entry: usize::try_from(excess.entry).unwrap_or(usize::MAX),
            current: excess.current,
        },
        counters::Error::Repeated(recorded) => CounterError::Repeated(recorded),
        counters::Error::Unavailable(reason) => CounterError::Unavailable(reason),
        counters::Error::Other(text) => CounterError::Other(text),
        counters::Error::Empty(_) => CounterError::Empty,
    }
}
