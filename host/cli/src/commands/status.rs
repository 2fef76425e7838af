//! `placet status`.

use crate::look::Look;
use crate::output::Answer;
use crate::show;
use crate::site::SiteOptions;

/// Show what holds, until when, and what is used
///
/// Exit code 0 when the product may be used, 1 when it may not.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet status --state state/
  placet status --format json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let look = Look::open(&arguments.site)?;
    Ok(look.note(show::status(&look.status())?))
}
