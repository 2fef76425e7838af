//! `placet receipt`: the vendor has heard of an installation.

use std::path::PathBuf;

use placet_rules::notices::Kind;

use crate::commands::signing::Signing;
use crate::issue::notice::{Draft, ToOptions, date};
use crate::output::Answer;
use crate::wall_clock;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    New(New),
}

/// Sign a receipt for a check-in
///
/// A license with `check_in` must be heard of from time to time; a receipt says that it was, and extends it (`placet install`). Where
/// usage reports come, `placet report verify --receipt` makes it. The policy must trust the key for receipts.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet receipt new --license lic_2026_0042 --key licensing.key --out receipt.json
  placet receipt new --customer org_globex --until 180d --key licensing.key --out receipt.json")]
pub(crate) struct New {
    #[command(flatten)]
    to: ToOptions,
    /// No check-in is due before; the license's own time from now unless told otherwise
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// It is for the installation with this fingerprint alone (`placet fingerprint`); for each that has the license unless told otherwise
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    let Command::New(arguments) = command;
    arguments.to.somebody()?;
    let now = wall_clock::now();
    let until = arguments.until.as_deref().map(|text| date("--until", text, now)).transpose()?;
    let draft = Draft::new(Kind::Receipt, now).identified(None)?.to(&arguments.to).with_some("until", until);
    let draft = draft.with_some("fingerprint", arguments.fingerprint.clone());
    arguments.signing.sign(&draft.payload()?, Kind::Receipt, &arguments.key)
}
