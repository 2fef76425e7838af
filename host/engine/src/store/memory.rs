//! The store as a model: plain maps behind one lock. It forgets everything with its value.
//!
//! Written to be read: it says what [`super::RedbStore`] must do, and the tests compare the two. The self-test of a new policy
//! counts in it.

mod reservations;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::bucket::Buckets;
use super::reservation::is_reserved;
use super::term::Term;
use super::{
    Ancestry, Block, Burned, Floor, Head, MAX_ITEMS, MAX_ONCE_KEY, Moment, Part, Recalled, Reserved, Settling,
    Standing, Store, StoreError, anchor_key, at_most, check_add, check_name, check_read, check_subtract, moved,
    portions, recorded, recorded_add,
};
use crate::bindings::placet::policy::counters::{Draw, Entry, Error, Excess, Member, Once, Place, Portion, Supply};
use crate::figures::StoreFigures;

/// A store that lives as long as its value.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    model: Mutex<Model>,
    buckets: Buckets,
}

type Key = (String, String);

#[derive(Debug, Default)]
struct Model {
    counters: BTreeMap<Key, u64>,
    /// Kept for ever: nothing here lives for a day.
    once: BTreeMap<Key, Recalled>,
    /// Those that hold, and those that do not hold any more; these are kept for ever too.
    reservations: BTreeMap<Key, Standing>,
    /// How much of what a counter holds is reserved.
    reserved: BTreeMap<Key, u64>,
    pools: BTreeMap<Key, BTreeMap<String, (Member, Option<Term>)>>,
    kept: BTreeMap<Key, Vec<u8>>,
    floors: BTreeMap<String, Floor>,
    values: BTreeMap<String, Vec<u8>>,
    mark: Option<u64>,
    /// How often something changed. Nothing here can be put back, so a number tells a commit.
    changes: u64,
    told: BTreeMap<u64, [u8; 32]>,
}

fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

