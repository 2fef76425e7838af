//! `placet policy rollback`.

use std::path::PathBuf;

use serde_json::json;

use crate::files;
use crate::output::Answer;
use crate::server::ServerOptions;
use crate::site::SiteOptions;

/// Go back to an older policy, on purpose
///
/// To exactly this file, and no lower than what the product and the licenses demand. The status warns `policy-rolled-back` until
/// a policy above all that were adopted is installed. `placet policy list` names the files that are kept.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet policy rollback acme-router-1.4.0.wasm --state state/ --root vendor.pub")]
pub(crate) struct Arguments {
    /// The older signed policy
    file: PathBuf,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(server) = arguments.server.server()? {
        let refused = |error| super::refused_by_server(&arguments.file, error);
        // By its content, for it is the service's own copy that is gone back to.
        let policy = files::read(&arguments.file)?;
        let inspected = crate::artifact::inspect(&policy);
        let inspected = inspected.map_err(|error| super::refused(&arguments.file, error.reason(), error))?;
        let hash = inspected.content_hash.to_string();
        let info = server.post("/v1/policy/rollback", &json!({ "hash": hash })).map_err(refused)?;
        return super::adopted(&info);
    }
    let placet = arguments.site.open()?;
    let info = placet.rollback_policy(&arguments.file).map_err(|error| super::not_adopted(&arguments.file, error))?;
    super::adopted(&info)
}
