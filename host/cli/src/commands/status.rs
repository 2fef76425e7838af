//! `placet status`.

use crate::look::Look;
use crate::output::Answer;
use crate::server::ServerOptions;
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
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        return show::status(&server.status()?);
    }
    let look = Look::open(&arguments.site)?;
    Ok(look.note(show::status(&look.status())?))
}
