//! One question to the policy, put together step by step.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Attribute;
use crate::bindings::exports::placet::policy::enforcement::{Charge, Context};
use crate::builder::FailMode;
use crate::error::Failure;
use crate::figures::DecisionKind;
use crate::limits::Budget;
use crate::placet::Placet;
use crate::recording::Recorded;
use crate::sandbox::{self, Instance};
use crate::{Decision, Denied};

/// A question that was not asked yet: [`Request::decide`] or [`Request::into_result`] asks it.
#[derive(Clone, Debug)]
#[must_use = "nothing is decided, and nothing counted, before `decide` or `into_result`"]
pub struct Request<'a> {
    placet: &'a Placet,
    pub(crate) question: Question<'a>,
    pub(crate) context: Context,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Question<'a> {
    Check(Cow<'a, str>),
    Preview(Vec<Charge>),
    Consume(Vec<Charge>),
    Credit(Charge),
    Measure(Charge),
    Claim { charge: Charge, holder: String, ttl: Option<u64> },
    Release { limit: String, holder: String },
}

impl<'a> Request<'a> {
    pub(crate) fn new(placet: &'a Placet, question: Question<'a>) -> Self {
        Self { placet, question, context: Context { tenant: None, once: None, details: Vec::new() } }
    }

    /// Counts for this tenant.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.context.tenant = Some(tenant.into());
        self
    }

    /// The same key never counts twice, whatever is retried: the answer is then the first one. Kept for 24 hours at least.
    /// Guards [`Placet::consume`] and [`Placet::credit`]; the others may be repeated by their nature.
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.context.once = Some(key.into());
        self
    }

    /// Tells the policy more, such as `access` = `read`.
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.context.details.push(Attribute { name: name.into(), value: value.into() });
        self
    }

    /// Of a [`Placet::claim`]: so many seats for the one holder, such as the cores of a machine. One unless told.
    pub fn weight(mut self, weight: u64) -> Self {
        if let Question::Claim { charge, .. } = &mut self.question {
            charge.amount = weight;
        }
        self
    }

    /// Of a [`Placet::claim`]: for so long, until it is claimed again; not longer than the license says. Milliseconds count.
    pub fn ttl(mut self, lasts: Duration) -> Self {
        if let Question::Claim { ttl, .. } = &mut self.question {
            *ttl = Some(lasts.as_millis().try_into().unwrap_or(u64::MAX));
        }
        self
    }

    /// Charges this as well, all or none. Of anything but a consume or a preview it changes nothing.
    pub fn and(mut self, limit: impl Into<String>, amount: u64) -> Self {
        if let Question::Consume(charges) | Question::Preview(charges) = &mut self.question {
            charges.push(Charge { limit: limit.into(), amount });
        }
        self
    }

    /// Asks. Where no decision could be made, it may yet have been counted; ask again under the same [`Request::once`] key.
    ///
    /// # Errors
    ///
    /// [`Failure`] where no decision could be made, with [`FailMode::Error`] alone; otherwise that is a denial which names it.
    pub fn decide(self) -> Result<Decision, Failure> {
        let placet = self.placet;
        match placet.ask(&self.question, &self.context) {
            Err(failure) if placet.fail_mode() == FailMode::Closed => Ok(self.denial(&failure)),
            answer => answer,
        }
    }

    /// Asks as [`Request::decide`] does, and records the decision with all that went into it, for [`crate::Builder::replay`]. An
    /// instance of the policy is loaded for it, so that it costs as much as opening; no fail mode is applied.
    pub fn record(self) -> Recorded {
        self.placet.record(self.question.into_owned(), self.context)
    }

    /// Asks, and takes everything but a yes for an error.
    ///
    /// # Errors
    ///
    /// [`Denied`] where the answer is no, and where no decision could be made.
    pub fn into_result(self) -> Result<Decision, Denied> {
        match self.placet.ask(&self.question, &self.context) {
            Ok(decision) => decision.into_result(),
            Err(failure) => self.denial(&failure).into_result(),
        }
    }

    pub(crate) fn denial(&self, failure: &Failure) -> Decision {
        let subject = match &self.question {
            Question::Check(feature) => feature,
            Question::Preview(charges) | Question::Consume(charges) => {
                charges.first().map_or("", |charge| charge.limit.as_str())
            }
            Question::Credit(charge) | Question::Measure(charge) | Question::Claim { charge, .. } => {
                charge.limit.as_str()
            }
            Question::Release { limit, .. } => limit,
        };
        denial(subject, failure.reason())
    }
}

/// A denial by the host.
pub(crate) fn denial(subject: &str, reason: &str) -> Decision {
    Decision {
        allowed: false,
        reason: reason.to_owned(),
        subject: subject.to_owned(),
        license: None,
        usage: Vec::new(),
        warnings: Vec::new(),
        retry: None,
        hold: None,
        details: Vec::new(),
    }
}

impl Question<'_> {
    fn into_owned(self) -> Question<'static> {
        match self {
            Self::Check(feature) => Question::Check(Cow::Owned(feature.into_owned())),
            Self::Preview(charges) => Question::Preview(charges),
            Self::Consume(charges) => Question::Consume(charges),
            Self::Credit(charge) => Question::Credit(charge),
            Self::Measure(charge) => Question::Measure(charge),
            Self::Claim { charge, holder, ttl } => Question::Claim { charge, holder, ttl },
            Self::Release { limit, holder } => Question::Release { limit, holder },
        }
    }

    pub(crate) fn kind(&self) -> DecisionKind {
        match self {
            Self::Check(_) => DecisionKind::Check,
            Self::Preview(_) => DecisionKind::Preview,
            Self::Consume(_) => DecisionKind::Consume,
            Self::Credit(_) => DecisionKind::Credit,
            Self::Measure(_) => DecisionKind::Measure,
            Self::Claim { .. } => DecisionKind::Claim,
            Self::Release { .. } => DecisionKind::Release,
        }
    }

    /// Puts it to an instance. What the policy says of repetitions is for the host alone.
    pub(crate) fn put(
        &self,
        instance: &mut Instance,
        budget: Budget,
        context: &Context,
    ) -> Result<Result<Decision, String>, sandbox::Failure> {
        let answer = self.put_to_hold(instance, budget, context)?;
        Ok(answer.map(|decision| Decision { hold: None, ..decision }))
    }

    /// The same, with what the policy says of repetitions.
    pub(crate) fn put_to_hold(
        &self,
        instance: &mut Instance,
        budget: Budget,
        context: &Context,
    ) -> Result<Result<Decision, String>, sandbox::Failure> {
        instance.call(budget, |policy, store| {
            let policy = policy.placet_policy_enforcement();
            match self {
                Self::Check(feature) => policy.call_check(store, feature, context),
                Self::Preview(charges) => policy.call_preview(store, charges, context),
                Self::Consume(charges) => policy.call_consume(store, charges, context),
                Self::Credit(charge) => policy.call_credit(store, charge, context),
                Self::Measure(charge) => policy.call_measure(store, charge, context),
                Self::Claim { charge, holder, ttl } => policy.call_claim(store, charge, holder, *ttl, context),
                Self::Release { limit, holder } => policy.call_release(store, limit, holder, context),
            }
        })
    }
}
