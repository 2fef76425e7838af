//! `placet measure`.

use serde_json::json;

use super::asking::ContextOptions;
use crate::argument::number;
use crate::output::Answer;
use crate::server::ServerOptions;
use crate::show;
use crate::site::SiteOptions;

/// Report the level of a gauge
///
/// For what the product counts by itself. The level is recorded even above the maximum, and then denied: exit code 1.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet measure objects 42 --tenant t1")]
pub(crate) struct Arguments {
    /// The limit, as the license names it
    limit: String,
    /// The level that was measured
    #[arg(value_parser = number, allow_negative_numbers = true)]
    level: u64,
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        let question = json!({ "charge": { "limit": arguments.limit, "amount": arguments.level } });
        return show::decision(&arguments.context.ask_server(&server, "/v1/measure", question, None)?);
    }
    let placet = arguments.site.open()?;
    show::decision(&arguments.context.ask(placet.measure(&arguments.limit, arguments.level))?)
}
