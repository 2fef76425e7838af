//! `placet order`: what a vendor has done in an installation, once.

use std::path::PathBuf;

use placet_rules::notices::Kind;

use crate::commands::signing::Signing;
use crate::issue::notice::{Draft, ToOptions};
use crate::output::Answer;
use crate::wall_clock;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Reset(Reset),
}

/// Sign an order that lets a limit count anew from nothing
///
/// It counts once in each installation that has one of the licenses (`placet install`), however often it is put back. The policy must
/// trust the key for orders.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet order reset tokens --license lic_2026_0042 --key licensing.key --out order.json
  placet order reset tokens --license lic_2026_0042 --tenant t1 \\
      --key licensing.key --out order.json")]
pub(crate) struct Reset {
    /// The limit's name
    limit: String,
    #[command(flatten)]
    to: ToOptions,
    /// For this tenant alone
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// The order's id; a random one unless told otherwise
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    let Command::Reset(arguments) = command;
    arguments.to.somebody()?;
    let draft = Draft::new(Kind::Order, wall_clock::now()).identified(arguments.id.as_deref())?.to(&arguments.to);
    let draft = draft.with("order", "reset").with("limit", arguments.limit.clone());
    let draft = draft.with_some("tenant", arguments.tenant.clone());
    arguments.signing.sign(&draft.payload()?, Kind::Order, &arguments.key)
}
