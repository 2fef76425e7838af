//! A family of metrics, in whatever form it is exported.

/// The labels of a series.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// Series of one name, and what they mean.
#[derive(Debug)]
pub(crate) struct Family {
    name: &'static str,
    /// Not for a name that is known elsewhere as it is.
    is_prefixed: bool,
    /// As the Unified Code for Units of Measure has it, with what is counted in braces; empty where there is none.
    pub(crate) unit: &'static str,
    pub(crate) help: &'static str,
    pub(crate) points: Points,
}

/// What is told of a family, by its kind.
#[derive(Debug)]
pub(crate) enum Points {
    /// What only grows.
    Counters(Vec<(Labels, u64)>),
    /// What goes up and down. A counter of ours may hold what is beyond an `i64`, and days are negative.
    Gauges(Vec<(Labels, i128)>),
    /// A text that stands in labels.
    Info(Labels),
    /// So many in each class, which is told by its upper bound; the last is infinite.
    Histogram {
        /// Of all values.
        sum: f64,
        classes: Vec<(f64, u64)>,
    },
}

impl Family {
    pub(super) fn new(name: &'static str, unit: &'static str, help: &'static str, points: Points) -> Self {
        Self { name, is_prefixed: true, unit, help, points }
    }

    /// Its name is known elsewhere as it is.
    pub(super) fn unprefixed(self) -> Self {
        Self { is_prefixed: false, ..self }
    }

    /// Its name without what its kind adds.
    pub(super) fn stem(&self, prefix: &str) -> String {
        if self.is_prefixed { format!("{prefix}.{}", self.name) } else { self.name.to_owned() }
    }

    /// Its name as it is searched for.
    pub(crate) fn full_name(&self, prefix: &str) -> String {
        let suffix = match self.points {
            Points::Counters(_) => "_total",
            Points::Info(_) => "_info",
            Points::Gauges(_) | Points::Histogram { .. } => "",
        };
        self.stem(prefix) + suffix
    }
}

impl Points {
    pub(super) fn counters(series: impl IntoIterator<Item = (Labels, u64)>) -> Self {
        Self::Counters(series.into_iter().collect())
    }

    pub(super) fn gauges(series: impl IntoIterator<Item = (Labels, i128)>) -> Self {
        Self::Gauges(series.into_iter().collect())
    }

    /// The only series of its name, if it is there.
    pub(super) fn gauge(value: Option<i128>) -> Self {
        Self::gauges(value.map(|value| (Labels::new(), value)))
    }

    /// Whether nothing is told now.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Counters(series) => series.is_empty(),
            Self::Gauges(series) => series.is_empty(),
            Self::Info(_) | Self::Histogram { .. } => false,
        }
    }
}
