//! `placet usage`.

use crate::look::Look;
use crate::output::Answer;
use crate::problem::Problem;
use crate::site::SiteOptions;
use crate::{reasons, show};

/// Show what is used of each limit
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet usage
  placet usage --tenant t1 --format json")]
pub(crate) struct Arguments {
    /// The limits that are counted for this tenant; without it, those that are counted for the license as a whole
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let look = Look::open(&arguments.site)?;
    let usage = match (&look, &arguments.tenant) {
        (Look::Opened(placet), tenant) => placet.usage(tenant.as_deref()).map_err(|failure| {
            let help = reasons::help(failure.reason());
            Problem::new("the counters gave no answer", help).because(failure)
        })?,
        (Look::Told(told), None) => told.status.usage.clone(),
        (Look::Told(told), Some(_)) => {
            let what = format!("process {} has the state directory, and tells nothing of single tenants", told.pid);
            return Err(Problem::new(what, reasons::help("locked")).into());
        }
    };
    Ok(look.note(show::usage(&usage)?))
}
