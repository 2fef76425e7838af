//! The last lines of the audit log, as far as support may see them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use placet::{AuditLine, ReadLine, Status, Vault, audit_lines, verify_audit};
use serde_json::{Value, json};

use crate::commands::audit;
use crate::show::moment;

/// So many of the newest lines.
const LINES: usize = 200;
/// Events whose subject is a number of ours: of a report, of a line.
const NUMBERED: [&str; 2] = ["report.exported", "audit.cut"];
/// The longest word of ours.
const LONGEST: usize = 64;

/// The subjects that are no secret: what is packed elsewhere. Callers choose others, and may choose anything.
pub(super) struct Known<'a>(BTreeSet<&'a str>);

impl<'a> Known<'a> {
    /// What a status names.
    pub(super) fn of(status: Option<&'a Status>) -> Self {
        let names = status.into_iter().flat_map(|status| {
            let licenses = status.licenses.iter().map(|license| &*license.id);
            let features = status.features.iter().map(|feature| &*feature.name);
            let limits = status.limits.iter().map(|limit| &*limit.name);
            let documents = status.documents.iter().map(|document| &*document.name);
            let policy = [&*status.policy.name, &*status.policy.version];
            licenses.chain(features).chain(limits).chain(documents).chain(policy)
        });
        Self(names.collect())
    }

    fn shown<'t>(&self, event: &str, subject: &'t str) -> Option<&'t str> {
        (NUMBERED.contains(&event) || self.0.contains(subject)).then_some(subject)
    }
}

/// The end of the log in a state directory, and whether it is whole.
pub(super) fn tail(state: &Path, known: &Known<'_>, vault: &Vault) -> Value {
    let Ok(files) = audit::read(&[PathBuf::from(state)]) else { return json!({ "whole": null, "lines": [] }) };
    let verified = verify_audit(files.iter().map(|(name, content)| (&**name, &**content)), vault);
    let newest = audit_lines(state, vault, None, LINES).unwrap_or_default().into_iter().rev();
    let lines: Vec<_> = newest
        .filter_map(|line| match line {
            ReadLine::Whole(line) => Some(line),
            ReadLine::Damaged(_) => None,
        })
        .collect();
    let mut tenants = BTreeMap::new();
    let lines: Vec<_> = lines.iter().map(|line| packed(line, known, &mut tenants)).collect();
    let broken = verified.as_ref().err().map(|found| json!({ "line": found.line, "fault": found.fault.to_string() }));
    json!({ "whole": verified.is_ok(), "broken": broken, "summary": verified.ok(), "lines": lines })
}

fn packed<'l>(line: &'l AuditLine, known: &Known<'_>, tenants: &mut BTreeMap<&'l str, usize>) -> Value {
    let next = tenants.len() + 1;
    let tenant = line.tenant.as_deref().map(|tenant| *tenants.entry(tenant).or_insert(next));
    json!({
        "number": line.number,
        "time": moment(line.time),
        "event": word(&line.event),
        "subject": known.shown(&line.event, &line.subject),
        "tenant": tenant,
        "reason": word(&line.reason),
        "count": line.count,
        "head": line.head,
    })
}

/// An event, a reason or a state: none where it is spelled as none of them.
fn word(text: &str) -> Option<&str> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_letter)).then_some(text)
}
