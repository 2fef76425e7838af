//! Families of metrics, one after the other.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, GaugeValueEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// The labels of a series.
pub(super) type Labels = Vec<(&'static str, String)>;

/// What is written.
pub(super) struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
    prefix: String,
}

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>, prefix: &str) -> Self {
        Self { encoder, prefix: prefix.replace('.', "_") }
    }

    /// Counters, to whose names `_total` is added.
    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        let name = self.named(name);
        self.unprefixed_counters(&name, help, series)
    }

    /// Counters whose name is known elsewhere as it is.
    pub(super) fn unprefixed_counters(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        series.into_iter().try_for_each(|(labels, value)| {
            if labels.is_empty() {
                family.encode_counter::<NoLabelSet, _, u64>(&value, None)
            } else {
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
            }
        })
    }

    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels, i128)>,
    ) -> fmt::Result {
        let name = self.named(name);
        let mut family = self.encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
        series.into_iter().try_for_each(|(labels, value)| {
            // Without braces where nothing stands in them.
            if labels.is_empty() {
                family.encode_gauge(&Whole(value))
            } else {
                family.encode_family(&labels)?.encode_gauge(&Whole(value))
            }
        })
    }

    /// A text that stands in labels: its name gets `_info`.
    pub(super) fn info(&mut self, name: &str, help: &str, labels: &Labels) -> fmt::Result {
        let name = self.named(name);
        self.encoder.encode_descriptor(&name, help, None, MetricType::Info)?.encode_info(labels)
    }

    /// So many in each class, which is told by its upper bound; the last is infinite.
    pub(super) fn histogram(&mut self, name: &str, help: &str, sum: f64, classes: &[(f64, u64)]) -> fmt::Result {
        let name = self.named(name);
        let count = classes.iter().map(|(_, count)| count).sum();
        let mut family = self.encoder.encode_descriptor(&name, help, None, MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(sum, count, classes, None)
    }

    fn named(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }
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
