//! `placet report export`.

use std::path::PathBuf;

use placet::{Failure, Placet, SignedReport};
use serde_json::json;

use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::site::SiteOptions;
use crate::{files, reasons};

/// Write down what was used, for the vendor: a signed report that follows the one before
///
/// It holds every counter by limit, tenant and period, and the ids of the licenses; no license and no key. Reports are numbered: send each of
/// them. One that was lost on the way is written again with `--again`, as long as it is the last.
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
    let placet = arguments.site.open()?;
    let token = if arguments.again { last(&placet)? } else { placet.export_report().map_err(unmade)? };
    let Some(out) = &arguments.out else { return Ok(Answer::document(token)) };
    files::replace(out, format!("{token}\n").as_bytes()).map_err(|problem| {
        anyhow::Error::from(problem).context("the report was made; `placet report export --again` writes it again")
    })?;
    let signed = SignedReport::read(&token)?;
    let (file, number) = (out.display().to_string(), signed.report.number);
    let rows = [("report", file.clone()), ("number", number.to_string()), ("installation", signed.report.installation)];
    Ok(Answer::yes(table(&rows), json!({ "file": file, "number": number, "hash": signed.hash })))
}

fn last(placet: &Placet) -> Result<String, Problem> {
    placet.last_report().map_err(unmade)?.ok_or_else(|| {
        Problem::new("no report was made here yet", "leave `--again` away: `placet report export` makes the first")
    })
}

fn unmade(failure: Failure) -> Problem {
    let reason = failure.reason().to_owned();
    Problem::new("no report was made", reasons::help(&reason)).with_reason(reason).because(failure)
}
