//! The picture: a band of states, below it a curve of usage for each limit, and marks where something happens.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use placet::simulation::{EventKind, Sample, Timeline};

use super::line;
use crate::output::printable;
use crate::show;

const WIDTH: u32 = 960;
const LEFT: f64 = 140.0;
const RIGHT: f64 = 20.0;
const BAND: u32 = 28;
const LANE: u32 = 70;
const TOP: u32 = 40;

/// As a document of its own: no script, no font, nothing loaded from elsewhere. Every mark has its text as a tooltip.
pub(crate) fn svg(timeline: &Timeline) -> String {
    let mut limits: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in &timeline.samples {
        limits.entry(&sample.limit).or_default().push(sample);
    }
    let lanes = u32::try_from(limits.len()).unwrap_or(u32::MAX);
    let height = TOP.saturating_add(BAND + 30).saturating_add(lanes.saturating_mul(LANE));
    let mut picture = Picture { timeline, out: String::new() };
    picture.put(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">"
    ));
    let title = format!("{} to {}", show::moment(timeline.from), show::moment(timeline.until));
    picture.put(&format!("<title>{}</title>", escaped(&title)));
    picture.put("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
    picture.months(height);
    picture.states();
    for (lane, (limit, samples)) in (0..).zip(&limits) {
        picture.limit(TOP + BAND + 20 + lane * LANE, limit, samples);
    }
    picture.marks(None, TOP + BAND + 8);
    picture.put("</svg>");
    picture.out
}

struct Picture<'a> {
    timeline: &'a Timeline,
    out: String,
}

impl Picture<'_> {
    fn put(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// Where an instant lies from left to right.
    fn x(&self, instant: u64) -> f64 {
        let whole = self.timeline.until.saturating_sub(self.timeline.from).max(1);
        let part = instant.saturating_sub(self.timeline.from).min(whole);
        LEFT + (f64::from(WIDTH) - LEFT - RIGHT) * ratio(part, whole)
    }

    /// A line at the beginning of each month (UTC), or of each year where there are many.
    fn months(&mut self, height: u32) {
        let at = |instant: u64| i64::try_from(instant).ok().and_then(|one| Timestamp::from_millisecond(one).ok());
        let (Some(from), Some(until)) = (at(self.timeline.from), at(self.timeline.until)) else { return };
        let day = from.to_zoned(TimeZone::UTC).date().first_of_month();
        let many = self.timeline.until - self.timeline.from > 3 * 366 * 86_400_000;
        for month in day.series(1.month()).skip(1).filter(|month| !many || month.month() == 1) {
            let Ok(start) = month.to_zoned(TimeZone::UTC).map(|start| start.timestamp()) else { return };
            if start > until {
                return;
            }
            let x = self.x(u64::try_from(start.as_millisecond()).unwrap_or(0));
            let text = if many { month.strftime("%Y") } else { month.strftime("%Y-%m") };
            self.put(&format!("<path d=\"M{x:.1} 24V{height}\" stroke=\"#ddd\"/>"));
            self.put(&format!(
                "<text x=\"{x:.1}\" y=\"18\" fill=\"#666\" font-size=\"9\" text-anchor=\"middle\">{text}</text>"
            ));
        }
    }

    fn states(&mut self) {
        self.put(&format!("<text x=\"8\" y=\"{}\">state</text>", TOP + 18));
        let states: Vec<_> = self.timeline.events.iter().filter(|event| event.kind == EventKind::State).collect();
        let ends = states.iter().skip(1).map(|event| event.at).chain([self.timeline.until]);
        for (event, end) in states.iter().zip(ends) {
            let (x, width) = (self.x(event.at), self.x(end) - self.x(event.at));
            let name = event.text.split(',').next().unwrap_or_default();
            let tooltip = escaped(&format!("{} {}", show::moment(event.at), line(event)));
            self.put(&format!(
                "<rect x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{BAND}\" fill=\"{}\"><title>{tooltip}</title></rect>",
                color(name)
            ));
            if width > 50.0 {
                let (x, y) = (x + 6.0, TOP + 18);
                self.put(&format!("<text x=\"{x:.1}\" y=\"{y}\" fill=\"#fff\">{}</text>", escaped(name)));
            }
        }
    }

    /// The curve of a limit, against the largest of its maximum and what was used.
    fn limit(&mut self, top: u32, limit: &str, samples: &[&Sample]) {
        let bottom = top + LANE - 16;
        let most = samples.iter().map(|sample| sample.used.max(sample.max.unwrap_or(0))).max().unwrap_or(0).max(1);
        let y = |units: u64| f64::from(bottom) - f64::from(LANE - 26) * ratio(units, most);
        self.put(&format!("<text x=\"8\" y=\"{}\">{}</text>", bottom - 18, escaped(limit)));
        let max = samples.last().and_then(|sample| sample.max);
        let told = max.map_or_else(|| "unlimited".to_owned(), |max| format!("of {max}"));
        self.put(&format!("<text x=\"8\" y=\"{}\" fill=\"#666\" font-size=\"10\">{told}</text>", bottom - 4));
        if let Some(max) = max {
            let line = format!("M{LEFT} {:.1}H{:.1}", y(max), f64::from(WIDTH) - RIGHT);
            self.put(&format!("<path d=\"{line}\" stroke=\"#b91c1c\" stroke-dasharray=\"4 3\" fill=\"none\"/>"));
        }
        let points = samples.iter().fold(String::new(), |mut points, sample| {
            // Writing into a text does not fail.
            let _ = write!(points, "{:.1},{:.1} ", self.x(sample.at), y(sample.used));
            points
        });
        self.put(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#1d4ed8\" stroke-width=\"1.5\"/>",
            points.trim_end()
        ));
        self.marks(Some(limit), bottom);
    }

    /// What happens to a limit, or to the license as a whole and its features.
    fn marks(&mut self, limit: Option<&str>, y: u32) {
        let of_limit = |subject: &str| self.timeline.samples.iter().any(|sample| sample.limit == subject);
        let marks: Vec<_> = self
            .timeline
            .events
            .iter()
            .filter(|event| match (limit, event.subject.as_deref()) {
                (Some(limit), subject) => subject == Some(limit),
                (None, subject) => event.kind != EventKind::State && !subject.is_some_and(of_limit),
            })
            .collect();
        for event in marks {
            let fill = match event.kind {
                EventKind::Refused | EventKind::Ended => "#b91c1c",
                EventKind::Warning => "#d97706",
                EventKind::Allowed | EventKind::Granted | EventKind::Cleared => "#15803d",
                EventKind::State | EventKind::Reset => "#9ca3af",
            };
            let tooltip = escaped(&format!("{} {}", show::moment(event.at), line(event)));
            let x = self.x(event.at);
            self.put(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{y}\" r=\"3.5\" fill=\"{fill}\"><title>{tooltip}</title></circle>"
            ));
        }
    }
}

fn color(state: &str) -> &'static str {
    match state {
        "active" => "#15803d",
        "expiring" => "#ca8a04",
        "grace" => "#d97706",
        "pending" => "#6b7280",
        _ => "#b91c1c",
    }
}

/// From 0 to 1, exact to what a picture shows.
fn ratio(part: u64, whole: u64) -> f64 {
    let thousandths = u128::from(part) * 1_000_000 / u128::from(whole.max(1));
    f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX)) / 1e6
}

/// Text between the marks of XML, whatever a license names.
fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_license_stay_text() {
        assert_eq!(escaped("<a b=\"c\">&\u{1b}"), "&lt;a b=&quot;c&quot;&gt;&amp;\\u{1b}");
    }
}
