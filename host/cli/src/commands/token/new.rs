//! `placet token new`.

use std::path::PathBuf;

use placet_sidecar::Role;
use serde_json::json;

use crate::files;
use crate::output::Answer;
use crate::problem::Problem;

/// Make a token for `placet serve`
///
/// The token goes into a file, for whoever is to show it as `Authorization: Bearer TOKEN`, or as the password of Basic. What is printed is the
/// entry for the file that `credentials_file` names; it holds a hash, and no secret.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet token new --role caller --name gateway --out gateway.token >>credentials.yaml
  placet token new --role owner --name globex --tenant t1 --out globex.token >>credentials.yaml")]
pub(crate) struct Arguments {
    /// What it is for: decisions and seats; also the license and the usage of tenants; everything
    #[arg(long, value_enum)]
    role: Role,
    /// Who shows it, for people
    #[arg(long)]
    name: String,
    /// The only tenant that it speaks for; may stand several times
    #[arg(long, value_name = "TENANT")]
    tenant: Vec<String>,
    /// The file for the token; there must be none yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let Arguments { role, name, tenant, out } = arguments;
    let made = placet_sidecar::new_token(*role, name, tenant).map_err(|error| {
        Problem::usage("the token was not made", "an owner names its tenants; an admin has none").because(error)
    })?;
    files::write_new_secret(out, format!("{}\n", made.token).as_bytes())?;
    let entry = made.entry.clone();
    Ok(Answer::yes(made.entry, json!({ "entry": entry.trim_end(), "token": out.display().to_string() })))
}
