//! Families of metrics as OpenMetrics text, for Prometheus.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, GaugeValueEncoder, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::family::{Family, Labels, Points};

/// The media type of the text (OpenMetrics 1.0.0, section "Overall Structure").
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text. The prefix stands before each name but those that are known elsewhere, with `_` for its dots.
///
/// # Errors
///
/// None but what formatting a text has: it is not reached.
pub(crate) fn openmetrics(families: Vec<Family>, prefix: &str) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page { families, prefix: prefix.to_owned() }));
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Page {
    families: Vec<Family>,
    prefix: String,
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.families.iter().try_for_each(|family| self.family(&mut encoder, family))
    }
}

impl Page {
    /// The encoder adds to the name what the kind adds.
    fn family(&self, encoder: &mut DescriptorEncoder<'_>, family: &Family) -> fmt::Result {
        let name = family.stem(&self.prefix).replace('.', "_");
        let kind = match family.points {
            Points::Counters(_) => MetricType::Counter,
            Points::Gauges(_) => MetricType::Gauge,
            Points::Info(_) => MetricType::Info,
            Points::Histogram { .. } => MetricType::Histogram,
        };
        let mut begun = encoder.encode_descriptor(&name, family.help, None, kind)?;
        match &family.points {
            Points::Counters(series) => series.iter().try_for_each(|(labels, value)| {
                at(&mut begun, labels, |encoder| encoder.encode_counter::<NoLabelSet, _, u64>(value, None))
            }),
            Points::Gauges(series) => series
                .iter()
                .try_for_each(|(labels, value)| at(&mut begun, labels, |encoder| encoder.encode_gauge(&Whole(*value)))),
            Points::Info(labels) => begun.encode_info(labels),
            Points::Histogram { sum, classes } => {
                let count = classes.iter().map(|(_, count)| count).sum();
                begun.encode_histogram::<NoLabelSet>(*sum, count, classes, None)
            }
        }
    }
}

/// Encodes a value with these labels, and without braces where nothing stands in them.
fn at(
    encoder: &mut MetricEncoder<'_>,
    labels: &Labels,
    encode: impl Fn(&mut MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    if labels.is_empty() { encode(encoder) } else { encode(&mut encoder.encode_family(labels)?) }
}

/// What a counter of ours holds may be beyond an `i64`, and days are negative.
#[derive(Debug)]
struct Whole(i128);

impl EncodeGaugeValue for Whole {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> fmt::Result {
        match (i64::try_from(self.0), u64::try_from(self.0)) {
            (Ok(value), _) => value.encode(encoder),
            (Err(_), value) => value.unwrap_or(u64::MAX).encode(encoder),
        }
    }
}
