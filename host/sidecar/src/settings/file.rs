//! The configuration file: YAML, read as the arguments that say the same.

use std::ffi::OsString;

use clap::ArgAction;
use serde::Deserialize;
use serde_json::Value;

use super::keys;

/// What the configuration file says of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The key, which is the id of its argument.
    pub key: String,
    /// The arguments that say it, each whole: `--license-path=/etc/acme`.
    pub arguments: Vec<OsString>,
}

/// The configuration file is wrong. Whose fault: whoever wrote it. It never shows a value: one may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not YAML, or not one mapping.
    #[error("line {line}, column {column}: it is not YAML as it is expected here: a mapping of keys, each once")]
    Syntax {
        /// From 1 on; 0 where it is not known.
        line: u64,
        /// From 1 on; 0 where it is not known.
        column: u64,
    },
    /// It has a key that there is not.
    #[error("there is no key `{key}`{}", .nearest.as_ref().map_or_else(
        || "; `placet serve --print-config` shows all keys".to_owned(),
        |nearest| format!("; did you mean `{nearest}`?"),
    ))]
    UnknownKey {
        /// As it is written, with the keys above it.
        key: String,
        /// The key that is most like it, where one is enough.
        nearest: Option<String>,
    },
    /// A key has a list or mapping for which there is no meaning.
    #[error("`{0}` has a value of a form that it cannot have; `placet serve --print-config` shows its form")]
    Form(String),
}

/// Reads a configuration file. A key without a value (`key:`) is as good as none.
///
/// # Errors
///
/// [`ConfigError`]. Values are not looked at: whoever parses the arguments does.
pub fn given(text: &str) -> Result<Vec<Given>, ConfigError> {
    let command = keys();
    let mut found = Vec::new();
    for (key, value) in flattened(&command, parse(text)?)? {
        let argument = command.get_arguments().find(|argument| argument.get_id() == key.as_str());
        let Some(flag) = argument.and_then(clap::Arg::get_long) else {
            let nearest = nearest(&command, &key);
            return Err(ConfigError::UnknownKey { key, nearest });
        };
        let values =
            argument.and_then(|argument| texts(argument, &value)).ok_or_else(|| ConfigError::Form(key.clone()))?;
        let arguments = values.into_iter().map(|value| format!("--{flag}={value}").into()).collect();
        found.push(Given { key, arguments });
    }
    Ok(found)
}

fn parse(text: &str) -> Result<Vec<(String, Value)>, ConfigError> {
    // An error as it is displayed has lines of the file in it.
    let syntax = |error: &serde_saphyr::Error| {
        let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
        ConfigError::Syntax { line, column }
    };
    let parsed: Option<Mapping> = serde_saphyr::from_str(text).map_err(|error| syntax(&error))?;
    Ok(parsed.map_or_else(Vec::new, |mapping| mapping.0.into_iter().collect()))
}

/// The parser refuses a key that stands twice.
#[derive(Deserialize)]
struct Mapping(serde_json::Map<String, Value>);

/// The values with their keys joined by dots, down to the keys that there are.
fn flattened(command: &clap::Command, entries: Vec<(String, Value)>) -> Result<Vec<(String, Value)>, ConfigError> {
    let mut flat = Vec::new();
    let mut open = entries;
    while let Some((key, value)) = open.pop() {
        let is_key = command.get_arguments().any(|argument| argument.get_id() == key.as_str());
        match value {
            Value::Null => {}
            Value::Object(inner) if !is_key => {
                if inner.is_empty() && !is_prefix(command, &key) {
                    return Err(ConfigError::UnknownKey { nearest: nearest(command, &key), key });
                }
                open.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            value => flat.push((key, value)),
        }
    }
    flat.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(flat)
}

fn is_prefix(command: &clap::Command, key: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_id().as_str().starts_with(&format!("{key}.")))
}

