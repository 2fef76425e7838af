//! `placet anchor`: what time it is, said by the vendor.

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

/// Sign a time anchor, for a machine whose clock once ran far ahead
///
/// An installation remembers the latest time that it has seen, and takes no earlier one; an anchor sets that mark, once. Whoever
/// holds an anchor can take an installation back to its time: make it for one customer. The policy must trust the key for anchors.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet anchor new --customer org_globex \\
      --key licensing.key --out anchor.json
  placet anchor new --time 2026-11-23T12:00:00Z --license lic_2026_0042 \\
      --key licensing.key --out anchor.json")]
pub(crate) struct New {
    /// What time it is; now, by this machine's clock, unless told otherwise
    #[arg(long, value_name = "DATE")]
    time: Option<String>,
    #[command(flatten)]
    to: ToOptions,
    /// The anchor's id; a random one unless told otherwise
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    let Command::New(arguments) = command;
    let now = wall_clock::now();
    let time = arguments.time.as_deref().map(|text| date("--time", text, now)).transpose()?;
    let draft = Draft::new(Kind::Anchor, now).identified(arguments.id.as_deref())?.to(&arguments.to);
    let draft = draft.with("time", time.unwrap_or(now.as_second()));
    arguments.signing.sign(&draft.payload()?, Kind::Anchor, &arguments.key)
}
