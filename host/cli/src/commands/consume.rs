//! `placet consume` and `placet preview`.

use placet::{Decision, Limit, Placet};
use serde_json::{Value, json};

use super::asking::{ContextOptions, OnceOption};
use crate::argument::{number, pair};
use crate::output::Answer;
use crate::problem::Problem;
use crate::server::{Server, ServerOptions};
use crate::show;
use crate::site::SiteOptions;

/// Why a command cannot charge a rate.
const RATE_REASON: &str = "rate-needs-service";

/// Charge limits, all or none
///
/// Quotas, and gauges going up; rates need a process that stays. Exit code 0 when allowed, 1 when denied; then nothing was counted.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet consume tokens 1200
  placet consume tokens 1200 --and requests=1 --tenant t1 --once request-4711")]
pub(crate) struct Consume {
    #[command(flatten)]
    charges: Charges,
    #[command(flatten)]
    once: OnceOption,
}

/// Ask whether charges would be allowed, and count nothing
///
/// Exit code 0 when they would be allowed, 1 when denied.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet preview tokens 1200 --and requests=1")]
pub(crate) struct Preview {
    #[command(flatten)]
    charges: Charges,
}

/// What is to be charged, and for whom.
#[derive(Debug, clap::Args)]
pub(super) struct Charges {
    /// The limit, as the license names it
    pub(super) limit: String,
    /// Units
    #[arg(value_parser = number, allow_negative_numbers = true)]
    pub(super) amount: u64,
    /// Another charge of the same request
    #[arg(long, value_name = "LIMIT=AMOUNT", value_parser = charge)]
    pub(super) and: Vec<(String, u64)>,
    #[command(flatten)]
    pub(super) context: ContextOptions,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Consume) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.charges.server()? {
        return arguments.charges.ask_server(&server, "/v1/consume", arguments.once.once.as_deref());
    }
    arguments.charges.ask(|placet, limit, amount| arguments.once.guard(placet.consume(limit, amount)))
}

pub(crate) fn preview(arguments: &Preview) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.charges.server()? {
        return arguments.charges.ask_server(&server, "/v1/preview", None);
    }
    arguments.charges.ask(|placet, limit, amount| placet.preview(limit, amount))
}

impl Charges {
    /// The service, where one is to be asked.
    pub(super) fn server(&self) -> anyhow::Result<Option<Server>> {
        self.server.server()
    }

    /// As the service takes them.
    pub(super) fn question(&self) -> Value {
        let rest = self.and.iter().map(|(limit, amount)| json!({ "limit": limit, "amount": amount }));
        let first = json!({ "limit": self.limit, "amount": self.amount });
        json!({ "charges": std::iter::once(first).chain(rest).collect::<Vec<_>>() })
    }

    fn ask_server(&self, server: &Server, path: &str, once: Option<&str>) -> anyhow::Result<Answer> {
        self.told(&self.context.ask_server(server, path, self.question(), once)?)
    }

    fn ask(&self, request: impl for<'a> Fn(&'a Placet, &str, u64) -> placet::Request<'a>) -> anyhow::Result<Answer> {
        let placet = self.open()?;
        let request = request(&placet, &self.limit, self.amount);
        let request = self.and.iter().fold(request, |request, (limit, amount)| request.and(limit, *amount));
        self.told(&self.context.ask(request)?)
    }

    fn told(&self, decision: &Decision) -> anyhow::Result<Answer> {
        if self.and.is_empty() { show::decision(decision) } else { show::charged(decision) }
    }

    /// Opens the installation, and refuses rates: tokens live in memory, and there are none when a process starts, so that whatever this
    /// one were to answer, it would be about itself.
    pub(super) fn open(&self) -> anyhow::Result<Placet> {
        let placet = self.site.open()?;
        let is_charged = |name: &str| self.limit == name || self.and.iter().any(|(limit, _)| limit == name);
        let is_rate = |limit: &&Limit| limit.kind == "rate" && limit.max.is_some() && is_charged(&limit.name);
        if let Some(rate) = placet.status().limits.iter().find(is_rate) {
            let message = format!("`{}` is a rate, and a command ends before it can be used", rate.name);
            return Err(Problem::of(RATE_REASON, message).into());
        }
        Ok(placet)
    }
}

fn charge(text: &str) -> Result<(String, u64), String> {
    let (limit, amount) = pair(text).map_err(|_| "write LIMIT=AMOUNT, such as requests=1".to_owned())?;
    Ok((limit, number(&amount)?))
}
