//! The store on a disk: one redb file in the state directory, one thread that writes it.
//!
//! Reads answer from the last commit. The sums of all pages and the tags of all rows are checked when the file is opened, which takes
//! about a third of a second with 100,000 `once` rows. What that cannot see: bytes that another program alters while the file is open, and damage to the
//! very last commit before a crash, which looks like a commit that did not come to its end: the state before it is served.

mod blocks;
mod chain;
mod due;
mod error;
mod file;
mod job;
mod kept;
mod once;
mod pools;
mod reserved;
mod rows;
mod sealed;
mod seen;
mod writer;

#[cfg(test)]
mod crashes;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod forgeries;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod mounts;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod slack;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::file::NAME as COUNTERS_FILE;
use self::file::{Opener, StateFile};
use self::pools::Pool;
use self::writer::Writer;
use super::block::{Block, Blocks};
use super::bucket::Buckets;
use super::{
    Ancestry, Burned, Floor, Head, MAX_ITEMS, MAX_ONCE_KEY, Moment, Part, Recalled, Reserved, Settling, Standing,
    Store, StoreError, anchor_key, at_most, check_add, check_name, check_read, check_subtract, taken,
};
use crate::bindings::placet::policy::counters::{Draw, Entry, Error, Member, Once, Place, Portion, Supply};
use crate::figures::StoreFigures;
use crate::vault::Vault;

/// A store in a state directory. Dropping it writes the file's last state and releases the lock.
#[derive(Debug)]
pub(crate) struct RedbStore {
    writer: Writer,
    buckets: Arc<Buckets>,
}

impl RedbStore {
    /// Opens the store of a state directory, which must be there, and makes its file where there is none.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_sealed(directory, Vault::default())
    }

    /// The same of a state directory whose install key may be sealed.
    pub(crate) fn open_sealed(directory: &Path, vault: Vault) -> Result<Self, StoreError> {
        Self::open_with(StateFile::new(directory, vault))
    }

    fn open_with(opener: impl Opener) -> Result<Self, StoreError> {
        Ok(Self { writer: Writer::start(Box::new(opener))?, buckets: Arc::default() })
    }

    /// Apart, since it is looked at for each unit whether to, and nearly never is.
    #[cold]
    fn free(&self, moment: Moment) -> Result<(), StoreError> {
        self.writer.write(moment.mark, move |txn| reserved::free_due(txn, moment))
    }
}

impl Store for RedbStore {
    fn read(&self, namespace: &str, counters: &[String], moment: Moment) -> Result<Vec<u64>, Error> {
        check_read(counters)?;
        // A disk that frees nothing still tells what is counted.
        drop(self.free_due(moment));
        let (blocks, seen) = (self.writer.blocks(), self.writer.seen());
        Ok(blocks.steadily(|| {
            let since = seen.since();
            let mut held = match seen.find(namespace, counters) {
                Some(held) => held,
                None => {
                    let held = self.writer.view(|view| rows::read(view, namespace, counters))?;
                    seen.keep(since, namespace, counters, &held);
                    held
                }
            };
            for (held, counter) in held.iter_mut().zip(counters) {
                *held = blocks.value(namespace, counter).unwrap_or(*held);
            }
            Ok::<_, StoreError>(held)
        })?)
    }

    fn add(
        &self,
        namespace: &str,
        entries: Vec<Entry>,
        draws: Vec<Draw>,
        once: Option<Once>,
        part: Option<Part>,
        moment: Moment,
    ) -> Result<Vec<u64>, Error> {
        check_add(&entries, &draws, once.as_ref())?;
        if entries.is_empty() && once.is_none() {
            return self.buckets.take(namespace, &draws, moment.mark).map(|()| Vec::new()).map_err(Error::Empty);
        }
        self.free_due(moment)?;
        let from_block = match (&*entries, &*draws, &once, &part) {
            ([entry], [], None, None) if entry.slack > 0 => Some(entry),
            _ => None,
        };
        if let Some(answer) = from_block.and_then(|entry| take(self.writer.blocks(), namespace, entry)) {
            return answer;
        }
        // Whoever waits while another caller fills the block is then served from it.
        let in_memory = {
            let (blocks, namespace, entry) = (self.writer.blocks().clone(), namespace.to_owned(), from_block.cloned());
            move || take(&blocks, &namespace, entry.as_ref()?)
        };
        let taken = Arc::new(AtomicBool::new(false));
        let outcome = self.writer.write_unless(moment.mark, in_memory, {
            let (namespace, draws, buckets, taken) =
                (namespace.to_owned(), draws.clone(), self.buckets.clone(), taken.clone());
            move |txn| {
                rows::add(txn, &namespace, entries, once, part, moment, || {
                    buckets.take(&namespace, &draws, moment.mark).map_err(Error::Empty)?;
                    taken.store(true, Ordering::Relaxed);
                    Ok(())
                })
            }
        });
        // Where nobody knows whether it counted, the tokens stay taken. The answer came through a channel, so the flag is
        // seen as the writer left it.
        let happened = matches!(outcome, Ok(_) | Err(StoreError::CommitUnknown { .. }));
        if !happened && taken.load(Ordering::Relaxed) {
            self.buckets.give_back(namespace, &draws);
        }
        outcome?
    }

