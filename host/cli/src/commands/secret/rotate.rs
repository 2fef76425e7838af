//! `placet secret rotate`.

use std::path::PathBuf;

use serde_json::json;

use crate::files;
use crate::output::Answer;
use crate::site::{SiteOptions, not_opened_alone};

/// Change the secret that seals what is kept in the state directory
///
/// Needs the present one beside the new one. It happens in one step: whatever comes in between, one of the two holds, and the command can be
/// given again. What was sealed stays as it is; a copy of the state directory from before still opens with the old secret.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  openssl rand -base64 48 >new.secret
  placet secret rotate --storage-secret-file old.secret --new-secret-file new.secret \\
      --state state/")]
pub(crate) struct Arguments {
    /// A file with the new secret, of at least 32 bytes
    #[arg(long, value_name = "FILE")]
    new_secret_file: PathBuf,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let new = files::read(&arguments.new_secret_file)?;
    arguments.site.builder()?.next_storage_secret(new).open().map_err(not_opened_alone)?;
    let text = "what is kept is sealed by the new storage secret; give that one from now on\n";
    Ok(Answer::yes(text, json!({ "rotated": true })))
}
