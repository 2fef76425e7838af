//! What was issued, for the person who issued it and for support: names, times and amounts, never the token.

use placet_rules::license::License;
use serde_json::{Map, Value};

use crate::show;

/// Rows of a name and what the license says there, in the order of the format's documentation; what it does not say is left out.
pub(crate) fn rows(license: &License, claims: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let object = |name: &str| claims.get(name).and_then(Value::as_object);
    let inner = |name: &str| object(name).map(fields).unwrap_or_default();
    let check_in = license.check_in.and_then(|_| object("check_in"));
    let rows = [
        ("license id", license.id.clone()),
        ("customer", license.customer.clone()),
        ("product", license.product.clone()),
        ("kind", license.kind.clone()),
        ("plan", license.plan.clone()),
        ("sku", license.sku.clone()),
        ("starts", license.starts.map(show::moment).unwrap_or_default()),
        ("expires", license.expires.map_or_else(|| "never".to_owned(), show::moment)),
        ("grace", inner("grace")),
        ("maintenance", license.maintenance.map(|maintenance| show::moment(maintenance.until)).unwrap_or_default()),
        ("check-in", check_in.map(fields).unwrap_or_default()),
        ("requires", license.requires.join(", ")),
        ("supersedes", license.supersedes.join(", ")),
        ("scope", inner("scope")),
        ("features", license.features.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
        ("limits", object("limits").map(limits).unwrap_or_default()),
    ];
    rows.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// `tokens = 1000 (quota, reset month)`, each of them.
fn limits(limits: &Map<String, Value>) -> String {
    let limit = |(name, terms): (&String, &Value)| {
        let mut terms = terms.as_object().cloned().unwrap_or_default();
        let kind = terms.remove("kind").map(|kind| text(&kind)).unwrap_or_default();
        let max = terms.remove("max").map_or_else(String::new, |max| match max {
            Value::Null => "unlimited".to_owned(),
            max => text(&max),
        });
        let terms = fields(&terms);
        let comma = if terms.is_empty() { "" } else { ", " };
        format!("{name} = {max} ({kind}{comma}{terms})")
    };
    limits.iter().map(limit).collect::<Vec<_>>().join(", ")
}

/// `expiry 14d, validation 72h`.
fn fields(object: &Map<String, Value>) -> String {
    object.iter().map(|(name, value)| format!("{name} {}", text(value))).collect::<Vec<_>>().join(", ")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("|"),
        other => other.to_string(),
    }
}
