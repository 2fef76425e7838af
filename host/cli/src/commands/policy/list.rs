//! `placet policy list`.

use serde_json::json;

use crate::output::{Answer, table};
use crate::site::SiteOptions;

/// List the policies that were adopted here
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet policy list --state state/ --root vendor.pub")]
pub(crate) struct Arguments {
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let placet = arguments.site.open()?;
    let running = placet.status().policy;
    let policies = placet.policies().map_err(|error| {
        let help = crate::reasons::help(error.reason());
        crate::problem::Problem::new("the policies cannot be listed", help).because(error)
    })?;
    let mark = |runs: bool| if runs { "  (decides)" } else { "" };
    let rows: Vec<_> = policies
        .iter()
        .map(|(path, info)| {
            let name = format!("{} {}", info.name, info.version);
            (name, format!("sequence {}  {}{}", info.sequence, path.display(), mark(info.hash == running.hash)))
        })
        .collect();
    let json = policies
        .iter()
        .map(|(path, info)| json!({ "file": path, "policy": info, "decides": info.hash == running.hash }));
    Ok(Answer::yes(table(&rows), json.collect()))
}
