//! Decisions, states and licenses as people read them.

use jiff::Timestamp;
use placet::{Attribute, CountersInfo, Decision, Document, Limit, Settlement, Status, Summary, Usage, Warning};
use serde_json::json;

use crate::output::{Answer, line, table};
use crate::reasons;

/// A decision: one line, and its warnings below.
pub(crate) fn decision(decision: &Decision) -> anyhow::Result<Answer> {
    Ok(Answer::verdict(decision.allowed, decision_text(decision), serde_json::to_value(decision)?))
}

/// A decision about several limits, which names the one that is to blame.
pub(crate) fn charged(decision: &Decision) -> anyhow::Result<Answer> {
    Ok(Answer::verdict(decision.allowed, charged_text(decision, true), serde_json::to_value(decision)?))
}

fn charged_text(decision: &Decision, several: bool) -> String {
    let mut text = decision_text(decision);
    if several && !decision.allowed && !decision.subject.is_empty() {
        text.push_str(&line(format!("  limit: {}", decision.subject)));
    }
    text
}

/// A decision about a feature; where it was denied for what a document is, that document and what its details name.
pub(crate) fn checked(decision: &Decision, status: &Status) -> anyhow::Result<Answer> {
    let mut text = decision_text(decision);
    let to_blame = |document: &&Document| !decision.allowed && !document.adopted && document.reason == decision.reason;
    for document in status.documents.iter().filter(to_blame) {
        text.push_str(&line(format!("  document: {}{}", document.name, in_brackets(&details(document)))));
    }
    Ok(Answer::verdict(decision.allowed, text, serde_json::to_value(decision)?))
}

/// A decision about one limit or several, and the id to settle by.
pub(crate) fn reservation(id: Option<&str>, decision: &Decision, several: bool) -> anyhow::Result<Answer> {
    let mut text = charged_text(decision, several);
    text.extend(id.map(|id| line(format!("  reservation: {id}"))));
    let json = json!({ "reservation": id, "decision": decision });
    Ok(Answer::verdict(decision.allowed, text, json))
}

/// What became of a reservation.
pub(crate) fn settlement(settlement: &Settlement) -> anyhow::Result<Answer> {
    let Settlement { reason, limit, reserved, charged, unbilled, denied, .. } = settlement;
    let mut text = line(format!("{reason}: {charged} charged, {reserved} reserved ({limit})"));
    if let Some(denied) = denied {
        text.push_str(&line(format!("  unbilled: {unbilled} ({denied})")));
        text.push_str(&line(format!("  help: {}", reasons::help(denied))));
    }
    Ok(Answer::verdict(*unbilled == 0, text, serde_json::to_value(settlement)?))
}

/// The text of [`decision`].
pub(crate) fn decision_text(decision: &Decision) -> String {
    let verdict = if decision.allowed { "allowed" } else { "denied" };
    let used: Vec<_> = decision.usage.iter().map(used_of).collect();
    let used = if used.is_empty() { String::new() } else { format!(" ({})", used.join(", ")) };
    let mut text = line(format!("{verdict}: {}{used}", decision.reason));
    for warning in &decision.warnings {
        text.push_str(&line(format!("  warning: {}", warning.text)));
    }
    for detail in &decision.details {
        text.push_str(&line(format!("  {}: {}", detail.name, detail.value)));
    }
    if let Some(retry) = decision.retry.filter(|_| !decision.allowed) {
        text.push_str(&line(format!(
            "  again in: {}",
            if retry < 1_000 { format!("{retry} ms") } else { format!("{} s", retry.div_ceil(1_000)) }
        )));
    }
    if !decision.allowed {
        text.push_str(&line(format!("  help: {}", reasons::help(&decision.reason))));
    }
    text
}

