//! `placet report export`.

use std::path::PathBuf;

use placet::{Failure, Placet, SignedReport};
use serde_json::json;

use crate::files::Output;
use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::site::SiteOptions;

/// Write down what was used, for the vendor: a signed report that follows the one before
///
/// It holds every counter by limit, tenant and period, how many seats are held, and the ids of the licenses; no license, no key and no holder of a
/// seat. The vendor checks it with `placet report verify`. Reports are numbered: send each of them. One that was lost on the way is written
/// again with `--again`, as long as it is the last.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet report export --out report.jws
  placet report export --again --out report.jws")]
pub(crate) struct Arguments {
    /// Where to write; standard output unless told otherwise
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the last report again, instead of a new one
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let placet = arguments.site.open_alone()?;
    // Before it is made: each report counts, and is sent.
    let file = arguments.out.as_deref().map(|out| Output::open("--out", out)).transpose()?;
    let token = if arguments.again { last(&placet)? } else { placet.export_report().map_err(unmade)? };
    let (Some(out), Some(file)) = (&arguments.out, file) else { return Ok(Answer::document(token)) };
    file.write(format!("{token}\n").as_bytes()).map_err(|problem| {
        anyhow::Error::from(problem).context("the report was made; `placet report export --again` writes it again")
    })?;
    let signed = SignedReport::read(&token)?;
    let (file, number) = (out.display().to_string(), signed.report.number);
    let rows = [("report", file.clone()), ("number", number.to_string()), ("installation", signed.report.installation)];
    Ok(Answer::yes(table(&rows), json!({ "file": file, "number": number, "hash": signed.hash })))
}

fn last(placet: &Placet) -> Result<String, Problem> {
    placet.last_report().map_err(unmade)?.ok_or_else(|| Problem::of("report-missing", "no report was made here yet"))
}

fn unmade(failure: Failure) -> Problem {
    Problem::of(failure.reason(), "no report was made").because(failure)
}
