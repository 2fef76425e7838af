//! Questions as JSON. The names are those of `wit/enforcement.wit`: each parameter a member, each record an object.

use std::time::Duration;

use placet::{Placet, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What can be asked of an installation.
pub(super) trait Question: DeserializeOwned + Send + 'static {
    /// The request, to be asked.
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a>;

    /// For whom.
    fn context(&mut self) -> &mut Context;
}

/// Units of a limit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Charge {
    pub(super) limit: String,
    pub(super) amount: u64,
}

/// One charge at least.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<Charge>")]
pub(super) struct Charges {
    pub(super) first: Charge,
    pub(super) rest: Vec<Charge>,
}

impl TryFrom<Vec<Charge>> for Charges {
    type Error = &'static str;

    fn try_from(charges: Vec<Charge>) -> Result<Self, Self::Error> {
        let mut charges = charges.into_iter();
        let first = charges.next().ok_or("there is no charge")?;
        Ok(Self { first, rest: charges.collect() })
    }
}

/// For whom, under which key, and what else the policy is to know.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Context {
    pub(super) tenant: Option<String>,
    pub(super) once: Option<String>,
    pub(super) details: Vec<Detail>,
}

/// An attribute of the interface; this one refuses members that there are not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    feature: String,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preview {
    charges: Charges,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Consume {
    charges: Charges,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credit {
    charge: Charge,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    charge: Charge,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    charge: Charge,
    holder: String,
    /// Milliseconds.
    ttl: Option<u64>,
    #[serde(default)]
    context: Context,
}

impl Context {
    /// The request, with all of this.
    fn of<'a>(&self, request: Request<'a>) -> Request<'a> {
        let request = self.tenant.iter().fold(request, |request, tenant| request.tenant(tenant));
        let request = self.once.iter().fold(request, |request, key| request.once(key));
        self.details.iter().fold(request, |request, detail| request.detail(&detail.name, &detail.value))
    }
}

impl Charges {
    /// The request for the first, with the rest.
    fn with_rest<'a>(&self, request: Request<'a>) -> Request<'a> {
        self.rest.iter().fold(request, |request, charge| request.and(&charge.limit, charge.amount))
    }
}

impl Question for Check {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        self.context.of(placet.check(&self.feature))
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

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Consume {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        let Charge { limit, amount } = &self.charges.first;
        self.context.of(self.charges.with_rest(placet.consume(limit, *amount)))
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Credit {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        self.context.of(placet.credit(&self.charge.limit, self.charge.amount))
    }

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Question for Measure {
    fn request<'a>(&'a self, placet: &'a Placet) -> Request<'a> {
        self.context.of(placet.measure(&self.charge.limit, self.charge.amount))
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

    fn context(&mut self) -> &mut Context {
        &mut self.context
    }
}
