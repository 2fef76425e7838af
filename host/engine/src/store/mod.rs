//! What outlives the process: counters, `once` keys, pools, kept documents, floors, the time mark.
//!
//! - **Never over.** No sum passes its ceiling, whatever crashes, races or repeats.
//! - **Never lost.** What was answered is on the disk. After a failed commit nothing is answered until the file was closed,
//!   opened and read again.
//! - **Never twice.** A `once` key counts once.
//! - **Whole or not at all.** All entries, draws and the `once` row of one call, in one transaction with the time mark.
//! - A store that cannot write is an error with a reason of its own; nothing is counted in memory instead.
//!
//! - **Slack.** Units of an entry with slack are reserved durably, a block at a time, and then counted in memory; a clean stop gives the
//!   rest back, a crash burns it, which is told at the next opening. What is read is what was used, never what is reserved.
//! - **Reservations.** What was reserved stays counted, whatever crashes, until it is settled or its term is over; then it is freed, once,
//!   before anything else is counted or read.

mod block;
mod bucket;
mod error;
mod last;
mod memory;
mod redb;
mod reservation;
mod sync;
mod term;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::bindings::placet::policy::counters::{
    Draw, Entry, Error, Excess, Member, Once, Place, Portion, Recorded, Supply,
};
use crate::figures::StoreFigures;

pub(crate) use self::block::{Block, Take, Units};
pub use self::error::StoreError;
pub(crate) use self::last::{Counted, Last};
pub(crate) use self::memory::MemoryStore;
pub(crate) use self::redb::{COUNTERS_FILE, RedbStore};
pub use self::reservation::Settlement;
pub(crate) use self::reservation::{Ends, Part, Recalled, Reserved, Settling, Standing};

/// The longest name of a counter, a pool, a holder or a bucket, in bytes.
pub(crate) const MAX_NAME: usize = 1_024;
/// The longest `once` key, in bytes.
pub(crate) const MAX_ONCE_KEY: usize = 1_024;
/// The longest `once` request, in bytes.
pub(crate) const MAX_ONCE_REQUEST: usize = 64 << 10;
/// The most entries, draws, portions or names of one call.
pub(crate) const MAX_ITEMS: usize = 1_000;

/// How long a `once` row is kept at the least, in milliseconds of confirmed time.
const ONCE_KEPT: u64 = 24 * 60 * 60 * 1_000;
/// So many of the newest `once` rows are kept whatever their age: they live through a clock that jumped.
const ONCE_NEWEST: u64 = 100_000;
/// The most `once` rows that one new row purges: more than one, so that the purging catches up.
const ONCE_PURGED: usize = 4;

/// When a call happens. Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The time to judge by: members expire by it.
    pub(crate) now: u64,
    /// The confirmed time: committed along with every write. Buckets fill by it, and `once` rows age by it, since it is never
    /// taken back.
    pub(crate) mark: u64,
}

/// The lowest policy that may be adopted under a name: the sequence, and the hash of the one policy that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Floor {
    /// The sequence in the manifest.
    pub(crate) sequence: u64,
    /// SHA-256 of the whole artifact.
    pub(crate) hash: [u8; 32],
}

/// Units that were reserved for counting in memory, and were not used when a crash came: they count as used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Burned {
    /// The name of the policy.
    pub policy: String,
    /// The counter, as the policy named it.
    pub counter: String,
    /// So many at the most: the crash took along how many of them were used.
    pub units: u64,
}

/// The last commit: what stands in a status, a log or a report, and is compared with a later one. Two hashes under one number
/// are two histories.
///
/// Displays, and is serialized, as the number, a colon and the hash in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many commits there were.
    pub number: u64,
    /// Over all of them.
    pub hash: [u8; 32],
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not the last commit as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number, a colon and 64 hex digits")]
pub struct HeadError;

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (number, digits) = text.split_once(':').ok_or(HeadError)?;
        let mut hash = [0; 32];
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(HeadError);
        }
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            let pair = digits.get(at..at + 2).ok_or(HeadError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| HeadError)?;
        }
        Ok(Self { number: number.parse().map_err(|_| HeadError)?, hash })
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a head that was handed out earlier stands to the state that is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ancestry {
    /// This state continued from it.
    Continued,
    /// This state is older: it was put back.
    Restored,
    /// This state has another history: an older one was put back and went on, or it is another installation's.
    Forked,
}

/// The promises above, for the counters of many policies. `namespace` is the name of the policy, which never sees another's.
///
/// What a policy asks for is answered in the words of `wit/counters.wit`; what the host asks for fails with a [`StoreError`].
/// Every method but [`Store::block`] and [`Store::level`] may wait for the disk.
pub(crate) trait Store: Send + Sync + fmt::Debug {
    /// What the counters hold at one moment; 0 where nothing was added yet.
    fn read(&self, namespace: &str, counters: &[String], moment: Moment) -> Result<Vec<u64>, Error>;

