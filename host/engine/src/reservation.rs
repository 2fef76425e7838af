//! Reserving, for what is known only when it is over: so many units now, and what it cost in the end.

use std::time::Duration;

use crate::builder::FailMode;
use crate::error::{Failure, SettleError};
use crate::placet::Placet;
use crate::request::Request;
use crate::store::Settlement;
use crate::{Decision, Denied};

/// How long a reservation holds unless told.
pub const DEFAULT_TERM: Duration = Duration::from_mins(10);

/// A reservation that was not asked for yet: [`Reserve::decide`] or [`Reserve::into_result`] asks for it.
#[derive(Clone, Debug)]
#[must_use = "nothing is reserved before `decide` or `into_result`"]
pub struct Reserve<'a> {
    placet: &'a Placet,
    request: Request<'a>,
    term: Duration,
}

impl<'a> Reserve<'a> {
    pub(crate) fn new(placet: &'a Placet, request: Request<'a>) -> Self {
        Self { placet, request, term: DEFAULT_TERM }
    }

    /// Reserves for this tenant, and settles for it.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.request = self.request.tenant(tenant);
        self
    }

    /// The same key never reserves twice: the answer is then the first one, with the same reservation. Kept for 24 hours at least. It is
    /// another key than the same one of [`Placet::consume`].
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.request = self.request.once(key);
        self
    }

    /// Tells the policy more; also when it is settled.
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self.request.detail(name, value);
        self
    }

    /// Charges this as well, all or none. Settling leaves it as it is, releasing and the end of the term give it back; but for seats, which their
    /// holder keeps as after any other charge.
    pub fn and(mut self, limit: impl Into<String>, amount: u64) -> Self {
        self.request = self.request.and(limit, amount);
        self
    }

    /// How long it holds: when it is over, what is not settled is freed, whether or not the product still runs. 10 minutes unless told;
    /// milliseconds count.
    pub fn term(mut self, term: Duration) -> Self {
        self.term = term;
        self
    }

    /// Asks. Where no decision could be made, it may yet have been reserved: ask again under the same [`Reserve::once`] key, or wait for
    /// the end of the term.
    ///
    /// # Errors
    ///
    /// [`Failure`] where no decision could be made, with [`FailMode::Error`] alone; otherwise that is a denial which names it.
    pub fn decide(self) -> Result<Reservation, Failure> {
        let placet = self.placet.clone();
        match self.ask() {
            Ok((decision, id)) => Ok(Reservation { placet, id, decision }),
            Err(failure) if placet.fail_mode() == FailMode::Closed => {
                Ok(Reservation { placet, id: None, decision: self.request.denial(&failure) })
            }
            Err(failure) => Err(failure),
        }
    }

    /// Asks, and takes everything but a yes for an error.
    ///
    /// # Errors
    ///
    /// [`Denied`] where the answer is no, and where no decision could be made.
    pub fn into_result(self) -> Result<Reservation, Denied> {
        let (decision, id) = self.ask().unwrap_or_else(|failure| (self.request.denial(&failure), None));
        Ok(Reservation { placet: self.placet.clone(), id, decision: decision.into_result()? })
    }

    fn ask(&self) -> Result<(Decision, Option<String>), Failure> {
        let term = self.term.as_millis().try_into().unwrap_or(u64::MAX);
        self.placet.reserve_for(&self.request, term)
    }
}

/// Units that were counted in advance. Dropping it does nothing: what is neither settled nor released stays counted until the end of
/// its term. As a clone of [`Placet`] it keeps the installation open; its [`Reservation::id`] outlives both.
#[derive(Clone, Debug)]
pub struct Reservation {
    placet: Placet,
    id: Option<String>,
    decision: Decision,
}

impl Reservation {
    /// By which it is settled, here or by another process on the same state; none where it was denied.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The policy's answer, as to [`Placet::consume`].
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// As [`Placet::settle`].
    ///
    /// # Errors
    ///
    /// As [`Placet::settle`]; `reservation-unknown` where it was denied.
    pub fn settle(&self, actual: u64) -> Result<Settlement, SettleError> {
        self.placet.settle(self.known()?, actual)
    }

    /// As [`Placet::release`].
    ///
    /// # Errors
    ///
    /// As [`Placet::release`]; `reservation-unknown` where it was denied.
    pub fn release(&self) -> Result<Settlement, SettleError> {
        self.placet.release_reservation(self.known()?)
    }

    fn known(&self) -> Result<&str, SettleError> {
        self.id.as_deref().ok_or(SettleError::Unknown)
    }
}
