//! `placet license sign`.

use std::path::PathBuf;

use crate::commands::signing::Signing;
use crate::files;
use crate::output::Answer;

/// Sign claims, byte by byte as they stand in the file
///
/// The claims are checked first: JSON, no key twice, whole numbers, and nothing that a policy would refuse. What this release's
/// policies do not decide yet is signed with a warning. Claims are not formatted or sorted: what the file holds is what the
/// license holds.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet license sign claims.json --key licensing.key --out license.json
  placet license sign - --key licensing.key --compact < claims.json")]
pub(crate) struct Arguments {
    /// The claims, JSON; `-` for standard input
    claims: PathBuf,
    /// Private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let claims = files::read(&arguments.claims)?;
    super::issue(&claims, &format!("`{}`", arguments.claims.display()), &arguments.key, &arguments.signing)
}
