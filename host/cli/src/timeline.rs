//! A simulated stretch of time, as people read it: lines, or a picture.

mod svg;

use placet::simulation::{Event, EventKind, Timeline};

use crate::output::table;
use crate::show;

pub(crate) use self::svg::svg;

/// A line for each event, and what it comes to.
pub(crate) fn text(timeline: &Timeline) -> String {
    let rows: Vec<_> = timeline.events.iter().map(|event| (show::moment(event.at), line(event))).collect();
    let mut text = table(&rows);
    let mut sums = vec![("until", show::moment(timeline.until))];
    sums.extend(timeline.usage.iter().map(|usage| ("used", show::used_of(usage))));
    sums.extend(timeline.refused.iter().map(|refused| {
        let first = show::moment(refused.first);
        (
            "refused",
            format!("{}: {} units in {} requests, first {first}", refused.limit, refused.units, refused.requests),
        )
    }));
    text.push('\n');
    text.push_str(&table(&sums));
    text
}

/// `refused limit-exceeded tokens: a request for 125000 is refused`.
fn line(event: &Event) -> String {
    let subject = event.subject.as_deref().map(|subject| format!(" {subject}")).unwrap_or_default();
    let reason = if event.kind == EventKind::Reset { String::new() } else { format!(" {}", event.reason) };
    format!("{}{reason}{subject}: {}", word(event.kind), event.text)
}

fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::State => "state",
        EventKind::Warning => "warning",
        EventKind::Cleared => "cleared",
        EventKind::Granted => "granted",
        EventKind::Ended => "ended",
        EventKind::Reset => "reset",
        EventKind::Refused => "refused",
        EventKind::Allowed => "allowed",
    }
}
