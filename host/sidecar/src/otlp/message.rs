//! Families of metrics as a message of OTLP, and what is answered to it.

use std::io;

use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Text;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::ExportError;
use crate::metrics::{Family, Labels, Points};
use crate::{random, wall_clock};

/// Who counts, and since when.
#[derive(Debug)]
pub(super) struct Source {
    instance: String,
    /// In nanoseconds since the Unix epoch.
    since: u64,
}

/// What is said of each value: between when it was counted.
#[derive(Clone, Copy)]
struct Span {
    start: u64,
    end: u64,
}

impl Source {
    /// This run, from now on.
    ///
    /// # Errors
    ///
    /// Where the system has no random bytes.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { instance: uuid(u128::from_be_bytes(random::bytes()?)), since: wall_clock::nanoseconds() })
    }

    /// The message that tells these figures, which were taken now.
    pub(super) fn message(&self, families: Vec<Family>, prefix: &str) -> Vec<u8> {
        // A clock that is set back makes no value older than its count.
        let span = Span { start: self.since, end: wall_clock::nanoseconds().max(self.since) };
        let version = env!("CARGO_PKG_VERSION");
        let resource =
            [("service.name", "placet"), ("service.version", version), ("service.instance.id", &self.instance)];
        let scope =
            InstrumentationScope { name: "placet".to_owned(), version: version.to_owned(), ..Default::default() };
        // A metric has one value at least.
        let told = families.into_iter().filter(|family| !family.points.is_empty());
        let scoped = ScopeMetrics {
            scope: Some(scope),
            metrics: told.map(|family| metric(family, prefix, span)).collect(),
            ..Default::default()
        };
        let metrics = ResourceMetrics {
            resource: Some(Resource {
                attributes: resource.map(|(name, value)| attribute(name, value.to_owned())).into(),
                ..Default::default()
            }),
            scope_metrics: vec![scoped],
            ..Default::default()
        };
        ExportMetricsServiceRequest { resource_metrics: vec![metrics] }.encode_to_vec()
    }
}

/// Looks at what was answered.
///
/// # Errors
///
/// Where it is none of OTLP, or says that not all was taken.
pub(super) fn taken(answer: &[u8]) -> Result<(), ExportError> {
    let answer = ExportMetricsServiceResponse::decode(answer).map_err(|_| ExportError::Strange)?;
    match answer.partial_success {
        Some(partial) if partial.rejected_data_points != 0 => Err(ExportError::Rejected(partial.rejected_data_points)),
        _ => Ok(()),
    }
}

fn metric(family: Family, prefix: &str, span: Span) -> Metric {
    let (name, unit, help) = (family.full_name(prefix), family.unit.to_owned(), family.help.to_owned());
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let data = match family.points {
        Points::Counters(series) => Data::Sum(Sum {
            data_points: series.into_iter().map(|(labels, value)| point(labels, value.into(), span)).collect(),
            aggregation_temporality,
            is_monotonic: true,
        }),
        Points::Gauges(series) => Data::Gauge(Gauge {
            data_points: series.into_iter().map(|(labels, value)| point(labels, value, span)).collect(),
        }),
        // Prometheus and OpenMetrics Compatibility, section "Info".
        Points::Info(labels) => {
            Data::Sum(Sum { data_points: vec![point(labels, 1, span)], aggregation_temporality, is_monotonic: false })
        }
        Points::Histogram { sum, classes } => {
            Data::Histogram(Histogram { data_points: vec![histogram(sum, classes, span)], aggregation_temporality })
        }
    };
    Metric { name, description: help, unit, data: Some(data), ..Default::default() }
}

fn point(labels: Labels, value: i128, span: Span) -> NumberDataPoint {
    // What is beyond an `i64` loses its last digits.
    #[expect(clippy::cast_precision_loss, reason = "no count comes near, and a maximum that high is none")]
    let value = i64::try_from(value).map_or(Value::AsDouble(value as f64), Value::AsInt);
    NumberDataPoint {
        attributes: labels.into_iter().map(|(label, value)| attribute(label, value)).collect(),
        start_time_unix_nano: span.start,
        time_unix_nano: span.end,
        value: Some(value),
        ..Default::default()
    }
}

/// The last bound is infinite, and not told.
fn histogram(sum: f64, classes: Vec<(f64, u64)>, span: Span) -> HistogramDataPoint {
    let (bounds, bucket_counts): (Vec<_>, Vec<_>) = classes.into_iter().unzip();
    HistogramDataPoint {
        start_time_unix_nano: span.start,
        time_unix_nano: span.end,
        count: bucket_counts.iter().sum(),
        sum: Some(sum),
        explicit_bounds: bounds.into_iter().filter(|bound| bound.is_finite()).collect(),
        bucket_counts,
        ..Default::default()
    }
}

fn attribute(name: &str, value: String) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(Text::StringValue(value)) }),
        ..Default::default()
    }
}

/// A random one (RFC 9562, section 5.4).
fn uuid(bits: u128) -> String {
    let bits = bits & !(0xF << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let text = format!("{bits:032x}");
    let mut from = 0;
    let parts = [8, 4, 4, 4, 12].map(|length| {
        let part: String = text.chars().skip(from).take(length).collect();
        from += length;
        part
    });
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_uuid_says_that_it_is_one() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn what_is_beyond_an_i64_is_told_as_a_double() {
        let span = Span { start: 1, end: 2 };
        assert_eq!(point(Labels::new(), -3, span).value, Some(Value::AsInt(-3)));
        assert_eq!(
            point(Labels::new(), u64::MAX.into(), span).value,
            Some(Value::AsDouble(18_446_744_073_709_551_615.0))
        );
    }

    #[test]
    fn an_answer_is_one_of_otlp_that_rejects_nothing() {
        assert!(taken(b"").is_ok());
        assert!(matches!(taken(b"<html>"), Err(ExportError::Strange)));
        // A warning that nothing was lost by.
        assert!(taken(b"\x0a\x03\x12\x01x").is_ok());
        assert!(matches!(taken(b"\x0a\x02\x08\x05"), Err(ExportError::Rejected(5))));
    }
}
