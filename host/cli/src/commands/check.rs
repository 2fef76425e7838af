//! `placet check`.

use serde_json::json;

use super::asking::ContextOptions;
use crate::output::Answer;
use crate::server::ServerOptions;
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
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        let question = json!({ "feature": arguments.feature });
        let decision = arguments.context.ask_server(&server, "/v1/check", question, None)?;
        // What is to blame stands in the status, for those who may see it.
        let status = if decision.allowed { None } else { server.status().ok() };
        return status.map_or_else(|| show::decision(&decision), |status| show::checked(&decision, &status));
    }
    let placet = arguments.site.open()?;
    let decision = arguments.context.ask(placet.check(&arguments.feature))?;
    show::checked(&decision, &placet.status())
}
