//! `placet release`.

use serde_json::json;

use super::settle;
use crate::output::Answer;
use crate::server::{ServerOptions, encoded};
use crate::site::SiteOptions;

/// Give back all that was reserved
///
/// Whatever the license says of refunds. The same again answers as the first time.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet release 6f9619ff8b86d011b42d00cf4fc964ff")]
pub(crate) struct Arguments {
    /// What `placet reserve` printed
    id: String,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        let path = format!("/v1/reserve/{}/release", encoded(&arguments.id));
        return settle::settled(server.post(&path, &json!({})));
    }
    settle::answer(arguments.site.open()?.release_reservation(&arguments.id))
}