    /// Adds all entries and takes all tokens, or nothing. Answers what the counters of the entries hold right after; a counter
    /// that is named twice gets both, and is answered twice with the same sum.
    ///
    /// Looked at in this order: the `once` key (`repeated`), the entries (`exceeded`, with what the counter held before the
    /// call), the draws (`empty`).
    ///
    /// Entries that are a part of a reservation are durable, whatever their slack; nothing is recorded of it where there is neither an
    /// entry nor a key. `reservation-moved`, and nothing changed, where it does not stand as it was said to.
    fn add(
        &self,
        namespace: &str,
        entries: Vec<Entry>,
        draws: Vec<Draw>,
        once: Option<Once>,
        part: Option<Part>,
        moment: Moment,
    ) -> Result<Vec<u64>, Error>;

    /// The units of which a counter is counted in memory at present, for a caller who adds to it again and again and would rather not have them
    /// looked for each time. To take of them is to add an entry, alone; before it comes [`Store::free_due`]. Once they are [`Take::Missing`]
    /// they are worth nothing, and `add` is asked.
    fn block(&self, namespace: &str, counter: &str) -> Option<Arc<Block>>;

    /// Takes all portions away, or nothing where one holds less. Answers what is left.
    fn subtract(
        &self,
        namespace: &str,
        portions: Vec<Portion>,
        once: Option<Once>,
        moment: Moment,
    ) -> Result<Vec<u64>, Error>;

    /// What a `once` key counted.
    fn recall(&self, namespace: &str, key: &str) -> Result<Option<Recalled>, Error>;

    /// What a bucket holds. All buckets are empty when the process starts.
    fn level(&self, namespace: &str, bucket: &Draw, moment: Moment) -> Supply;

    /// Sets a counter. Answers what it held before.
    fn set(&self, namespace: &str, counter: &str, value: u64, moment: Moment) -> Result<u64, Error>;

    /// Lifts a counter to `value` where it holds less. Answers what it then holds.
    fn raise(&self, namespace: &str, counter: &str, value: u64, moment: Moment) -> Result<u64, Error>;

    /// Claims or renews a place in a pool. Answers the weights of all members that have not expired; refused as `exceeded`
    /// with entry 0 and that sum as it was.
    fn claim(&self, namespace: &str, pool: &str, member: Member, capacity: u64, moment: Moment) -> Result<u64, Error>;

    /// Gives a place back. Answers the sum that is left.
    fn release(&self, namespace: &str, pool: &str, holder: &str, moment: Moment) -> Result<u64, Error>;

    /// The weights of all members that have not expired, and the holder's own place.
    fn place(&self, namespace: &str, pool: &str, holder: &str, moment: Moment) -> Result<Place, Error>;

    /// The members that have not expired, by holder: at most `limit`, and at most [`MAX_ITEMS`], after the holder `after`.
    fn members(
        &self,
        namespace: &str,
        pool: &str,
        after: Option<&str>,
        limit: usize,
        moment: Moment,
    ) -> Result<Vec<Member>, Error>;

    /// The pools in which somebody holds something, sorted: at most `limit` of them, after the name `after`.
    fn pools(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
        moment: Moment,
    ) -> Result<Vec<String>, StoreError>;

    /// Where a reservation stands; none where there never was one, or it is as old as `once` rows that are no longer kept.
    fn reservation(&self, namespace: &str, id: &str, moment: Moment) -> Result<Option<Standing>, StoreError>;

    /// Reserves without an entry.
    fn reserve(&self, namespace: &str, id: &str, reserved: Reserved, moment: Moment) -> Result<(), StoreError>;

    /// Settles without an entry. False, and nothing changed: the reservation does not stand as it was said to.
    fn settle(&self, namespace: &str, id: &str, settling: Settling, moment: Moment) -> Result<bool, StoreError>;

    /// Frees what was reserved for a term that is over. What is counted or read at a moment is looked at after this.
    fn free_due(&self, moment: Moment) -> Result<(), StoreError>;

