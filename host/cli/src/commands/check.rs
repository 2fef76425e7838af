//! `placet check`.

use super::asking::ContextOptions;
use crate::output::Answer;
use crate::show;
use crate::site::SiteOptions;

/// May this feature be used?
///
/// Counts nothing. Exit code 0 when allowed, 1 when denied.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet check sso
  placet check reports --detail access=read")]
pub(crate) struct Arguments {
    /// The feature, as the license names it
    feature: String,
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let placet = arguments.site.open()?;
    show::decision(&arguments.context.ask(placet.check(&arguments.feature))?)
}
