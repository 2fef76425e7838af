//! `placet doctor`.

use placet::{OpenError, Status};
use serde_json::json;

use crate::look::Look;
use crate::output::{Answer, line, table};
use crate::reasons;
use crate::show;
use crate::site::{self, SiteOptions, Unopened};

/// Say what is wrong with this installation, and how to mend it
///
/// Also names the places that licenses are read from. Exit code 0 when nothing is wrong, 1 when something is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet doctor --state state/")]
pub(crate) struct Arguments {
    #[command(flatten)]
    site: SiteOptions,
}

const SEALED: &str = "installed licenses and the audit log are sealed by the storage secret";
/// A choice of the operator's, and nothing that is wrong.
const READABLE: &str =
    "kept readable: no storage secret; `--storage-secret-file FILE` seals licenses and audit log from then on";

/// Something that is wrong.
pub(crate) struct Finding {
    what: String,
    /// From the table of reasons.
    pub(crate) reason: String,
    /// The next step.
    pub(crate) help: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    match Look::at(&arguments.site)? {
        Ok(look) => {
            let status = look.status();
            Ok(look.note(answer(&examine(&status), Some(&status), &arguments.site.places())))
        }
        Err(error) => Ok(answer(&[unopened(&error)], None, &arguments.site.places())),
    }
}

fn answer(findings: &[Finding], status: Option<&Status>, places: &[String]) -> Answer {
    let mut text: String = findings.iter().map(Finding::text).collect();
    if findings.is_empty() {
        text.push_str("nothing is wrong\n");
    }
    let mut rows: Vec<_> = places.iter().map(|place| ("licenses in", place.clone())).collect();
    if let Some(status) = status {
        rows.extend(show::counters_rows(&status.counters));
        rows.push(("at rest", if status.sealed { SEALED } else { READABLE }.to_owned()));
    }
    text.push_str(&table(&rows));
    let json =
        findings.iter().map(|finding| json!({ "what": finding.what, "reason": finding.reason, "help": finding.help }));
    let json = json!({ "findings": json.collect::<Vec<_>>(), "places": places, "counters": status.map(|status| &status.counters), "sealed": status.map(|status| status.sealed) });
    Answer::verdict(findings.is_empty(), text, json)
}

/// That it did not open, and why.
pub(crate) fn unopened(error: &OpenError) -> Finding {
    let Unopened { missing, help } = site::unopened(error);
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let chain = || chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Finding { what: missing.map_or_else(chain, ToOwned::to_owned), reason: error.reason().to_owned(), help }
}

/// What is wrong with one that did.
pub(crate) fn examine(status: &Status) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !status.usable {
        findings.push(Finding::new(format!("the state is {}", status.state), &status.reason));
    }
    findings.extend(documents(status));
    findings.extend(status.warnings.iter().map(|warning| match &*warning.reason {
        // Of a license; the table has it for the store as well.
        "read-only" => Finding { help: reasons::help("expired"), ..Finding::new(warning.text.clone(), "read-only") },
        reason => Finding::new(warning.text.clone(), reason),
    }));
    findings
}

fn documents(status: &Status) -> impl Iterator<Item = Finding> {
    let odd = status.documents.iter().filter(|document| !document.adopted || document.recovered);
    odd.map(|document| {
        let details: String = show::details(document).iter().map(|detail| format!(", {detail}")).collect();
        Finding::new(format!("the document `{}` does not hold{details}", document.name), &document.reason)
    })
}

impl Finding {
    fn new(what: String, reason: &str) -> Self {
        Self { what, reason: reason.to_owned(), help: reasons::help(reason) }
    }

    fn text(&self) -> String {
        line(format!("{} ({})", self.what, self.reason)) + &line(format!("  help: {}", self.help))
    }
}
