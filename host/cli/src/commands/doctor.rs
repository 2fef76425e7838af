//! `placet doctor`.

mod log;
mod state;

use std::error::Error;

use placet::Status;
use serde_json::json;

use self::log::Log;
use crate::look::{Look, LookError};
use crate::output::{Answer, line, table};
use crate::reasons;
use crate::show;
use crate::site::{self, SiteOptions, Unopened};

/// Say what is wrong with this installation, and how to mend it
///
/// Also names the places that licenses are read from, and what the audit log tells last of counters and lines that were lost. Writes some KiB into the
/// state directory, to see whether there is room, and takes them away again. Exit code 0 when nothing is wrong, 1 when something is.
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
    let site = &arguments.site;
    // Once: a descriptor gives the storage secret once.
    let builder = site.builder()?;
    let look = Look::of(builder.clone());
    // After the opening, which may be the one that makes its key.
    let vault = builder.vault().ok();
    let (status, mut findings) = match &look {
        Ok(look) => {
            let status = look.status();
            let mut findings = examine(&status);
            findings.extend(state::silent(look));
            findings.extend(site.state.as_deref().and_then(state::unwritable));
            (Some(status), findings)
        }
        Err(error) => (None, vec![unopened(error)]),
    };
    findings.extend(site.state.as_deref().and_then(state::exposed));
    let mut log = match (&site.state, &vault) {
        (Some(state), Some(vault)) => Log::read(state, vault),
        _ => Log::default(),
    };
    findings.append(&mut log.findings);
    let answer = answer(&findings, status.as_ref(), &log, &site.places());
    Ok(match &look {
        Ok(look) => look.note(answer),
        Err(_) => answer,
    })
}

fn answer(findings: &[Finding], status: Option<&Status>, log: &Log, places: &[String]) -> Answer {
    let mut text: String = findings.iter().map(Finding::text).collect();
    if findings.is_empty() {
        text.push_str("nothing is wrong\n");
    }
    let mut rows: Vec<_> = places.iter().map(|place| ("licenses in", place.clone())).collect();
    if let Some(status) = status {
        rows.extend(show::counters_rows(&status.counters));
        rows.push(("at rest", if status.sealed { SEALED } else { READABLE }.to_owned()));
    }
    rows.extend(log.rows());
    text.push_str(&table(&rows));
    let json =
        findings.iter().map(|finding| json!({ "what": finding.what, "reason": finding.reason, "help": finding.help }));
    let json = json!({
        "findings": json.collect::<Vec<_>>(),
        "places": places,
        "counters": status.map(|status| &status.counters),
        "sealed": status.map(|status| status.sealed),
        "told": log.told,
    });
    Answer::verdict(findings.is_empty(), text, json)
}

/// That it cannot be looked at, and why.
pub(crate) fn unopened(error: &LookError) -> Finding {
    match error {
        LookError::Open(error) => {
            let Unopened { missing, help } = site::unopened(error);
            let what = missing.map_or_else(|| chain(error), ToOwned::to_owned);
            Finding { what, reason: error.reason().to_owned(), help }
        }
        LookError::Holder(holder) => Finding::new(chain(error), holder.reason()),
    }
}

/// An error, with its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| (*error).source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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
