//! `placet man`: the manual pages.

use std::path::PathBuf;

use clap::CommandFactory as _;
use serde_json::json;

use crate::files;
use crate::output::Answer;

/// Write the manual pages, one for each command
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet man --out /usr/local/share/man/man1
  man placet-policy-pack")]
pub(crate) struct Arguments {
    /// The directory to write into; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let out = &arguments.out;
    files::make_directory(out)?;
    clap_mangen::generate_to(super::Cli::command(), out).map_err(|error| files::unwritable("--out", out, error))?;
    Ok(Answer::yes(format!("manual pages written to {}", out.display()), json!({ "directory": out })))
}
