//! `placet install`.

use std::path::PathBuf;

use placet::{Change, InstallError, Status};

use crate::output::Answer;
use crate::problem::Problem;
use crate::server::{Server, ServerError, ServerOptions};
use crate::site::SiteOptions;
use crate::{change, files, show};

/// Install a license, or another document that the vendor signed
///
/// It is verified first; one that does not hold changes nothing (exit code 3). Renewals, top-ups, revocation lists, receipts, orders and time
/// anchors are installed the same way.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet install license.json --state state/
  placet install license.json --dry-run")]
pub(crate) struct Arguments {
    /// The document; `-` for standard input
    file: PathBuf,
    /// The name to install it under, in place of one that has it; made from the license's id unless told
    #[arg(long)]
    name: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let document = files::read(&arguments.file)?;
    if let Some(server) = arguments.server.server()? {
        return install(arguments, &server, document);
    }
    let placet = arguments.site.open()?;
    if arguments.dry_run {
        let before = placet.status();
        let after = placet.preview_install(&document, arguments.name.as_deref());
        let after = after.map_err(|error| not_installed(&arguments.file, error))?;
        return previewed(&Change::between(&before, &after), &after);
    }
    let status = placet.install(&document, arguments.name.as_deref());
    show::status(&status.map_err(|error| not_installed(&arguments.file, error))?)
}

/// The same, by a service.
fn install(arguments: &Arguments, server: &Server, document: Vec<u8>) -> anyhow::Result<Answer> {
    if arguments.name.is_some() {
        let help = "leave `--name` away: a service names a document by the id of its license";
        return Err(Problem::usage("--name: the service takes no name", help).into());
    }
    let refused = |error: ServerError| {
        let refused = error.refusal().is_some_and(|refusal| refusal.status == 422);
        let problem = error.problem(format!("`{}` was not installed", arguments.file.display()));
        if refused { problem.refused() } else { problem }
    };
    if arguments.dry_run {
        let Previewed { change, status } = server.upload("/v1/status/preview", document).map_err(refused)?;
        return previewed(&change, &status);
    }
    server.change("/v1/license", document).map_err(refused)?;
    show::status(&server.status()?)
}

/// As the service answers.
#[derive(serde::Deserialize)]
struct Previewed {
    change: Change,
    status: Status,
}

fn previewed(change: &Change, after: &Status) -> anyhow::Result<Answer> {
    Ok(Answer::verdict(after.usable, change::text(change), serde_json::to_value(after)?))
}

fn not_installed(file: &std::path::Path, error: InstallError) -> Problem {
    let problem = Problem::of(error.reason(), format!("`{}` was not installed", file.display()));
    let problem = if matches!(error, InstallError::Refused { .. }) { problem.refused() } else { problem };
    problem.because(error)
}