/// The state of an installation.
pub(crate) fn status(status: &Status) -> anyhow::Result<Answer> {
    let mut rows = vec![
        ("state", format!("{} ({})", status.state, status.reason)),
        ("usable", yes_or_no(status.usable)),
        ("grace", if status.state == "grace" { format!("running ({})", status.reason) } else { "none".into() }),
    ];
    rows.extend(status.until.map(|until| ("until", moment(until))));
    rows.extend(status.licenses.iter().flat_map(|license| license_rows(license, status.evaluated)));
    rows.push(("features", names(status.features.iter().map(|feature| &*feature.name))));
    rows.extend(limit_rows(&status.limits, &status.usage));
    rows.push((
        "policy",
        format!("{} {} (sequence {})", status.policy.name, status.policy.version, status.policy.sequence),
    ));
    rows.extend(counters_rows(&status.counters));
    rows.extend(document_rows(status));
    rows.extend(warning_rows(&status.warnings));
    Ok(Answer::verdict(status.usable, table(&rows), serde_json::to_value(status)?))
}

/// What is used.
pub(crate) fn usage(usage: &[Usage]) -> anyhow::Result<Answer> {
    let rows: Vec<_> = usage.iter().map(|usage| (&*usage.limit, used_under(usage))).collect();
    let text = if rows.is_empty() { "no limits are counted here\n".to_owned() } else { table(&rows) };
    Ok(Answer::yes(text, serde_json::to_value(usage)?))
}

/// One license, row by row.
pub(crate) fn license_rows(license: &Summary, now: u64) -> Vec<(&'static str, String)> {
    let detail =
        |name: &str| license.details.iter().find(|detail| detail.name == name).map(|detail| detail.value.clone());
    let mut rows = vec![
        ("license", format!("{}: {} ({})", license.id, license.state, license.reason)),
        ("  organization", license.customer.clone()),
        ("  plan", license.plan.clone()),
        ("  key id", license.key.clone()),
    ];
    rows.extend(detail("sku").map(|sku| ("  sku", sku)));
    rows.push(("  expires", expiry(license.expires, now)));
    let time = |name| detail(name).and_then(|time| time.parse().ok()).map(moment);
    rows.extend(time("check_in").map(|due| ("  check-in", format!("due {due}"))));
    rows.extend(time("maintenance").map(|end| ("  maintenance", format!("until {end}"))));
    rows.retain(|(_, value)| !value.is_empty());
    rows
}

/// By what the counters are sealed, and where they stand.
pub(crate) fn counters_rows(counters: &CountersInfo) -> Vec<(&'static str, String)> {
    let head = counters.head.map(|head| ("head", head.to_string()));
    [("install key", counters.install_key.clone())].into_iter().chain(head).collect()
}

/// `tokens = 1000 (quota, reset month)`, each of a license that is not counted here.
pub(crate) fn limits(limits: &[Limit]) -> String {
    names(limits.iter().map(|limit| {
        let Limit { name, kind, max, details } = limit;
        format!("{name} = {} ({})", maximum(*max), terms(kind, details))
    }))
}

/// `2027-01-01T00:00:00Z (39 days left)`.
pub(crate) fn expiry(expires: Option<u64>, now: u64) -> String {
    let Some(expires) = expires else { return "never".to_owned() };
    let days = i128::from(expires).wrapping_sub(i128::from(now)).div_euclid(86_400_000);
    match days {
        ..=-1 => format!("{} (ended {} days ago)", moment(expires), -days),
        1 => format!("{} (1 day left)", moment(expires)),
        _ => format!("{} ({days} days left)", moment(expires)),
    }
}

/// The safe summary for a support hand-over: scalars and names alone.
pub(crate) fn summary(license: &Summary) -> serde_json::Value {
    let detail = |name: &str| license.details.iter().find(|detail| detail.name == name).map(|detail| &*detail.value);
    json!({
        "license_id": license.id,
        "customer": license.customer,
        "sku": detail("sku"),
        "key_id": license.key,
        "issuer": license.issuer,
        "issued": license.issued.map(moment),
        "not_before": license.starts.map(moment),
        "expiry": license.expires.map(moment),
        "features": license.features.join(", "),
        "limits": limits(&license.limits),
    })
}

