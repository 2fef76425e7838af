//! Does an answer say what a case expects of it?

use serde_json::Value;

use crate::case::Moment;

/// Where the answer differs, none if it fits: an object may have more members than are expected, a list has as many elements, and a
/// time may be spelled as RFC 3339 does.
pub(crate) fn differences(expected: &Value, answer: &Value) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    compare("", expected, answer, &mut found);
    found.into_iter()
}

fn compare(path: &str, expected: &Value, answer: &Value, found: &mut Vec<String>) {
    let fits = match (expected, answer) {
        (Value::Object(members), Value::Object(_)) => {
            for (name, member) in members {
                compare(&format!("{path}.{name}"), member, answer.get(name).unwrap_or(&Value::Null), found);
            }
            true
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{path}[{index}]"), one, other, found);
            }
            true
        }
        (Value::String(_), Value::Number(number)) => {
            Moment::try_from(expected.clone()).ok().map(|moment| moment.0) == number.as_u64()
        }
        _ => expected == answer,
    };
    if !fits {
        found.push(format!("{path}: expected {expected}, found {answer}"));
    }
}
