//! `placet usage`.

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
    let placet = arguments.site.open()?;
    let usage = placet.usage(arguments.tenant.as_deref()).map_err(|failure| {
        let help = reasons::help(failure.reason());
        Problem::new("the counters gave no answer", help).because(failure)
    })?;
    show::usage(&usage)
}
