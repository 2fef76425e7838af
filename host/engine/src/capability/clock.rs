//! `placet:policy/clock`: the time to judge by, and what the machine claims.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use super::Calls;
use crate::bindings::placet::policy::clock::{self, Host};
use crate::clock::{Clock, Reading};

/// What an instance sees of the time.
pub(crate) struct ClockCapability {
    clock: Arc<Clock>,
    /// While a policy loads, time stands still, so that all instances learn the same.
    frozen: Option<Reading>,
    /// What is left of the present call.
    pub(crate) calls: Calls,
}

impl ClockCapability {
    /// The running clock, or the moment of a snapshot.
    pub(crate) fn new(clock: Arc<Clock>, frozen: Option<Reading>) -> Self {
        Self { clock, frozen, calls: Calls::new() }
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

    fn reading(&mut self) -> wasmtime::Result<Reading> {
        self.calls.take()?;
        Ok(self.frozen.unwrap_or_else(|| self.clock.read()))
    }
}

impl Host for ClockCapability {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.reading()?.now)
    }

    fn wall(&mut self) -> wasmtime::Result<u64> {
        Ok(self.reading()?.wall)
    }

    fn read(&mut self) -> wasmtime::Result<clock::Reading> {
        let Reading { now, wall, .. } = self.reading()?;
        Ok(clock::Reading { now, wall })
    }
}