/// Milliseconds as RFC 3339.
pub(crate) fn moment(instant: u64) -> String {
    let timestamp = i64::try_from(instant).ok().and_then(|instant| Timestamp::from_millisecond(instant).ok());
    timestamp.map_or_else(|| instant.to_string(), |timestamp| timestamp.to_string())
}

fn limit_rows(limits: &[Limit], usage: &[Usage]) -> Vec<(&'static str, String)> {
    let row = |limit: &Limit| match usage.iter().find(|usage| usage.limit == limit.name) {
        Some(usage) => format!("{}: {}", limit.name, used_under(usage)),
        None => {
            let Limit { name, kind, max, details } = limit;
            format!("{name}: {} ({}; see `placet usage --tenant NAME`)", maximum(*max), terms(kind, details))
        }
    };
    limits.iter().map(|limit| ("limit", row(limit))).collect()
}

fn document_rows(status: &Status) -> Vec<(&'static str, String)> {
    let odd = status.documents.iter().filter(|document| !document.adopted || document.recovered);
    odd.map(|document| {
        let mut notes = details(document);
        notes.extend(document.recovered.then(|| "the kept copy stands in".to_owned()));
        ("document", format!("{}: {}{}", document.name, document.reason, in_brackets(&notes)))
    })
    .collect()
}

/// What the details of a document that does not hold name: `claim: limits.tokens.max`, `cause: outside`.
pub(crate) fn details(document: &Document) -> Vec<String> {
    document.details.iter().map(|detail| format!("{}: {}", detail.name, detail.value)).collect()
}

pub(crate) fn in_brackets(notes: &[String]) -> String {
    if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) }
}

fn warning_rows(warnings: &[Warning]) -> Vec<(&'static str, String)> {
    warnings.iter().map(|warning| ("warning", format!("{}: {}", warning.reason, warning.text))).collect()
}

pub(crate) fn used_of(usage: &Usage) -> String {
    format!("{}: {}", usage.limit, counted(usage))
}

/// What is used, and under which terms.
fn used_under(usage: &Usage) -> String {
    format!("{}{} ({})", counted(usage), resets(usage), terms(&usage.kind, &usage.details))
}

/// `quota, reset month`: the kind of a limit, and what the licenses say of it beside.
fn terms(kind: &str, details: &[Attribute]) -> String {
    let terms = details.iter().filter(|detail| !NO_TERMS.contains(&&*detail.name));
    let terms = terms.map(|Attribute { name, value }| format!("{name} {value}"));
    [kind.to_owned()].into_iter().chain(terms).collect::<Vec<_>>().join(", ")
}

/// The details of a limit that are no terms: how it stands, and under which name it is counted.
const NO_TERMS: [&str; 6] = ["undecided", "beyond", "unbilled", "resets", "warning", "account"];

fn counted(usage: &Usage) -> String {
    let undecided = usage.details.iter().find(|detail| detail.name == "undecided");
    match undecided {
        Some(why) => format!("not decided by this policy ({})", why.value),
        // A process that has just begun knows nothing of the tokens of another.
        None if usage.kind == "rate" && usage.max.is_some() => {
            format!("{} at once, counted where the product runs", maximum(usage.max))
        }
        None => {
            let unbilled = usage.details.iter().find(|detail| detail.name == "unbilled");
            let unbilled = unbilled.map(|units| format!(", and {} unbilled", units.value)).unwrap_or_default();
            let period = usage.period.as_ref().map(|period| format!(" in {period}")).unwrap_or_default();
            format!("{} of {}{period}{unbilled}", usage.used, maximum(usage.max))
        }
    }
}

/// When the next period begins; of a term, when the first of what was used comes back.
fn resets(usage: &Usage) -> String {
    let shown = usage.details.iter().find(|detail| detail.name == "resets");
    match (shown, usage.resets) {
        (Some(shown), _) => format!(", resets {}", shown.value),
        (None, Some(back)) => format!(", units come back from {} on", moment(back)),
        (None, None) => String::new(),
    }
}

fn maximum(max: Option<u64>) -> String {
    max.map_or_else(|| "unlimited".to_owned(), |max| max.to_string())
}

fn names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
