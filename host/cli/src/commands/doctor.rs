//! `placet doctor`.

use placet::{OpenError, Status};
use serde_json::json;

use crate::look::Look;
use crate::output::{Answer, table};
use crate::reasons;
use crate::show;
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
            Ok(look.note(answer(&examine(&status), Some(&status))))
        }
        Err(error) => Ok(answer(&[unopened(&error)], None)),
    }
}

fn answer(findings: &[Finding], status: Option<&Status>) -> Answer {
    let mut text: String = findings.iter().map(Finding::text).collect();
    if findings.is_empty() {
        text.push_str("nothing is wrong\n");
    }
    text.extend(status.map(|status| {
        let mut rows = show::counters_rows(&status.counters);
        rows.push(("at rest", if status.sealed { SEALED } else { READABLE }.to_owned()));
        table(&rows)
    }));
    let json =
        findings.iter().map(|finding| json!({ "what": finding.what, "reason": finding.reason, "help": finding.help }));
    let json = json!({ "findings": json.collect::<Vec<_>>(), "counters": status.map(|status| &status.counters), "sealed": status.map(|status| status.sealed) });
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
