//! The figures, as `/metrics` and as an export tell them, in one form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Each value by the name and labels that Prometheus has for it.
pub(crate) type Values = BTreeMap<(String, BTreeMap<String, String>), String>;
/// Each family that has values: its name, its kind, and what it means.
pub(crate) type Families = BTreeSet<(String, String, String)>;

/// As `/metrics` tells them.
pub(crate) fn scraped(text: &str) -> (Families, Values) {
    let (mut families, mut values, mut help) = (Families::new(), Values::new(), "");
    let mut begun = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').unwrap().1.trim_end_matches('.');
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            let suffix = if kind == "counter" {
                "_total"
            } else if kind == "info" {
                "_info"
            } else {
                ""
            };
            begun = Some((format!("{name}{suffix}"), kind.to_owned(), help.to_owned()));
        } else if !line.starts_with('#') {
            families.extend(begun.clone());
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            values.insert((name.to_owned(), labels_of(labels)), number(value.parse().unwrap()));
        }
    }
    (families, values)
}

/// `name="value",name="value"}`.
fn labels_of(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while let Some((name, quoted)) = rest.split_once("=\"") {
        let (mut value, mut characters) = (String::new(), quoted.chars());
        loop {
            value.push(match characters.next().unwrap() {
                '"' => break,
                '\\' => match characters.next().unwrap() {
                    'n' => '\n',
                    escaped => escaped,
                },
                character => character,
            });
        }
        let name = name.trim_start_matches(',');
        let value = if name == "le" { number(value.replace("+Inf", "inf").parse().unwrap()) } else { value };
        labels.insert(name.to_owned(), value);
        rest = characters.as_str();
    }
    labels
}

/// As an export tells them.
pub(crate) fn exported(export: &Value) -> (Families, Values) {
    let (mut families, mut values) = (Families::new(), Values::new());
    for metric in export["metrics"].as_array().unwrap() {
        let name = metric["name"].as_str().unwrap().replace('.', "_");
        let kind = match (metric["kind"].as_str().unwrap(), metric["monotonic"].as_bool()) {
            ("sum", Some(true)) => "counter",
            ("sum", _) => "info",
            (kind, _) => kind,
        };
        assert!(kind == "gauge" || metric["cumulative"] == true, "{metric}");
        families.insert((name.clone(), kind.to_owned(), metric["help"].as_str().unwrap().to_owned()));
        for point in metric["points"].as_array().unwrap() {
            let labels: BTreeMap<String, String> = serde_json::from_value(point["labels"].clone()).unwrap();
            let mut put = |suffix: &str, more: Option<f64>, value: &Value| {
                let mut labels = labels.clone();
                labels.extend(more.map(|bound| ("le".to_owned(), number(bound))));
                let value = number(value.as_f64().unwrap());
                assert!(values.insert((format!("{name}{suffix}"), labels), value).is_none(), "twice: {name}{suffix}");
            };
            if kind == "histogram" {
                let bounds = point["bounds"].as_array().unwrap().iter().map(|bound| bound.as_f64().unwrap());
                let buckets = point["buckets"].as_array().unwrap();
                assert_eq!(bounds.len() + 1, buckets.len(), "{point}");
                let mut within = 0;
                for (bound, count) in bounds.chain([f64::INFINITY]).zip(buckets) {
                    within += count.as_u64().unwrap();
                    put("_bucket", Some(bound), &within.into());
                }
                put("_count", None, &point["count"]);
                put("_sum", None, &point["sum"]);
            } else {
                put("", None, &point["value"]);
            }
        }
    }
    (families, values)
}

fn number(value: f64) -> String {
    value.to_string()
}
