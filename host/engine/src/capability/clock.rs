//! `placet:policy/clock`: the time to judge by, and what the machine claims.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use super::Calls;
use super::tape::{Answer, Asked, Played, Tape};
use crate::bindings::placet::policy::clock::{self, Host};
use crate::clock::{Clock, Reading};
use crate::limits;

/// What an instance sees of the time.
pub(crate) struct ClockCapability {
    clock: Arc<Clock>,
    /// While a policy loads, time stands still, so that all instances learn the same.
    frozen: Option<Reading>,
    tape: Tape,
    /// What is left of the present call.
    calls: Calls,
    /// The latest time that the present call was told.
    told: Option<u64>,
}

impl ClockCapability {
    /// The running clock, or the moment of a snapshot.
    pub(crate) fn new(clock: Arc<Clock>, frozen: Option<Reading>, tape: Tape) -> Self {
        Self { clock, frozen, tape, calls: Calls::new(limits::LOAD.host_calls), told: None }
    }

    /// Forgets what the call before took.
    pub(crate) fn begin_call(&mut self, host_calls: u32) {
        (self.calls, self.told) = (Calls::new(host_calls), None);
    }

    /// The latest time to judge by that the last call was told; none: it did not ask.
    pub(crate) fn told(&self) -> Option<u64> {
        self.told
    }

    /// Lets the time run on.
    pub(crate) fn thaw(&mut self) {
        self.frozen = None;
    }

    /// Puts the interface within the reach of every instance made by `linker`.
    pub(crate) fn add_to_linker<T: 'static>(
        linker: &mut Linker<T>,
        view: fn(&mut T) -> &mut Self,
    ) -> wasmtime::Result<()> {
        clock::add_to_linker::<T, HasSelf<Self>>(linker, view)
    }

    fn reading(&mut self, asked: Asked) -> wasmtime::Result<clock::Reading> {
        self.calls.take()?;
        let Self { clock, frozen, tape, .. } = self;
        let read = |()| {
            let Reading { now, wall, .. } = frozen.unwrap_or_else(|| clock.read());
            clock::Reading { now, wall }
        };
        let reading = tape.pass((), |()| asked, read)?;
        self.told = self.told.max(Some(reading.now));
        Ok(reading)
    }
}

impl Played for clock::Reading {
    fn to_answer(&self) -> Answer {
        Answer::Time { now: self.now, wall: self.wall }
    }

    fn from_answer(answer: Answer) -> Option<Self> {
        if let Answer::Time { now, wall } = answer { Some(Self { now, wall }) } else { None }
    }
}

impl Host for ClockCapability {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.reading(Asked::Now)?.now)
    }

    fn wall(&mut self) -> wasmtime::Result<u64> {
        Ok(self.reading(Asked::Wall)?.wall)
    }

    fn read(&mut self) -> wasmtime::Result<clock::Reading> {
        self.reading(Asked::Clock)
    }
}