impl MemoryStore {
    /// What a restart of the process does.
    #[cfg(test)]
    pub(super) fn restart(&mut self, mark: u64) {
        self.buckets = Buckets::default();
        self.buckets.start(mark);
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Model {
    fn held(&self, namespace: &str, counter: &str) -> u64 {
        self.counters.get(&key(namespace, counter)).copied().unwrap_or(0)
    }

    fn passed(&mut self, mark: u64) {
        self.mark = self.mark.max(Some(mark));
        self.changes += 1;
    }

    fn head(&self) -> Head {
        Head { number: self.changes, hash: Sha256::digest(self.changes.to_le_bytes()).into() }
    }

    fn repeated(&self, namespace: &str, once: Option<&Once>) -> Result<(), Error> {
        match once.and_then(|once| self.once.get(&key(namespace, &once.key))) {
            Some(recalled) => Err(Error::Repeated(recalled.recorded.clone())),
            None => Ok(()),
        }
    }

    fn sum(&self, namespace: &str, pool: &str, moment: Moment) -> u64 {
        self.unexpired(namespace, pool, moment).fold(0, |sum, member| sum.saturating_add(member.weight))
    }

    fn unexpired(&self, namespace: &str, pool: &str, moment: Moment) -> impl Iterator<Item = &Member> {
        let members = self.pools.get(&key(namespace, pool)).into_iter().flat_map(BTreeMap::values);
        members.filter(move |(_, term)| !term.is_some_and(|term| term.is_over(moment))).map(|(member, _)| member)
    }
}

impl Store for MemoryStore {
    fn read(&self, namespace: &str, counters: &[String], moment: Moment) -> Result<Vec<u64>, Error> {
        check_read(counters)?;
        let mut model = self.model();
        model.free_due(moment);
        Ok(counters.iter().map(|counter| model.held(namespace, counter)).collect())
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
        let mut model = self.model();
        model.free_due(moment);
        model.repeated(namespace, once.as_ref())?;
        if let Some(Part::Settle(id, settling)) = &part
            && !model.stands(namespace, id, &settling.from)
        {
            return Err(moved());
        }
        let mut sums = BTreeMap::new();
        for (index, entry) in (0_u32..).zip(&entries) {
            let current = model.held(namespace, &entry.counter);
            let sum = sums.entry(entry.counter.as_str()).or_insert(current);
            match sum.checked_add(entry.amount) {
                Some(added) if added <= entry.ceiling => *sum = added,
                _ => return Err(Error::Exceeded(Excess { entry: index, current })),
            }
        }
        self.buckets.take(namespace, &draws, moment.mark).map_err(Error::Empty)?;
        model.counters.extend(sums.iter().map(|(name, sum)| (key(namespace, name), *sum)));
        let sums: Vec<u64> = entries.iter().map(|entry| model.held(namespace, &entry.counter)).collect();
        if entries.is_empty() && once.is_none() {
            return Ok(sums);
        }
        model.passed(moment.mark);
        if let Some(once) = once {
            let reservation = match &part {
                Some(Part::Reserve(id, _)) => Some(id.clone()),
                _ => None,
            };
            let recorded = recorded_add(&once, &entries, &sums);
            model.once.insert(key(namespace, &once.key), Recalled { recorded, reservation });
        }
        match part {
            Some(Part::Reserve(id, reserved)) => {
                let entries = portions(&entries).into_iter().filter(is_reserved).collect();
                model.reserve(namespace, &id, Reserved { entries, ..reserved });
            }
            Some(Part::Settle(id, settling)) => model.settle(namespace, &id, *settling),
            None => {}
        }
        Ok(sums)
    }

    /// Nothing here is quicker than its memory.
    fn block(&self, _: &str, _: &str) -> Option<Arc<Block>> {
        None
    }

    fn subtract(
        &self,
        namespace: &str,
        portions: Vec<Portion>,
        once: Option<Once>,
        moment: Moment,
    ) -> Result<Vec<u64>, Error> {
        check_subtract(&portions, once.as_ref())?;
        let mut model = self.model();
        model.free_due(moment);
        model.repeated(namespace, once.as_ref())?;
        let mut rests = BTreeMap::new();
        for (index, portion) in (0_u32..).zip(&portions) {
            let current = model.held(namespace, &portion.counter);
            let rest = rests.entry(portion.counter.as_str()).or_insert(current);
            *rest = rest.checked_sub(portion.amount).ok_or(Error::Exceeded(Excess { entry: index, current }))?;
        }
        for (name, rest) in &rests {
            model.counters.insert(key(namespace, name), *rest);
            model.hold_at_most(namespace, name, *rest);
        }
        let rests: Vec<u64> = portions.iter().map(|portion| model.held(namespace, &portion.counter)).collect();
        if !portions.is_empty() || once.is_some() {
            model.passed(moment.mark);
        }
        if let Some(once) = once {
            let recorded = recorded(&once, portions, &rests);
            model.once.insert(key(namespace, &once.key), Recalled { recorded, reservation: None });
        }
        Ok(rests)
    }

    fn recall(&self, namespace: &str, once: &str) -> Result<Option<Recalled>, Error> {
        at_most(once.len(), MAX_ONCE_KEY, "once-key-too-long")?;
        Ok(self.model().once.get(&key(namespace, once)).cloned())
    }

    fn level(&self, namespace: &str, bucket: &Draw, moment: Moment) -> Supply {
        self.buckets.level(namespace, bucket, moment.mark)
    }

    fn set(&self, namespace: &str, counter: &str, value: u64, moment: Moment) -> Result<u64, Error> {
        check_name(counter)?;
        let mut model = self.model();
        model.free_due(moment);
        let before = model.held(namespace, counter);
        model.counters.insert(key(namespace, counter), value);
        model.hold_at_most(namespace, counter, 0);
        model.passed(moment.mark);
        Ok(before)
    }

    fn raise(&self, namespace: &str, counter: &str, value: u64, moment: Moment) -> Result<u64, Error> {
        check_name(counter)?;
        let mut model = self.model();
        model.free_due(moment);
        let before = model.held(namespace, counter);
        if value > before {
            model.counters.insert(key(namespace, counter), value);
            model.passed(moment.mark);
        }
        Ok(before.max(value))
    }

    fn claim(&self, namespace: &str, pool: &str, member: Member, capacity: u64, moment: Moment) -> Result<u64, Error> {
        check_name(pool)?;
        check_name(&member.holder)?;
        let mut model = self.model();
        let before = model.sum(namespace, pool, moment);
        let own = model.unexpired(namespace, pool, moment).find(|held| held.holder == member.holder);
        let own = own.map(|held| held.weight);
        let others = before.saturating_sub(own.unwrap_or(0));
        let fits = others.checked_add(member.weight).filter(|sum| *sum <= capacity);
        let renewed = own.filter(|own| member.weight <= *own).map(|_| others.saturating_add(member.weight));
        let sum = fits.or(renewed).ok_or(Error::Exceeded(Excess { entry: 0, current: before }))?;
        let members = model.pools.entry(key(namespace, pool)).or_default();
        members.retain(|_, (_, term)| !term.is_some_and(|term| term.is_over_for_good(moment)));
        // A time that is not confirmed may be taken back, and its members with it: they are removed by it where others take their places.
        let mut ended: Vec<_> = members
            .values()
            .filter_map(|(held, term)| Some((term.filter(|term| term.is_over(moment))?.end, held.holder.clone())))
            .filter(|(_, holder)| *holder != member.holder)
            .collect();
        ended.sort_unstable();
        for (_, holder) in ended.iter().filter(|_| fits.is_some()) {
            let all = members.values().filter(|(held, _)| held.holder != member.holder);
            let all = all.fold(member.weight, |sum, (held, _)| sum.saturating_add(held.weight));
            if all > capacity {
                members.remove(holder);
            }
        }
        let term = member.expires.map(|end| Term::until(end, moment));
        members.insert(member.holder.clone(), (member, term));
        model.passed(moment.mark);
        Ok(sum)
    }

    fn release(&self, namespace: &str, pool: &str, holder: &str, moment: Moment) -> Result<u64, Error> {
        check_name(pool)?;
        check_name(holder)?;
        let mut model = self.model();
        let held = model.pools.get_mut(&key(namespace, pool)).and_then(|members| members.remove(holder));
        if held.is_some() {
            model.passed(moment.mark);
        }
        Ok(model.sum(namespace, pool, moment))
    }

    fn place(&self, namespace: &str, pool: &str, holder: &str, moment: Moment) -> Result<Place, Error> {
        check_name(pool)?;
        check_name(holder)?;
        let model = self.model();
        let member = model.unexpired(namespace, pool, moment).find(|held| held.holder == holder).cloned();
        Ok(Place { sum: model.sum(namespace, pool, moment), member })
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
        let model = self.model();
        let members = model.unexpired(namespace, pool, moment);
        let members = members.filter(|member| after.is_none_or(|after| member.holder.as_str() > after));
        Ok(members.take(limit.min(MAX_ITEMS)).cloned().collect())
    }

    fn pools(
        &self,
        namespace: &str,
        after: Option<&str>,
        limit: usize,
        moment: Moment,
    ) -> Result<Vec<String>, StoreError> {
        let model = self.model();
        let names = model.pools.keys().filter(|(space, _)| space == namespace).map(|(_, name)| name);
        let held = names.filter(|name| model.unexpired(namespace, name, moment).any(|member| member.weight > 0));
        Ok(held.filter(|name| after.is_none_or(|after| name.as_str() > after)).take(limit).cloned().collect())
    }

    fn reservation(&self, namespace: &str, id: &str, moment: Moment) -> Result<Option<Standing>, StoreError> {
        let mut model = self.model();
        model.free_due(moment);
        Ok(model.reservations.get(&key(namespace, id)).cloned())
    }

    fn reserve(&self, namespace: &str, id: &str, reserved: Reserved, moment: Moment) -> Result<(), StoreError> {
        let mut model = self.model();
        model.reserve(namespace, id, reserved);
        model.passed(moment.mark);
        Ok(())
    }

    fn settle(&self, namespace: &str, id: &str, settling: Settling, moment: Moment) -> Result<bool, StoreError> {
        let mut model = self.model();
        model.free_due(moment);
        let stands = model.stands(namespace, id, &settling.from);
        if stands {
            model.settle(namespace, id, settling);
            model.passed(moment.mark);
        }
        Ok(stands)
    }

    fn free_due(&self, moment: Moment) -> Result<(), StoreError> {
        self.model().free_due(moment);
        Ok(())
    }

    fn counters(
        &self,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let model = self.model();
        let named = model.counters.iter().filter(|((space, name), _)| {
            space == namespace && name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after)
        });
        Ok(named.take(limit).map(|((_, name), value)| (name.clone(), *value)).collect())
    }

    fn start(&self, mark: u64) {
        self.buckets.start(mark);
    }

    fn mark(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.model().mark)
    }

