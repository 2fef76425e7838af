//! Checks claims before they are signed: what a policy would refuse is not to leave the vendor.

use placet_rules::json;
use serde_json::Value;

/// Checks that a payload is one JSON object that is read the same way by everyone: no key twice, 32 levels at most, 1 MiB at
/// most, and every number a whole one.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn check(payload: &[u8]) -> Result<(), String> {
    let claims = json::parse(payload).map_err(|error| error.to_string())?;
    if !claims.is_object() {
        return Err("claims are one JSON object".to_owned());
    }
    match fraction(&claims, "") {
        Some(path) => Err(format!("`{path}` is no whole number from 0 to 18446744073709551615")),
        None => Ok(()),
    }
}

/// The path of the first number that is no u64.
fn fraction(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::Number(number) if !number.is_u64() => Some(path.to_owned()),
        Value::Array(items) => {
            (0..).zip(items).find_map(|(index, item): (usize, _)| fraction(item, &format!("{path}[{index}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            let dot = if path.is_empty() { "" } else { "." };
            fraction(field, &format!("{path}{dot}{name}"))
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_and_single_keys_are_signed() {
        assert_eq!(
            check(br#"{"exp":1798761600,"limits":{"tokens":{"kind":"quota","max":18446744073709551615}}}"#),
            Ok(())
        );
        for (claims, word) in [
            (r#"{"limits":{"tokens":{"max":1.5}}}"#, "limits.tokens.max"),
            (r#"{"a":[1,-1]}"#, "a[1]"),
            (r#"{"a":18446744073709551616}"#, "`a`"),
            (r#"{"a":1,"a":1}"#, "twice"),
            (r#"["a"]"#, "object"),
            ("{", "line 1"),
        ] {
            let error = check(claims.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{claims}: {error}");
        }
    }
}
