//! `placet policy list`.

use std::path::PathBuf;

use placet::PolicyInfo;
use serde::Deserialize;
use serde_json::json;

use crate::output::{Answer, table};
use crate::server::ServerOptions;
use crate::site::SiteOptions;

/// List the policies that were adopted here
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet policy list --state state/ --root vendor.pub")]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    const UNLISTED: &str = "the policies cannot be listed";
    if let Some(server) = arguments.server.server()? {
        let kept: Vec<Kept> = server.get("/v1/policy").map_err(|error| error.problem(UNLISTED))?;
        let running = kept.iter().find(|kept| kept.active).map(|kept| kept.info.hash.clone());
        let policies: Vec<_> = kept.into_iter().map(|kept| (kept.file, kept.info)).collect();
        return Ok(listed(&policies, &running.unwrap_or_default()));
    }
    let placet = arguments.site.open()?;
    let policies =
        placet.policies().map_err(|error| crate::problem::Problem::of(error.reason(), UNLISTED).because(error))?;
    Ok(listed(&policies, &placet.status().policy.hash))
}

/// As the service answers.
#[derive(Deserialize)]
struct Kept {
    #[serde(flatten)]
    info: PolicyInfo,
    active: bool,
    file: PathBuf,
}

fn listed(policies: &[(PathBuf, PolicyInfo)], running: &str) -> Answer {
    let mark = |runs: bool| if runs { "  (decides)" } else { "" };
    let rows: Vec<_> = policies
        .iter()
        .map(|(path, info)| {
            let name = format!("{} {}", info.name, info.version);
            (name, format!("sequence {}  {}{}", info.sequence, path.display(), mark(info.hash == running)))
        })
        .collect();
    let json =
        policies.iter().map(|(path, info)| json!({ "file": path, "policy": info, "decides": info.hash == running }));
    Answer::yes(table(&rows), json.collect())
}
