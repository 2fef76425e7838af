//! `placet settle`.

use placet::{SettleError, Settlement};
use serde_json::json;

use crate::argument::number;
use crate::output::Answer;
use crate::problem::Problem;
use crate::server::{ServerError, ServerOptions, encoded};
use crate::show;
use crate::site::SiteOptions;

/// Tell what something cost for which units were reserved
///
/// Less than was reserved: the rest is given back. More: what fits is charged, and what does not is recorded as unbilled. The same again
/// answers as the first time. Exit code 0 when all is charged, 1 when units are unbilled.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet settle 6f9619ff8b86d011b42d00cf4fc964ff 3120")]
pub(crate) struct Arguments {
    /// What `placet reserve` printed
    id: String,
    /// Units that were used, of the first limit that was reserved
    #[arg(value_parser = number, allow_negative_numbers = true)]
    actual: u64,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        let path = format!("/v1/reserve/{}/settle", encoded(&arguments.id));
        return settled(server.post(&path, &json!({ "actual": arguments.actual })));
    }
    answer(arguments.site.open()?.settle(&arguments.id, arguments.actual))
}

/// What a service says became of a reservation.
pub(super) fn settled(answer: Result<Settlement, ServerError>) -> anyhow::Result<Answer> {
    show::settlement(&answer.map_err(|error| error.problem(UNSETTLED))?)
}

const UNSETTLED: &str = "the reservation was not settled";

/// What became of a reservation, or why nothing did.
pub(super) fn answer(settled: Result<Settlement, SettleError>) -> anyhow::Result<Answer> {
    let settlement = settled.map_err(|error| Problem::of(error.reason(), UNSETTLED).because(error))?;
    show::settlement(&settlement)
}
