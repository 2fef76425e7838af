//! `placet credit`.

use serde_json::json;

use super::asking::{ContextOptions, OnceOption};
use crate::argument::number;
use crate::output::Answer;
use crate::server::ServerOptions;
use crate::show;
use crate::site::SiteOptions;

/// Give units back
///
/// Quotas where the license allows refunds, gauges going down. With `--once` and the key of a `consume`, it takes from what was
/// counted there. Exit code 0 when allowed, 1 when denied.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet credit objects 1 --tenant t1
  placet credit tokens 200 --once request-4711")]
pub(crate) struct Arguments {
    /// The limit, as the license names it
    limit: String,
    /// Units
    #[arg(value_parser = number, allow_negative_numbers = true)]
    amount: u64,
    #[command(flatten)]
    once: OnceOption,
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        let question = json!({ "charge": { "limit": arguments.limit, "amount": arguments.amount } });
        let once = arguments.once.once.as_deref();
        return show::decision(&arguments.context.ask_server(&server, "/v1/credit", question, once)?);
    }
    let placet = arguments.site.open()?;
    let request = arguments.once.guard(placet.credit(&arguments.limit, arguments.amount));
    show::decision(&arguments.context.ask(request)?)
}
