//! `placet:policy/counters`: the store, within the namespace of one policy.

use wasmtime::component::{HasSelf, Linker};

use super::Calls;
use super::tape::{Asked, Played, Tape};
use crate::bindings::placet::policy::counters::{
    self, Draw, Entry, Error, Host, Member, Once, Place, Portion, Recorded, Supply,
};
use crate::counter_name;
use crate::instances::InStore;
use crate::limits;
use crate::program::Lent;
use crate::sandbox::Ticks;
use crate::store::{Counted, Last, Part, Recalled};

/// What an instance sees of the counters.
pub(crate) struct CountersCapability {
    lent: Lent,
    in_store: InStore,
    ticks: Ticks,
    tape: Tape,
    /// Ticks that went by in the store during the present call, and were not yet given back.
    waited: u64,
    calls: Calls,
    /// What the entries of the present call belong to.
    part: Option<Part>,
    /// The reservation that they were recorded for, now or by a repeated call.
    found: Option<String>,
    last: Last,
    /// Did the present call ask for anything?
    is_asked: bool,
}

impl CountersCapability {
    /// The counters of one policy.
    pub(crate) fn new(lent: Lent, in_store: InStore, ticks: Ticks, tape: Tape) -> Self {
        Self {
            lent,
            in_store,
            ticks,
            tape,
            waited: 0,
            calls: Calls::new(limits::LOAD.host_calls),
            part: None,
            found: None,
            last: Last::default(),
            is_asked: false,
        }
    }

    /// Forgets what the call before took.
    pub(crate) fn begin_call(&mut self, host_calls: u32) {
        self.waited = 0;
        self.last.begin_call();
        self.is_asked = false;
        self.calls = Calls::new(host_calls);
    }

    /// Did the last call ask for anything?
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// What the last call has taken from a block.
    pub(crate) fn counted(&self) -> Option<Counted<'_>> {
        self.last.counted()
    }

    /// What the next call charges belongs to a reservation.
    pub(crate) fn begin_part(&mut self, part: Part) {
        (self.part, self.found) = (Some(part), None);
    }

    /// That call is over. Answers the reservation for which it was recorded, or was when its `once` key counted; none: nothing was.
    pub(crate) fn end_part(&mut self) -> Option<String> {
        self.part = None;
        self.found.take()
    }

    /// What entries belong to: a policy's own memory to nothing.
    fn part_of(&self, entries: &[Entry], once: Option<&Once>) -> Option<Part> {
        let charges = once.is_some() || entries.iter().any(|entry| counter_name::is_usage(&entry.counter));
        self.part.clone().filter(|_| charges)
    }

    fn find(&mut self, recalled: Option<&Recalled>) {
        if let (Some(Part::Reserve(..)), Some(Recalled { reservation: Some(id), .. })) = (&self.part, recalled) {
            self.found = Some(id.clone());
        }
    }

    /// Ticks that a deadline must be put off by, because they went by in the store; each is told once.
    pub(crate) fn take_waited(&mut self) -> u64 {
        std::mem::take(&mut self.waited)
    }

    /// Puts the interface within the reach of every instance made by `linker`.
    pub(crate) fn add_to_linker<T: 'static>(
        linker: &mut Linker<T>,
        view: fn(&mut T) -> &mut Self,
    ) -> wasmtime::Result<()> {
        counters::add_to_linker::<T, HasSelf<Self>>(linker, view)
    }

    /// Asks the store. The policy does not pay for the disk's time.
    fn ask<A, T: Played>(
        &mut self,
        arguments: A,
        asked: impl FnOnce(&A) -> Asked,
        ask: impl FnOnce(&Lent, A) -> T,
    ) -> wasmtime::Result<T> {
        self.calls.take()?;
        self.is_asked = true;
        let before = self.ticks.count();
        let answer = self.in_store.during(|| self.tape.pass(arguments, asked, |arguments| ask(&self.lent, arguments)));
        self.waited += self.ticks.count() - before;
        Ok(answer?)
    }
}

impl Host for CountersCapability {
    fn read(&mut self, counters: Vec<String>) -> wasmtime::Result<Result<Vec<u64>, Error>> {
        self.ask(
            counters,
            |counters| Asked::Read { counters: counters.clone() },
            |lent, counters| lent.store.read(&lent.namespace, &counters, lent.clock.moment()),
        )
    }

