//! `placet release`.

use super::settle;
use crate::output::Answer;
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
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    settle::answer(arguments.site.open()?.release_reservation(&arguments.id))
}
