//! `placet license rollback`.

use crate::output::Answer;
use crate::problem::Problem;
use crate::server::ServerOptions;
use crate::show;
use crate::site::SiteOptions;

/// Take back what was installed last
///
/// What it replaced stands there again, or nothing where there was nothing; verified as if it were installed. Once more, and it is as before.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet license rollback --state state/")]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

const UNCHANGED: &str = "nothing was taken back";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        server.change("/v1/license/rollback", Vec::new()).map_err(|error| error.problem(UNCHANGED))?;
        return show::status(&server.status()?);
    }
    let status = arguments
        .site
        .open()?
        .rollback_install()
        .map_err(|error| Problem::of(error.reason(), UNCHANGED).because(error))?;
    show::status(&status)
}