/// One text for a scalar; where there may be several, one for each element of a list; and where these have names, `NAME=VALUE` for each entry of
/// a mapping. None: it is of another form.
fn texts(argument: &clap::Arg, value: &Value) -> Option<Vec<String>> {
    let is_list = matches!(argument.get_action(), ArgAction::Append);
    let is_named = || argument.get_value_names().is_some_and(|names| names.iter().any(|name| name.contains('=')));
    match value {
        Value::Array(values) if is_list => values.iter().map(scalar).collect(),
        Value::Object(entries) if is_list && is_named() => {
            entries.iter().map(|(name, value)| Some(format!("{name}={}", scalar(value)?))).collect()
        }
        value => Some(vec![scalar(value)?]),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The key that is most like this one, where one is enough.
fn nearest(command: &clap::Command, key: &str) -> Option<String> {
    let likeness = |candidate: &str| {
        // Often the right name stands at the wrong place.
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        strsim::jaro(key, candidate).max(0.9 * strsim::jaro(&last(key), &last(candidate)))
    };
    let ids = command.get_arguments().map(|argument| argument.get_id().as_str());
    most_like(ids.map(|id| (likeness(id), id))).map(ToOwned::to_owned)
}

/// What is most like something, where it is enough so that it may be meant.
pub(super) fn most_like<'a>(candidates: impl Iterator<Item = (f64, &'a str)>) -> Option<&'a str> {
    const ENOUGH: f64 = 0.8;
    let most = candidates.max_by(|(one, _), (other, _)| one.total_cmp(other));
    most.filter(|(likeness, _)| *likeness >= ENOUGH).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        let given = given(text).unwrap();
        given.into_iter().flat_map(|given| given.arguments).map(|argument| argument.into_string().unwrap()).collect()
    }

    fn error(text: &str) -> String {
        given(text).unwrap_err().to_string()
    }

    #[test]
    fn nested_and_dotted_keys_are_the_same_and_lists_and_mappings_are_several() {
        let nested =
            "license:\n  path: [a.json, b]\n  token:\nfacts:\n  environment: production\nlimits: {connections: 7}\n";
        let dotted = "license.path: [a.json, b]\nfacts: [environment=production]\nlimits.connections: 7\n";
        let expected =
            ["--fact=environment=production", "--license-path=a.json", "--license-path=b", "--limits-connections=7"];
        assert_eq!(arguments(nested), expected);
        assert_eq!(arguments(dotted), expected);
        for nothing in ["", "# nothing\n", "license:\n", "license: {}\n"] {
            assert!(arguments(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn a_wrong_key_names_the_nearest_right_one() {
        for (wrong, right) in [
            ("licence: {path: x}", "license.path"),
            ("license: {recheck: 1h}", "license.recheck_interval"),
            ("license: {state_paht: x}", "license.state_path"),
            ("state_path: x", "license.state_path"),
            ("on-no-license: exit", "on_no_license"),
            ("failmode: closed", "fail_mode"),
            ("limits: {max_connections: 5}", "limits.connections"),
            ("listen: {}\nlistn: {}", "listen.unix"),
        ] {
            assert!(error(wrong).contains(&format!("did you mean `{right}`?")), "{wrong}: {}", error(wrong));
        }
        for unlike in ["port: 1", "database: {url: x}", "x: 1"] {
            assert!(error(unlike).contains("--print-config"), "{unlike}: {}", error(unlike));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_without_its_value() {
        for text in [
            "license.token: TEST-secret\nlicense.token: TEST-secret",
            "a: [TEST-secret",
            "- TEST-secret",
            "TEST-secret",
            "a: b\n\tTEST-secret",
        ] {
            let error = error(text);
            assert!(error.starts_with("line ") && !error.contains("TEST"), "{text}: {error}");
        }
        for (text, key) in [
            ("license: {path: {typo: TEST-secret}}", "license.path"),
            ("license: {token: {a: TEST-secret}}", "license.token"),
            ("ready: {when_expired: [false]}", "ready.when_expired"),
            ("facts: [{a: TEST-secret}]", "facts"),
        ] {
            assert_eq!(given(text), Err(ConfigError::Form(key.to_owned())));
        }
        assert_eq!(given("license: {token: [[TEST-secret]]}"), Err(ConfigError::Form("license.token".to_owned())));
    }

    #[test]
    fn a_file_that_explodes_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = level - 1;
            text.push_str(&format!(
                "a{level}: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}]\n"
            ));
        }
        assert!(given(&text).is_err());
        assert!(given(&"[".repeat(100_000)).is_err());
    }
}
