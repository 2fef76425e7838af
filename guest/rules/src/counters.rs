//! Durable numbers, as the host lends them: the part of `wit/counters.wit` that the rules use.

use alloc::string::String;
use alloc::vec::Vec;

use crate::types::{Duration, Instant};

/// Why a counter did not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CounterError {
    /// Nothing changed: the entry at `entry` would have passed its ceiling, or holds less than is taken away.
    Exceeded {
        /// Index into the entries.
        entry: usize,
        /// What the counter holds.
        current: u64,
    },
    /// Nothing changed: a bucket holds too few tokens.
    Empty,
    /// Nothing changed: the `once` key counted before, for this.
    Repeated(Recorded),
    /// The store gave no answer; a reason such as `disk-full`.
    Unavailable(String),
    /// Anything else, for a log.
    Other(String),
}

/// So much onto one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; see [`crate::counter_name`].
    pub counter: String,
    /// Units.
    pub amount: u64,
    /// The sum may reach it, never pass it; the largest u64: none.
    pub ceiling: u64,
    /// Units that a crash may burn.
    pub slack: u64,
}

/// So much of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// Its name.
    pub counter: String,
    /// Units.
    pub amount: u64,
}

/// So many tokens out of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The bucket's name, as that of a counter.
    pub counter: String,
    /// So many.
    pub tokens: u64,
    /// What the bucket holds at most.
    pub capacity: u64,
    /// So many come back in each `every`.
    pub refill: u64,
    /// At least a millisecond.
    pub every: Duration,
}

/// What a bucket holds, seen from a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Whole ones.
    pub tokens: u64,
    /// Until the tokens of the draw are there; 0: they are; the largest u64: they never will be.
    pub wait: Duration,
}

/// Whoever holds a place in a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub holder: String,
    /// Units.
    pub weight: u64,
    /// None: until released.
    pub expires: Option<Instant>,
}

/// A place in a pool, seen from its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// Units.
    pub weight: u64,
    /// How long it lasts; none: until released.
    pub left: Option<Duration>,
}

/// A key that counts once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Prefixed with function and tenant.
    pub key: String,
    /// What was asked, to be compared with a repetition.
    pub request: String,
}

/// What a `once` key counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// As in [`Once`].
    pub request: String,
    /// What was added or taken away.
    pub entries: Vec<Portion>,
    /// The sums of those counters right after.
    pub sums: Vec<u64>,
}

/// The most counters that a host reads in one call.
const READ_MAX: usize = 1_000;

/// What any number of counters hold: at one moment, as long as one call can ask for all of them.
pub(crate) fn read_all(counters: &dyn Counters, names: &[String]) -> Result<Vec<u64>, CounterError> {
    let mut held = Vec::with_capacity(names.len());
    for names in names.chunks(READ_MAX) {
        held.extend(counters.read(names)?);
    }
    Ok(held)
}

/// The host's counters. Each call happens whole or not at all, and is durable when it answers.
pub trait Counters {
    /// What the counters hold at one moment; 0 where nothing was added yet.
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError>;
    /// Adds all entries and takes all tokens, or nothing. Answers the sums of the entries.
    fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError>;
    /// Takes all portions away, or nothing where one holds less. Answers what is left.
    fn subtract(&self, portions: &[Portion], once: Option<&Once>) -> Result<Vec<u64>, CounterError>;
    /// What a `once` key counted.
    fn recall(&self, key: &str) -> Result<Option<Recorded>, CounterError>;
    /// What a bucket holds. Takes nothing.
    fn level(&self, draw: &Draw) -> Supply;
    /// Sets a counter, whatever the value. Answers what it held before.
    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError>;
    /// Lifts a counter where it holds less. Answers what it then holds.
    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError>;
    /// The host's pools.
    fn pools(&self) -> &dyn Pools;
}

/// The host's pools: weighted members, which may expire. As durable as counters.
pub trait Pools {
    /// The weights of all members, and the holder's own place. An empty holder asks for the sum alone.
    fn place(&self, pool: &str, holder: &str) -> Result<(u64, Option<Own>), CounterError>;
    /// Claims a place, or renews it from now on. Refused as [`CounterError::Exceeded`] where the weights would pass the capacity; a
    /// renewal with the same weight or less never is. Answers the sum.
    fn claim(&self, pool: &str, holder: &str, own: Own, capacity: u64) -> Result<u64, CounterError>;
    /// Gives a place back; a holder without one is no error. Answers the sum that is left.
    fn release(&self, pool: &str, holder: &str) -> Result<u64, CounterError>;
    /// Members by holder: those after `after`, at most `limit` and at most 1,000.
    fn members(&self, pool: &str, after: Option<&str>, limit: u32) -> Result<Vec<Member>, CounterError>;
}
