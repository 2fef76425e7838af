//! `placet license rollback`.

use crate::output::Answer;
use crate::problem::Problem;
use crate::site::SiteOptions;
use crate::{reasons, show};

/// Take back what was installed last
///
/// What it replaced stands there again, or nothing where there was nothing; verified as if it were installed. Once more, and it is as before.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet license rollback --state state/")]
pub(crate) struct Arguments {
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let status = arguments.site.open()?.rollback_install().map_err(|error| {
        let help = reasons::help(error.reason());
        Problem::new("nothing was taken back", help).because(error)
    })?;
    show::status(&status)
}
