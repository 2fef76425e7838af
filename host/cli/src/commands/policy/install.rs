//! `placet policy install`.

use std::path::PathBuf;

use placet::OpenError;

use crate::files;
use crate::output::Answer;
use crate::server::ServerOptions;
use crate::site::SiteOptions;

/// Install a policy: the first one, or a newer one
///
/// It is verified, compiled and tested before it counts; until then, and if anything fails, the one of before decides. A policy
/// older than what was adopted is refused (exit code 3): to go back on purpose, `placet policy rollback`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet policy install acme-router-1.5.0.wasm --state state/ --root vendor.pub")]
pub(crate) struct Arguments {
    /// The signed policy
    file: PathBuf,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        let policy = files::read(&arguments.file)?;
        let info =
            server.upload("/v1/policy", policy).map_err(|error| super::refused_by_server(&arguments.file, error))?;
        return super::adopted(&info);
    }
    let builder = arguments.site.builder()?;
    let placet = match builder.clone().open() {
        Ok(placet) => placet,
        // The first policy of this installation, or one in place of a damaged one.
        Err(OpenError::NoPolicy | OpenError::Policy(_)) => {
            let builder = builder.policy(&arguments.file);
            builder.open().map_err(|error| match error {
                OpenError::Policy(error) => super::not_adopted(&arguments.file, error),
                error => crate::site::not_opened(error),
            })?
        }
        Err(error) => return Err(crate::site::not_opened(error).into()),
    };
    let info = placet.install_policy(&arguments.file).map_err(|error| super::not_adopted(&arguments.file, error))?;
    super::adopted(&info)
}
