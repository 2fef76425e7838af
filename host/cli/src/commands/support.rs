//! `placet support`.

mod log;
mod policy;

use std::path::PathBuf;

use placet::{Burned, Status};
use serde_json::{Value, json};

use self::log::Known;
use super::doctor::{self, Finding};
use crate::look::Look;
use crate::output::{Answer, table};
use crate::show::{self, moment};
use crate::site::SiteOptions;
use crate::{files, wall_clock};

/// The form of what is written; it counts up when a member changes its meaning.
const FORMAT: u32 = 1;

/// Pack what support may see into one JSON file: versions, state, safe summaries, health, the last lines of the log
///
/// It holds no license, signature, key or secret, and of tenants and seat holders no names: each tenant is a number, the same throughout the
/// file. The ids of licenses, keys and documents, and the names of customers, features and limits, it does hold. Beside a running product it
/// is packed from what that told last.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet support --out support.json
  placet support --state state/ | less")]
pub(crate) struct Arguments {
    /// Where to write, in place of a file that is there; standard output unless told otherwise
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let site = &arguments.site;
    // Once: a descriptor gives the storage secret once.
    let builder = site.builder()?;
    let look = Look::of(builder.clone());
    // After the opening, which may be the one that makes its key. What cannot be opened is told as a finding, and its log as sealed.
    let vault = builder.vault().unwrap_or_default();
    let (look, status, findings) = match look {
        Ok(look) => {
            let status = look.status();
            let findings = doctor::examine(&status);
            (Some(look), Some(status), findings)
        }
        Err(error) => (None, None, vec![doctor::unopened(&error)]),
    };
    let bundle = json!({
        "format": FORMAT,
        "packed": wall_clock::now().to_string(),
        "told": match &look {
            Some(Look::Told(told)) => json!({ "at": moment(told.written), "process": told.pid }),
            Some(Look::Opened(_)) | None => Value::Null,
        },
        "versions": { "placet": env!("CARGO_PKG_VERSION"), "policy": status.as_ref().map(|status| &status.policy) },
        "status": status.as_ref().map(state),
        "licenses": status.iter().flat_map(|status| &status.licenses).map(show::summary).collect::<Vec<_>>(),
        "manifest": status.as_ref().and_then(|status| policy::manifest(site, &status.policy.hash)),
        "health": findings.iter().map(safe).collect::<Vec<_>>(),
        "counters": status.as_ref().map(counters),
        "log": site.state.as_ref().map(|state| log::tail(state, &Known::of(status.as_ref()), &vault)),
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&bundle)?);
    let answer = match &arguments.out {
        None => Answer::document(text),
        Some(out) => {
            files::replace("--out", out, text.as_bytes())?;
            let file = out.display().to_string();
            Answer::yes(table(&[("support", file.clone())]), json!({ "file": file }))
        }
    };
    Ok(match look {
        Some(look) => look.note(answer),
        None => answer,
    })
}

/// Without what is told of it in words: paths and names of counters stand there.
fn safe(finding: &Finding) -> Value {
    json!({ "reason": finding.reason, "help": finding.help })
}

/// Field by field, so that what a later release adds to the status is not packed unseen.
fn state(status: &Status) -> Value {
    let limits = status.limits.iter().map(|limit| json!({ "name": limit.name, "kind": limit.kind, "max": limit.max }));
    let usage = status.usage.iter().map(|usage| {
        json!({ "limit": usage.limit, "kind": usage.kind, "used": usage.used, "max": usage.max, "period": usage.period })
    });
    let documents = status.documents.iter().map(|document| {
        json!({
            "name": document.name, "adopted": document.adopted, "recovered": document.recovered, "reason": document.reason,
        })
    });
    json!({
        "usable": status.usable,
        "state": status.state,
        "reason": status.reason,
        "until": status.until.map(moment),
        "evaluated": moment(status.evaluated),
        "days_until_expiry": status.days_until_expiry,
        "features": status.features.iter().map(|feature| &*feature.name).collect::<Vec<_>>(),
        "limits": limits.collect::<Vec<_>>(),
        "usage": usage.collect::<Vec<_>>(),
        "documents": documents.collect::<Vec<_>>(),
        "warnings": status.warnings.iter().map(|warning| &*warning.reason).collect::<Vec<_>>(),
    })
}

/// Where the counters stand; of what was burned the sum, since the names of counters hold those of tenants.
fn counters(status: &Status) -> Value {
    let counters = &status.counters;
    let burned = counters.burned.iter().fold(0, |sum: u64, Burned { units, .. }| sum.saturating_add(*units));
    json!({ "install_key": counters.install_key, "head": counters.head, "burned": burned })
}
