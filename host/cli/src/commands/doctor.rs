//! `placet doctor`.

use placet::{OpenError, Placet, Status};
use serde_json::json;

use crate::output::Answer;
use crate::reasons;
use crate::site::{self, SiteOptions, Unopened};

/// Say what is wrong with this installation, and how to mend it
///
/// Exit code 0 when nothing is wrong, 1 when something is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet doctor --state state/")]
pub(crate) struct Arguments {
    #[command(flatten)]
    site: SiteOptions,
}

/// Something that is wrong.
struct Finding {
    what: String,
    reason: String,
    help: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let findings = match arguments.site.builder()?.open() {
        Ok(placet) => examine(&placet),
        Err(error) => vec![unopened(&error)],
    };
    if findings.is_empty() {
        return Ok(Answer::yes("nothing is wrong\n", json!({ "findings": [] })));
    }
    let text: String = findings.iter().map(Finding::text).collect();
    let json =
        findings.iter().map(|finding| json!({ "what": finding.what, "reason": finding.reason, "help": finding.help }));
    Ok(Answer::verdict(false, text, json!({ "findings": json.collect::<Vec<_>>() })))
}

fn unopened(error: &OpenError) -> Finding {
    let Unopened { missing, help } = site::unopened(error);
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let chain = || chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Finding { what: missing.map_or_else(chain, ToOwned::to_owned), reason: error.reason().to_owned(), help }
}

fn examine(placet: &Placet) -> Vec<Finding> {
    let status = placet.status();
    let mut findings = Vec::new();
    if !status.usable {
        findings.push(Finding::new(format!("the state is {}", status.state), &status.reason));
    }
    findings.extend(documents(&status));
    findings.extend(status.warnings.iter().map(|warning| Finding::new(warning.text.clone(), &warning.reason)));
    findings
}

fn documents(status: &Status) -> impl Iterator<Item = Finding> {
    let odd = status.documents.iter().filter(|document| !document.adopted || document.recovered);
    odd.map(|document| Finding::new(format!("the document `{}` does not hold", document.name), &document.reason))
}

impl Finding {
    fn new(what: String, reason: &str) -> Self {
        Self { what, reason: reason.to_owned(), help: reasons::help(reason) }
    }

    fn text(&self) -> String {
        format!("{} ({})\n  help: {}\n", self.what, self.reason, self.help)
    }
}