    /// The counters whose names begin with `prefix`, sorted: at most `limit` of them, after the name `after`.
    fn counters(
        &self,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError>;

    /// Tells that the process is ready to count: every bucket is empty then, and fills from then on. Only the first call counts.
    fn start(&self, mark: u64);

    /// The highest confirmed time that was committed; none in a new store.
    fn mark(&self) -> Result<Option<u64>, StoreError>;

    /// Lifts the confirmed time, never lowers it.
    fn commit_mark(&self, mark: u64) -> Result<(), StoreError>;

    /// Sets the confirmed time from `mark` to what a vendor signed, be it higher or lower: once for each id. Answers whether this was
    /// that once.
    fn anchor(&self, namespace: &str, id: &str, time: u64, mark: u64) -> Result<bool, StoreError>;

    /// The names of which a copy is kept, with the SHA-256 of each, sorted bytewise.
    fn kept(&self, namespace: &str) -> Result<Vec<(String, [u8; 32])>, StoreError>;

    /// A kept copy. Damaged where it is not what its SHA-256 says.
    fn recover(&self, namespace: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a copy in place of an earlier one of that name. The same content again writes nothing.
    fn keep(&self, namespace: &str, name: &str, content: &[u8], mark: u64) -> Result<(), StoreError>;

    /// Lets a copy go. Answers whether there was one.
    fn forget(&self, namespace: &str, name: &str, mark: u64) -> Result<bool, StoreError>;

    /// The floor of a policy; none before one was adopted.
    fn floor(&self, namespace: &str) -> Result<Option<Floor>, StoreError>;

    /// Lifts the floor where it is lower. Answers the floor that then holds: the caller's own, or one that is as high or higher.
    fn raise_floor(&self, namespace: &str, floor: Floor, mark: u64) -> Result<Floor, StoreError>;

    /// A small value of the host's, such as the active policy.
    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts such a value; none removes it. The same value again writes nothing.
    fn put_value(&self, key: &str, value: Option<&[u8]>, mark: u64) -> Result<(), StoreError>;

    /// What crashes burned that was not told before this opening; empty after a clean stop.
    fn burned(&self) -> &[Burned];

    /// All of [`Store::burned`] was told: the next opening finds it told.
    fn told_burned(&self) -> Result<(), StoreError>;

    /// What crashes burned of each counter of a policy, told or not.
    fn burned_ever(&self, namespace: &str) -> Result<Vec<(String, u64)>, StoreError>;

    /// How its commits went since this opening.
    fn figures(&self) -> StoreFigures;

    /// By which the install key is known; sixteen hex digits, empty where nothing is sealed.
    fn install_key(&self) -> String;

    /// The seed of the key that signs reports; none where nothing is sealed.
    fn report_seed(&self) -> Option<[u8; 32]>;

    /// The last commit.
    fn head(&self) -> Result<Head, StoreError>;

    /// The last commit, to be handed out in a report: kept, so that [`Store::ancestry`] knows it. The newest 1,000 are.
    fn tell_head(&self, mark: u64) -> Result<Head, StoreError>;

    /// Where a head that was handed out stands to this state. One that was told, but not by [`Store::tell_head`], or that is no longer
    /// kept, is a fork once this state went on.
    fn ancestry(&self, earlier: &Head) -> Result<Ancestry, StoreError>;
}

/// The value that remembers an anchor.
pub(crate) fn anchor_key(namespace: &str, id: &str) -> String {
    format!("anchor/{namespace}/{id}")
}

/// Refuses names and requests that are longer than what the store keeps, and calls that ask for too much at once.
fn check_add(entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<(), Error> {
    check_items(entries.len())?;
    check_items(draws.len())?;
    entries.iter().try_for_each(|entry| check_name(&entry.counter))?;
    draws.iter().try_for_each(|draw| check_name(&draw.counter))?;
    check_once(once)
}

fn check_subtract(portions: &[Portion], once: Option<&Once>) -> Result<(), Error> {
    check_items(portions.len())?;
    portions.iter().try_for_each(|portion| check_name(&portion.counter))?;
    check_once(once)
}

fn check_read(counters: &[String]) -> Result<(), Error> {
    check_items(counters.len())?;
    counters.iter().try_for_each(|counter| check_name(counter))
}

fn check_name(name: &str) -> Result<(), Error> {
    at_most(name.len(), MAX_NAME, "counter-name-too-long")
}

fn check_once(once: Option<&Once>) -> Result<(), Error> {
    let Some(once) = once else { return Ok(()) };
    at_most(once.key.len(), MAX_ONCE_KEY, "once-key-too-long")?;
    at_most(once.request.len(), MAX_ONCE_REQUEST, "once-request-too-long")
}

fn check_items(count: usize) -> Result<(), Error> {
    at_most(count, MAX_ITEMS, "too-many-entries")
}

fn at_most(length: usize, max: usize, reason: &str) -> Result<(), Error> {
    if length > max { Err(Error::Other(reason.to_owned())) } else { Ok(()) }
}

/// The reservation does not stand as it was said to: another caller was quicker.
fn moved() -> Error {
    Error::Other("reservation-moved".to_owned())
}

/// What [`Store::add`] answers for what was taken of a block.
fn taken(take: Take) -> Option<Result<Vec<u64>, Error>> {
    match take {
        Take::Taken(sum) => Some(Ok(vec![sum])),
        Take::Exceeded(current) => Some(Err(Error::Exceeded(Excess { entry: 0, current }))),
        Take::Missing => None,
    }
}

/// What a call did, as its `once` row tells it.
fn recorded_add(once: &Once, entries: &[Entry], sums: &[u64]) -> Recorded {
    recorded(once, portions(entries), sums)
}

fn portions(entries: &[Entry]) -> Vec<Portion> {
    entries.iter().map(|entry| Portion { counter: entry.counter.clone(), amount: entry.amount }).collect()
}

fn recorded(once: &Once, entries: Vec<Portion>, sums: &[u64]) -> Recorded {
    Recorded { request: once.request.clone(), entries, sums: sums.to_vec() }
}
