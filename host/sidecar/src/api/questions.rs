//! Questions as JSON. The names are those of `wit/enforcement.wit`: each parameter a member, each record an object.

use std::time::Duration;

use placet::{Placet, Request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::object::{Object, object};
use crate::problem::About;

/// What can be asked of an installation.
pub(super) trait Question: DeserializeOwned + Send + 'static {
    /// Of which kind its subject is.
    const ABOUT: About = About::Limit;

    /// The request, to be asked.
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a>;

    /// What it is about: the feature, or the first limit.
    fn subject(&self) -> &str;

    /// Who takes seats by it.
    fn holder(&self) -> Option<&str> {
        None
    }

    /// What it may take seats by.
    fn charges(&self) -> Vec<&Charge> {
        Vec::new()
    }

    /// For whom.
    fn context(&mut self) -> &mut Context;
}

/// Units of a limit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Charge {
    /// The name of the limit.
    pub(super) limit: String,
    /// Units; of seats, the weight.
    pub(super) amount: u64,
}

/// One charge at least.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Object<Charge>>")]
#[schemars(extend("minItems" = 1))]
pub(super) struct Charges {
    pub(super) first: Charge,
    pub(super) rest: Vec<Charge>,
}

impl TryFrom<Vec<Object<Charge>>> for Charges {
    type Error = &'static str;

    fn try_from(charges: Vec<Object<Charge>>) -> Result<Self, Self::Error> {
        let mut charges = charges.into_iter().map(|Object(charge)| charge);
        let first = charges.next().ok_or("there is no charge")?;
        Ok(Self { first, rest: charges.collect() })
    }
}

/// For whom, under which key, and what else the policy is to know.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Context {
    /// For which tenant.
    pub(super) tenant: Option<String>,
    /// The same key never counts twice.
    pub(super) once: Option<String>,
    /// What else the policy is to know.
    pub(super) details: Vec<Object<Detail>>,
}

/// An attribute of the interface; this one refuses members that there are not.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    pub(super) name: String,
    pub(super) value: String,
}

/// May this feature be used?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    /// The name of the feature.
    feature: String,
    #[serde(default, deserialize_with = "object")]
    context: Context,
}

/// Would these charges be allowed?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Preview {
    charges: Charges,
    #[serde(default, deserialize_with = "object")]
    context: Context,
}

/// Charges all or none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Consume {
    charges: Charges,
    #[serde(default, deserialize_with = "object")]
    context: Context,
}

/// Gives back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credit {
    #[serde(deserialize_with = "object")]
    charge: Charge,
    #[serde(default, deserialize_with = "object")]
    context: Context,
}

/// Reports the level of a gauge.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    #[serde(deserialize_with = "object")]
    charge: Charge,
    #[serde(default, deserialize_with = "object")]
    context: Context,
}

/// Claims or renews seats for a holder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    #[serde(deserialize_with = "object")]
    charge: Charge,
    /// Who takes them.
    holder: String,
    /// Until it must be renewed: milliseconds.
    ttl: Option<u64>,
    #[serde(default, deserialize_with = "object")]
    context: Context,
}

impl Context {
    /// The request, with all of this.
    fn of<'a>(&self, mut request: Request<'a>) -> Request<'a> {
        if let Some(tenant) = &self.tenant {
            request = request.tenant(tenant);
        }
        if let Some(key) = &self.once {
            request = request.once(key);
        }
        self.details.iter().fold(request, |request, Object(detail)| request.detail(&detail.name, &detail.value))
    }
}

impl Charges {
    pub(super) fn all(&self) -> Vec<&Charge> {
        [&self.first].into_iter().chain(&self.rest).collect()
    }

    /// The request for the first, with the rest.
    fn with_rest<'a>(&self, request: Request<'a>) -> Request<'a> {
        self.rest.iter().fold(request, |request, charge| request.and(&charge.limit, charge.amount))
    }
}

impl Question for Check {
    const ABOUT: About = About::Feature;

    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        self.context.of(placet.check(&self.feature))
    }

    fn subject(&self) -> &str {
        &self.feature
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Preview {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        let Charge { limit, amount } = &self.charges.first;
        self.context.of(self.charges.with_rest(placet.preview(limit, *amount)))
    }

    fn subject(&self) -> &str {
        &self.charges.first.limit
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Consume {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        let Charge { limit, amount } = &self.charges.first;
        self.context.of(self.charges.with_rest(placet.consume(limit, *amount)))
    }

    fn subject(&self) -> &str {
        &self.charges.first.limit
    }

    fn charges(&self) -> Vec<&Charge> {
        self.charges.all()
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Credit {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        self.context.of(placet.credit(&self.charge.limit, self.charge.amount))
    }

    fn subject(&self) -> &str {
        &self.charge.limit
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Measure {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        self.context.of(placet.measure(&self.charge.limit, self.charge.amount))
    }

    fn subject(&self) -> &str {
        &self.charge.limit
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Claim {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        let request = placet.claim(&self.charge.limit, &self.holder).weight(self.charge.amount);
        self.context.of(self.ttl.map(Duration::from_millis).into_iter().fold(request, Request::ttl))
    }

    fn subject(&self) -> &str {
        &self.charge.limit
    }

    fn holder(&self) -> Option<&str> {
        Some(&self.holder)
    }

    fn charges(&self) -> Vec<&Charge> {
        Vec::from([&self.charge])
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}