    fn block(&self, namespace: &str, counter: &str) -> Option<Arc<Block>> {
        self.writer.blocks().find(namespace, counter)
    }

    fn subtract(
        &self,
        namespace: &str,
        portions: Vec<Portion>,
        once: Option<Once>,
        moment: Moment,
    ) -> Result<Vec<u64>, Error> {
        check_subtract(&portions, once.as_ref())?;
        if portions.is_empty() && once.is_none() {
            return Ok(Vec::new());
        }
        self.free_due(moment)?;
        let namespace = namespace.to_owned();
        self.writer.write(moment.mark, move |txn| rows::subtract(txn, &namespace, portions, once, moment.mark))?
    }

    fn recall(&self, namespace: &str, key: &str) -> Result<Option<Recalled>, Error> {
        at_most(key.len(), MAX_ONCE_KEY, "once-key-too-long")?;
        Ok(self.writer.view(|view| once::recall(view, namespace, key))?)
    }

    fn level(&self, namespace: &str, bucket: &Draw, moment: Moment) -> Supply {
        self.buckets.level(namespace, bucket, moment.mark)
    }

    fn set(&self, namespace: &str, counter: &str, value: u64, moment: Moment) -> Result<u64, Error> {
        check_name(counter)?;
        self.free_due(moment)?;
        let (namespace, counter) = (namespace.to_owned(), counter.to_owned());
        self.writer.write(moment.mark, move |txn| rows::set(txn, &namespace, &counter, value, moment.mark))?
    }

    fn raise(&self, namespace: &str, counter: &str, value: u64, moment: Moment) -> Result<u64, Error> {
        check_name(counter)?;
        self.free_due(moment)?;
        let (namespace, counter) = (namespace.to_owned(), counter.to_owned());
        self.writer.write(moment.mark, move |txn| rows::raise(txn, &namespace, &counter, value, moment.mark))?
    }

    fn claim(&self, namespace: &str, pool: &str, member: Member, capacity: u64, moment: Moment) -> Result<u64, Error> {
        check_name(pool)?;
        check_name(&member.holder)?;
        let (namespace, pool) = (namespace.to_owned(), pool.to_owned());
        self.writer.write(moment.mark, move |txn| {
            pools::claim(txn, Pool { namespace: &namespace, name: &pool }, &member, capacity, moment)
        })?
    }

    fn release(&self, namespace: &str, pool: &str, holder: &str, moment: Moment) -> Result<u64, Error> {
        check_name(pool)?;
        check_name(holder)?;
        let (namespace, pool, holder) = (namespace.to_owned(), pool.to_owned(), holder.to_owned());
        self.writer.write(moment.mark, move |txn| {
            pools::release(txn, Pool { namespace: &namespace, name: &pool }, &holder, moment)
        })?
    }

    fn place(&self, namespace: &str, pool: &str, holder: &str, moment: Moment) -> Result<Place, Error> {
        check_name(pool)?;
        check_name(holder)?;
        let of = Pool { namespace, name: pool };
        let (place, is_due) = self.writer.view(|view| pools::place(view, of, holder, moment))?;
        if is_due {
            let (namespace, pool) = (namespace.to_owned(), pool.to_owned());
            // What was found stays true; a disk that takes nothing away is no reason not to tell it.
            drop(
                self.writer.write(moment.mark, move |txn| {
                    pools::sweep(txn, Pool { namespace: &namespace, name: &pool }, moment)
                }),
            );
        }
        Ok(place)
    }

    fn members(
        &self,
        namespace: &str,
        pool: &str,
        after: Option<&str>,
        limit: usize,
        moment: Moment,
    ) -> Result<Vec<Member>, Error> {
        check_name(pool)?;
        let limit = limit.min(MAX_ITEMS);
        let of = Pool { namespace, name: pool };
        Ok(self.writer.view(|view| pools::members(view, of, after, limit, moment))?)
    }

    fn pools(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
        moment: Moment,
    ) -> Result<Vec<String>, StoreError> {
        self.writer.view(|view| pools::names(view, namespace, after, limit, moment))
    }

    fn reservation(&self, namespace: &str, id: &str, moment: Moment) -> Result<Option<Standing>, StoreError> {
        self.free_due(moment)?;
        self.writer.view(|view| reserved::find(view, namespace, id))
    }

    fn reserve(&self, namespace: &str, id: &str, reserved: Reserved, moment: Moment) -> Result<(), StoreError> {
        let (namespace, id) = (namespace.to_owned(), id.to_owned());
        self.writer.write(moment.mark, move |txn| {
            reserved::reserve(txn, &namespace, &id, reserved).map(rows::Outcome::Changed)
        })
    }

