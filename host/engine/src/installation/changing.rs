//! The right to change an installation; and what is told of it, once that is given back.

use std::cell::RefCell;
use std::sync::{MutexGuard, PoisonError};

use super::Installation;
use crate::event::Event;

/// Held while documents or policy are changed. Subscribers hear of it when it is over, so that they may ask, and change, by themselves.
pub(super) struct Changing<'a> {
    pub(super) installation: &'a Installation,
    guard: Option<MutexGuard<'a, ()>>,
    events: RefCell<Vec<Event>>,
}

impl Installation {
    /// Waits for whoever else is changing it.
    pub(super) fn change(&self) -> Changing<'_> {
        let guard = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        Changing { installation: self, guard: Some(guard), events: RefCell::default() }
    }
}

impl Changing<'_> {
    /// Will be told.
    pub(super) fn tell(&self, name: &'static str, subject: &str, reason: &str) {
        self.events.borrow_mut().push(Event::new(name, subject, reason));
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        drop(self.guard.take());
        self.events.take().iter().for_each(|event| self.installation.happened(event));
    }
}
