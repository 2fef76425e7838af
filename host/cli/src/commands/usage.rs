//! `placet usage`.

mod history;

use placet::Usage;

use crate::look::Look;
use crate::output::Answer;
use crate::problem::Problem;
use crate::server::{Server, ServerOptions, query};
use crate::show;
use crate::site::SiteOptions;

/// Show what is used of each limit
///
/// With `--history` what was used before, and when each limit will be reached if its use goes on as in the last 7 days. Samples are taken
/// once an hour while something runs, and kept for 400 days.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet usage
  placet usage --tenant t1 --format json
  placet usage --history --since 2027-01-01
  placet usage --history --hours --format json")]
pub(crate) struct Arguments {
    /// The limits that are counted for this tenant; without it, those that are counted for the license as a whole
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    history: history::Options,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let tenant = arguments.tenant.as_deref();
    if let Some(server) = arguments.server.server()? {
        return ask(arguments, &server, tenant);
    }
    let look = Look::open(&arguments.site)?;
    if arguments.history.is_asked() {
        return match &look {
            Look::Opened(placet) => arguments.history.answer(placet, tenant),
            Look::Told(told) => Err(untold(told.pid, "its history").into()),
        };
    }
    let usage = match (&look, tenant) {
        (Look::Opened(placet), tenant) => placet.usage(tenant).map_err(unanswered)?,
        (Look::Told(told), None) => told.status.usage.clone(),
        (Look::Told(told), Some(_)) => return Err(untold(told.pid, "single tenants").into()),
    };
    Ok(look.note(show::usage(&usage)?))
}

fn ask(arguments: &Arguments, server: &Server, tenant: Option<&str>) -> anyhow::Result<Answer> {
    if arguments.history.is_asked() {
        return arguments.history.ask(server, tenant);
    }
    let usage: Vec<Usage> =
        server.get(&query("/v1/usage", &[("tenant", tenant)])).map_err(|error| error.problem(SILENT))?;
    show::usage(&usage)
}

const SILENT: &str = "the counters gave no answer";

fn unanswered(failure: placet::Failure) -> Problem {
    Problem::of(failure.reason(), SILENT).because(failure)
}

fn untold(process: u32, what: &str) -> Problem {
    Problem::of("locked", format!("process {process} has the state directory, and tells nothing of {what}"))
}