    fn add(
        &mut self,
        entries: Vec<Entry>,
        draws: Vec<Draw>,
        once: Option<Once>,
    ) -> wasmtime::Result<Result<Vec<u64>, Error>> {
        let part = self.part_of(&entries, once.as_ref());
        let id = part.as_ref().map(|(Part::Reserve(id, _) | Part::Settle(id, _))| id.clone());
        let key = once.as_ref().map(|once| once.key.clone());
        let mut last = std::mem::take(&mut self.last);
        let answer = self.ask(
            (entries, draws, once),
            |(entries, draws, once)| Asked::Add { entries: entries.clone(), draws: draws.clone(), once: once.clone() },
            |lent, (entries, draws, once)| {
                last.add((&*lent.store, &lent.namespace), entries, draws, once, part, lent.clock.moment())
            },
        )?;
        self.last = last;
        match (&answer, key) {
            (Ok(_), _) if id.is_some() => self.found = id,
            (Err(Error::Repeated(_)), Some(key)) if self.part.is_some() => drop(self.recall(key)?),
            _ => {}
        }
        Ok(answer)
    }

    fn subtract(&mut self, portions: Vec<Portion>, once: Option<Once>) -> wasmtime::Result<Result<Vec<u64>, Error>> {
        self.ask(
            (portions, once),
            |(portions, once)| Asked::Subtract { portions: portions.clone(), once: once.clone() },
            |lent, (portions, once)| lent.store.subtract(&lent.namespace, portions, once, lent.clock.moment()),
        )
    }

    fn recall(&mut self, key: String) -> wasmtime::Result<Result<Option<Recorded>, Error>> {
        let mut recalled = None;
        let answer = self.ask(
            key,
            |key| Asked::Recall { key: key.clone() },
            |lent, key| {
                let answer = lent.store.recall(&lent.namespace, &key)?;
                recalled.clone_from(&answer);
                Ok(answer.map(|recalled| recalled.recorded))
            },
        )?;
        self.find(recalled.as_ref());
        Ok(answer)
    }

    fn level(&mut self, bucket: Draw) -> wasmtime::Result<Supply> {
        self.ask(
            bucket,
            |bucket| Asked::Level { bucket: bucket.clone() },
            |lent, bucket| lent.store.level(&lent.namespace, &bucket, lent.clock.moment()),
        )
    }

    fn set(&mut self, counter: String, value: u64) -> wasmtime::Result<Result<u64, Error>> {
        self.ask(
            counter,
            |counter| Asked::Set { counter: counter.clone(), value },
            |lent, counter| lent.store.set(&lent.namespace, &counter, value, lent.clock.moment()),
        )
    }

    fn raise(&mut self, counter: String, value: u64) -> wasmtime::Result<Result<u64, Error>> {
        self.ask(
            counter,
            |counter| Asked::Raise { counter: counter.clone(), value },
            |lent, counter| lent.store.raise(&lent.namespace, &counter, value, lent.clock.moment()),
        )
    }

    fn claim(&mut self, pool: String, member: Member, capacity: u64) -> wasmtime::Result<Result<u64, Error>> {
        self.ask(
            (pool, member),
            |(pool, member)| Asked::Claim { pool: pool.clone(), member: member.clone(), capacity },
            |lent, (pool, member)| lent.store.claim(&lent.namespace, &pool, member, capacity, lent.clock.moment()),
        )
    }

    fn release(&mut self, pool: String, holder: String) -> wasmtime::Result<Result<u64, Error>> {
        self.ask(
            (pool, holder),
            |(pool, holder)| Asked::Release { pool: pool.clone(), holder: holder.clone() },
            |lent, (pool, holder)| lent.store.release(&lent.namespace, &pool, &holder, lent.clock.moment()),
        )
    }

    fn place_of(&mut self, pool: String, holder: String) -> wasmtime::Result<Result<Place, Error>> {
        self.ask(
            (pool, holder),
            |(pool, holder)| Asked::PlaceOf { pool: pool.clone(), holder: holder.clone() },
            |lent, (pool, holder)| lent.store.place(&lent.namespace, &pool, &holder, lent.clock.moment()),
        )
    }

    fn members(
        &mut self,
        pool: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<Member>, Error>> {
        self.ask(
            (pool, after),
            |(pool, after)| Asked::Members { pool: pool.clone(), after: after.clone(), limit },
            |lent, (pool, after)| {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                lent.store.members(&lent.namespace, &pool, after.as_deref(), limit, lent.clock.moment())
            },
        )
    }
}
