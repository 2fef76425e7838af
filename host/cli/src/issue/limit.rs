//! One limit as an argument: `tokens=quota:1000000,reset=month`.

use serde_json::{Map, Value};

use super::dates;

/// Kinds of limits (an open set for the rules; what is issued here is one that they know).
const KINDS: [&str; 4] = ["quota", "gauge", "rate", "seats"];

/// What may follow the maximum, and the form of its value.
const OPTIONS: [(&str, Form); 15] = [
    ("account", Form::Text),
    ("allowance", Form::AmountOrPercent),
    ("anchor", Form::AmountOrText),
    ("burst", Form::Amount),
    ("enforce", Form::OneOf(&["hard", "soft", "overage", "meter"])),
    ("every", Form::Length),
    ("per", Form::OneOf(&["tenant"])),
    ("refund", Form::Flag),
    ("reset", Form::OneOf(&["day", "week", "month", "quarter", "year"])),
    ("rollover", Form::Amount),
    ("slack", Form::Amount),
    ("term", Form::Length),
    ("ttl", Form::Length),
    ("warn", Form::Amount),
    ("zone", Form::Text),
];

#[derive(Clone, Copy)]
enum Form {
    Amount,
    AmountOrText,
    AmountOrPercent,
    Flag,
    Length,
    OneOf(&'static [&'static str]),
    Text,
}

/// A limit by its name, with the claims that a license has for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) claims: Map<String, Value>,
}

impl std::str::FromStr for Limit {
    type Err = String;

    /// Reads `name=kind:max[,option[=value]…]`; the maximum is a number or `unlimited`.
    fn from_str(text: &str) -> Result<Self, String> {
        let usage =
            || format!("`{text}`: write name=kind:max, such as tokens=quota:1000000 or objects=gauge:50000,per=tenant");
        let (name, terms) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(usage)?;
        let mut terms = terms.split(',');
        let (kind, max) = terms.next().and_then(|first| first.split_once(':')).ok_or_else(usage)?;
        if !KINDS.contains(&kind) {
            return Err(format!("`{kind}` is no kind of limit: write one of {}", KINDS.join(", ")));
        }
        let max = match max {
            "unlimited" => Value::Null,
            number => amount(number)
                .ok_or_else(|| format!("`{number}` is no maximum: write a whole number or `unlimited`"))?,
        };
        let mut claims = Map::from_iter([("kind".to_owned(), kind.into()), ("max".to_owned(), max)]);
        for term in terms {
            let (option, value) = option(term)?;
            if claims.insert(option.to_owned(), value).is_some() {
                return Err(format!("`{option}` is given twice for the limit `{name}`"));
            }
        }
        Ok(Self { name: name.to_owned(), claims })
    }
}

fn option(term: &str) -> Result<(&str, Value), String> {
    let (name, value) = term.split_once('=').map_or((term, None), |(name, value)| (name, Some(value)));
    let form = form(name).ok_or_else(|| {
        let names: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
        format!("`{name}` is no option of a limit: write one of {}", names.join(", "))
    })?;
    let read = match (form, value) {
        (Form::Flag, None | Some("true")) => Some(true.into()),
        (Form::Flag, Some("false")) => Some(false.into()),
        (Form::Amount, Some(value)) => amount(value),
        (Form::AmountOrText, Some(value)) if !value.is_empty() => amount(value).or_else(|| Some(value.into())),
        (Form::AmountOrPercent, Some(value)) => match value.strip_suffix('%') {
            Some(percent) => amount(percent).map(|_| value.into()),
            None => amount(value),
        },
        (Form::Length, Some(value)) => dates::length(value).ok().map(Value::from),
        (Form::OneOf(values), Some(value)) => values.contains(&value).then(|| value.into()),
        (Form::Text, Some(value)) if !value.is_empty() => Some(value.into()),
        _ => None,
    };
    let expected = match form {
        Form::Amount => "=NUMBER".to_owned(),
        Form::AmountOrPercent => "=NUMBER or =NUMBER%".to_owned(),
        Form::AmountOrText => "=NUMBER or =TEXT".to_owned(),
        Form::Flag => String::new(),
        Form::Length => "=TIME, such as 10m or 30d".to_owned(),
        Form::OneOf(values) => format!("={}", values.join("|")),
        Form::Text => "=VALUE".to_owned(),
    };
    read.map(|value| (name, value)).ok_or_else(|| format!("`{term}`: write {name}{expected}"))
}

fn form(name: &str) -> Option<Form> {
    OPTIONS.iter().find(|(option, _)| *option == name).map(|(_, form)| *form)
}

/// A whole number of a u64, in digits alone.
fn amount(text: &str) -> Option<Value> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok().map(Value::from)).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(text: &str) -> Value {
        Value::Object(text.parse::<Limit>().unwrap().claims)
    }

    #[test]
    fn a_limit_is_read_with_its_options() {
        assert_eq!(claims("tokens=quota:1000000"), json!({"kind": "quota", "max": 1_000_000}));
        assert_eq!(claims("x=quota:9,anchor=31"), json!({"kind": "quota", "max": 9, "anchor": 31}));
        assert_eq!(claims("x=quota:9,anchor=07-01"), json!({"kind": "quota", "max": 9, "anchor": "07-01"}));
        assert_eq!(claims("x=quota:unlimited,refund"), json!({"kind": "quota", "max": null, "refund": true}));
        assert_eq!(
            claims("t=quota:18446744073709551615,per=tenant,reset=month,zone=America/New_York,allowance=10%"),
            json!({"kind": "quota", "max": u64::MAX, "per": "tenant", "reset": "month", "zone": "America/New_York", "allowance": "10%"})
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("tokens", "name=kind:max"),
            ("=quota:1", "name=kind:max"),
            ("tokens=quota", "name=kind:max"),
            ("tokens=quotas:1", "quota, gauge, rate, seats"),
            ("tokens=quota:1.5", "whole number"),
            ("tokens=quota:-1", "whole number"),
            ("tokens=quota:18446744073709551616", "whole number"),
            ("tokens=quota:1,tenant", "account, allowance"),
            ("tokens=quota:1,slack", "slack=NUMBER"),
            ("tokens=quota:1,per=tenant,per=tenant", "twice"),
            ("tokens=quota:1,per=planet", "per=tenant"),
            ("tokens=quota:1,reset=fortnight", "reset=day|week|month|quarter|year"),
            ("tokens=rate:1,every=1y", "every=TIME"),
        ] {
            let error = text.parse::<Limit>().unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