    fn commit_mark(&self, mark: u64) -> Result<(), StoreError> {
        self.model().passed(mark);
        Ok(())
    }

    fn anchor(&self, namespace: &str, id: &str, time: u64, mark: u64) -> Result<bool, StoreError> {
        let mut model = self.model();
        let first = model.values.insert(anchor_key(namespace, id), time.to_le_bytes().to_vec()).is_none();
        if first {
            for standing in model.reservations.values_mut() {
                if let Standing::Open(reserved) = standing {
                    reserved.ends = reserved.ends.anchored(mark, time);
                }
            }
            for (_, term) in model.pools.values_mut().flat_map(BTreeMap::values_mut) {
                *term = term.map(|term| term.anchored(mark, time));
            }
            self.buckets.anchor(mark, time);
            model.passed(time);
            model.mark = Some(time);
        }
        Ok(first)
    }

    fn kept(&self, namespace: &str) -> Result<Vec<(String, [u8; 32])>, StoreError> {
        let model = self.model();
        let kept = model.kept.iter().filter(|((space, _), _)| space == namespace);
        Ok(kept.map(|((_, name), content)| (name.clone(), Sha256::digest(content).into())).collect())
    }

    fn recover(&self, namespace: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.model().kept.get(&key(namespace, name)).cloned())
    }

    fn keep(&self, namespace: &str, name: &str, content: &[u8], mark: u64) -> Result<(), StoreError> {
        let mut model = self.model();
        if model.kept.insert(key(namespace, name), content.to_vec()).as_deref() != Some(content) {
            model.passed(mark);
        }
        Ok(())
    }

    fn forget(&self, namespace: &str, name: &str, mark: u64) -> Result<bool, StoreError> {
        let mut model = self.model();
        let held = model.kept.remove(&key(namespace, name)).is_some();
        if held {
            model.passed(mark);
        }
        Ok(held)
    }

    fn floor(&self, namespace: &str) -> Result<Option<Floor>, StoreError> {
        Ok(self.model().floors.get(namespace).copied())
    }

    fn raise_floor(&self, namespace: &str, floor: Floor, mark: u64) -> Result<Floor, StoreError> {
        let mut model = self.model();
        match model.floors.get(namespace) {
            Some(held) if held.sequence >= floor.sequence => Ok(*held),
            _ => {
                model.floors.insert(namespace.to_owned(), floor);
                model.passed(mark);
                Ok(floor)
            }
        }
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.model().values.get(key).cloned())
    }

    fn put_value(&self, key: &str, value: Option<&[u8]>, mark: u64) -> Result<(), StoreError> {
        let mut model = self.model();
        let before = match value {
            Some(value) => model.values.insert(key.to_owned(), value.to_vec()),
            None => model.values.remove(key),
        };
        if before.as_deref() != value {
            model.passed(mark);
        }
        Ok(())
    }

    fn burned(&self) -> &[Burned] {
        &[]
    }

    fn told_burned(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn burned_ever(&self, _: &str) -> Result<Vec<(String, u64)>, StoreError> {
        Ok(Vec::new())
    }

    fn figures(&self) -> StoreFigures {
        StoreFigures::default()
    }

    fn install_key(&self) -> String {
        String::new()
    }

    fn report_seed(&self) -> Option<[u8; 32]> {
        None
    }

    fn head(&self) -> Result<Head, StoreError> {
        Ok(self.model().head())
    }

    fn tell_head(&self, mark: u64) -> Result<Head, StoreError> {
        let mut model = self.model();
        let head = model.head();
        model.told.insert(head.number, head.hash);
        model.passed(mark);
        Ok(head)
    }

    fn ancestry(&self, earlier: &Head) -> Result<Ancestry, StoreError> {
        let model = self.model();
        let last = model.head();
        let known = last == *earlier || model.told.get(&earlier.number) == Some(&earlier.hash);
        Ok(match known {
            _ if earlier.number > last.number => Ancestry::Restored,
            true => Ancestry::Continued,
            false => Ancestry::Forked,
        })
    }
}