    fn settle(&self, namespace: &str, id: &str, settling: Settling, moment: Moment) -> Result<bool, StoreError> {
        self.free_due(moment)?;
        let (namespace, id) = (namespace.to_owned(), id.to_owned());
        self.writer.write(moment.mark, move |txn| reserved::settle(txn, &namespace, id, settling, moment.mark))
    }

    fn free_due(&self, moment: Moment) -> Result<(), StoreError> {
        if self.writer.is_due(moment) { self.free(moment) } else { Ok(()) }
    }

    fn counters(
        &self,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let blocks = self.writer.blocks();
        blocks.steadily(|| {
            let mut found = self.writer.view(|view| rows::counters(view, namespace, prefix, after, limit))?;
            for (counter, held) in &mut found {
                *held = blocks.value(namespace, counter).unwrap_or(*held);
            }
            Ok(found)
        })
    }

    fn start(&self, mark: u64) {
        self.buckets.start(mark);
    }

    fn mark(&self) -> Result<Option<u64>, StoreError> {
        self.writer.view(|view| Ok(chain::last(view)?.mark))
    }

    fn commit_mark(&self, mark: u64) -> Result<(), StoreError> {
        self.writer.write(mark, move |txn| rows::lift_mark(txn, mark))
    }

    fn anchor(&self, namespace: &str, id: &str, time: u64, mark: u64) -> Result<bool, StoreError> {
        let key = anchor_key(namespace, id);
        let first = self.writer.write(time, move |txn| kept::anchor(txn, &key, time, mark))?;
        if first {
            self.buckets.anchor(mark, time);
        }
        Ok(first)
    }

    fn kept(&self, namespace: &str) -> Result<Vec<(String, [u8; 32])>, StoreError> {
        self.writer.view(|view| kept::kept(view, namespace))
    }

    fn recover(&self, namespace: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.writer.view(|view| kept::recover(view, namespace, name))
    }

    fn keep(&self, namespace: &str, name: &str, content: &[u8], mark: u64) -> Result<(), StoreError> {
        let (namespace, name, content) = (namespace.to_owned(), name.to_owned(), content.to_vec());
        self.writer.write(mark, move |txn| kept::keep(txn, &namespace, &name, &content))
    }

    fn forget(&self, namespace: &str, name: &str, mark: u64) -> Result<bool, StoreError> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.writer.write(mark, move |txn| kept::forget(txn, &namespace, &name))
    }

    fn floor(&self, namespace: &str) -> Result<Option<Floor>, StoreError> {
        self.writer.view(|view| kept::floor(view, namespace))
    }

    fn raise_floor(&self, namespace: &str, floor: Floor, mark: u64) -> Result<Floor, StoreError> {
        let namespace = namespace.to_owned();
        self.writer.write(mark, move |txn| kept::raise_floor(txn, &namespace, floor))
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.writer.view(|view| kept::value(view, key))
    }

    fn put_value(&self, key: &str, value: Option<&[u8]>, mark: u64) -> Result<(), StoreError> {
        let (key, value) = (key.to_owned(), value.map(<[u8]>::to_vec));
        self.writer.write(mark, move |txn| kept::put_value(txn, &key, value.as_deref()))
    }

    fn burned(&self) -> &[Burned] {
        &self.writer.burned
    }

    fn told_burned(&self) -> Result<(), StoreError> {
        let burned = self.writer.burned.clone();
        self.writer.write(0, move |txn| blocks::told(txn, &burned))
    }

    fn burned_ever(&self, namespace: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let burned = self.writer.view(blocks::burned)?.into_iter().map(|(burned, _)| burned);
        Ok(burned.filter(|one| one.policy == namespace).map(|one| (one.counter, one.units)).collect())
    }

    fn figures(&self) -> StoreFigures {
        self.writer.figures()
    }

    fn install_key(&self) -> String {
        self.writer.install_key().to_owned()
    }

    fn report_seed(&self) -> Option<[u8; 32]> {
        Some(self.writer.report_seed())
    }

    fn head(&self) -> Result<Head, StoreError> {
        self.writer.view(|view| Ok(chain::last(view)?.head()))
    }

    fn tell_head(&self, mark: u64) -> Result<Head, StoreError> {
        self.writer.write(mark, chain::tell)
    }

    fn ancestry(&self, earlier: &Head) -> Result<Ancestry, StoreError> {
        self.writer.view(|view| chain::ancestry(view, earlier))
    }
}

/// Takes what an entry adds out of its block; none where that has to be asked of the disk.
fn take(blocks: &Blocks, namespace: &str, entry: &Entry) -> Option<Result<Vec<u64>, Error>> {
    taken(blocks.take(namespace, &entry.counter, entry.amount, entry.ceiling, entry.slack))
}
