//! `placet remove`.

use crate::output::{Answer, line};
use crate::problem::Problem;
use crate::site::SiteOptions;

/// End an installed license at once
///
/// No copy of it is kept. What was counted stays counted, should it be installed again.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet remove lic_2026_0042")]
pub(crate) struct Arguments {
    /// The document's name or the license's id; `placet status` shows both
    #[arg(value_name = "LICENSE")]
    document: String,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let placet = arguments.site.open_alone()?;
    let status = placet.remove(&arguments.document).map_err(|error| {
        Problem::of(error.reason(), format!("`{}` was not removed", arguments.document)).because(error)
    })?;
    let text = format!("removed `{}`; the state is now {} ({})", arguments.document, status.state, status.reason);
    Ok(Answer::yes(line(text), serde_json::to_value(&status)?))
}
