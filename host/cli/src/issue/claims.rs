//! Checks claims before they are signed: what a policy would refuse is not to leave the vendor.

use placet_rules::claims::{self, Origin};
use placet_rules::json;
use placet_rules::refusal::Refusal;
use serde_json::Value;

use super::summary;

/// Claims that a policy takes.
#[derive(Debug)]
pub(crate) struct Checked {
    /// What may be told of them.
    pub(crate) summary: Vec<(&'static str, String)>,
    /// Claims that are fine and that the policies of this release do not decide yet, so that what they narrow does not hold.
    pub(crate) undecided: Vec<String>,
}

/// Claims that no policy takes.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// From the table of reasons.
    pub(crate) reason: String,
    /// What is wrong, and where.
    pub(crate) text: String,
}

impl Wrong {
    fn claim(text: String) -> Self {
        Self { reason: "claim-invalid".to_owned(), text }
    }
}

/// Checks that a payload is one JSON object that is read the same way by everyone (no key twice, 32 levels at most, 1 MiB at most,
/// every number a whole one), and that a policy takes each of its claims.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn check(payload: &[u8]) -> Result<Checked, Wrong> {
    let value =
        json::parse(payload).map_err(|error| Wrong { reason: error.reason().to_owned(), text: error.to_string() })?;
    let Some(claims) = value.as_object().cloned() else {
        return Err(Wrong::claim("claims are one JSON object".to_owned()));
    };
    if let Some(path) = fraction(&value, "") {
        return Err(Wrong::claim(format!("`{path}` is no whole number from 0 to 18446744073709551615")));
    }
    let features = unknown_features(&value);
    // Where a license comes from decides nothing about its claims.
    let origin =
        Origin { document: String::new(), key: String::new(), algorithm: String::new(), payload_hash: [0; 32] };
    let license = claims::read(value, origin).map_err(|refusal| refused(&refusal))?.license;
    let limits = license.limits.iter().flat_map(|(name, terms)| {
        terms.undecided.iter().map(move |why| match why.split_once('=') {
            Some((claim, value)) => format!("`limits.{name}.{claim}` = {value}"),
            None => format!("`limits.{name}.{why}`"),
        })
    });
    let whole = license.undecided.iter().map(|claim| format!("`{claim}`"));
    let undecided = whole.chain(features).chain(limits).collect();
    Ok(Checked { summary: summary::rows(&license, &claims), undecided })
}

/// The claim that a policy would refuse, and what it must be.
fn refused(refusal: &Refusal) -> Wrong {
    let claim = refusal.details.iter().find(|detail| detail.name == "claim").map_or("", |detail| &*detail.value);
    let path: Vec<&str> = claim.split('.').collect();
    let form = match path.as_slice() {
        ["exp"] => "seconds since 1970, later than `nbf`; a trial and `ends` need it",
        ["iat"] => "seconds since 1970; `check_in` needs it",
        ["zone"] => "an IANA time zone, such as \"Europe/Berlin\"",
        ["maintenance", "by"] => "\"release-date\", or \"version\" beside `scope.versions`",
        ["scope", "versions"] => "a range of semantic versions, such as \">=2, <4\"",
        ["nbf"] | ["maintenance", "until"] | ["features", _, .., "expires"] => "seconds since 1970",
        ["features" | "limits" | "grace" | "warn" | "scope" | "metadata" | "maintenance" | "check_in"] => "an object",
        ["features", _] => "true, false or an object, under a name of 1 to 128 bytes",
        ["limits", _] => "an object, under a name of 1 to 128 bytes",
        ["limits", _, .., "max"] => "a whole number, or null for unlimited",
        ["limits", _, .., "warn"] | ["warn", "usage"] => "a whole number from 1 to 100",
        ["limits", _, .., "slack" | "burst"] | ["min_policy"] => "a whole number",
        ["limits", _, .., "every"] => "a length of time in text, such as \"1s\"; a rate needs it",
        ["limits", _, .., "refund"] => "true or false",
        ["jti"] | ["limits", _, .., "account"] => "text of 1 to 128 bytes",
        ["grace" | "check_in", _] | ["warn", "expiring"] => "a length of time in text, such as \"14d\" or \"72h\"",
        ["scope", "match"] | ["ends"] => "text",
        ["aud"] => "text, or a list of texts that is not empty",
        ["supersedes"] => "a list of texts",
        ["scope", _] | ["requires"] => "a list of texts that is not empty",
        ["limits", ..] | ["iss" | "sub" | "customer" | "plan" | "sku" | "kind"] => "text",
        _ => "of the form that docs/license-format.md gives",
    };
    Wrong { reason: refusal.reason.clone(), text: format!("no policy would take `{claim}`, which must be {form}") }
}

/// Features that no policy of this release grants, for their value is of a type that it does not know.
fn unknown_features(claims: &Value) -> Vec<String> {
    let features = claims.get("features").and_then(Value::as_object).into_iter().flatten();
    let unknown = features.filter(|(_, value)| !value.is_boolean() && !value.is_object());
    unknown.map(|(name, _)| format!("`features.{name}`")).collect()
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
        let claims = br#"{"exp":1798761600,"limits":{"tokens":{"kind":"quota","max":18446744073709551615}}}"#;
        assert_eq!(check(claims).unwrap().undecided, [""; 0]);
        for (claims, word) in [
            (r#"{"limits":{"tokens":{"max":1.5}}}"#, "limits.tokens.max"),
            (r#"{"a":[1,-1]}"#, "a[1]"),
            (r#"{"a":18446744073709551616}"#, "`a`"),
            (r#"{"a":1,"a":1}"#, "twice"),
            (r#"["a"]"#, "object"),
            ("{", "line 1"),
        ] {
            let error = check(claims.as_bytes()).unwrap_err().text;
            assert!(error.contains(word), "{claims}: {error}");
        }
    }

    #[test]
    fn what_a_policy_would_refuse_is_named_with_its_form() {
        for (claims, words) in [
            (r#"{"exp":"2027"}"#, "`exp`, which must be seconds"),
            (r#"{"exp":null}"#, "`exp`"),
            (r#"{"nbf":20,"exp":10}"#, "later than `nbf`"),
            (r#"{"kind":"trial"}"#, "`exp`, which must be seconds"),
            (r#"{"exp":1,"ends":"day","zone":"Mars/Olympus"}"#, "`zone`, which must be an IANA"),
            (r#"{"maintenance":{"until":1,"by":"version"}}"#, "beside `scope.versions`"),
            (r#"{"check_in":{"every":"90d"}}"#, "`check_in` needs it"),
            (r#"{"scope":{"versions":"two"}}"#, "a range of semantic versions"),
            (r#"{"requires":[]}"#, "`requires`, which must be a list"),
            (r#"{"grace":{"expiry":14}}"#, "`grace.expiry`, which must be a length of time"),
            (r#"{"limits":{"t":{"kind":"quota"}}}"#, "`limits.t.max`, which must be a whole number, or null"),
            (r#"{"limits":{"t":{"kind":"rate","max":5}}}"#, "`limits.t.every`, which must be a length of time"),
            (r#"{"limits":{"t":{"kind":"rate","max":5,"every":"0s"}}}"#, "a rate needs it"),
            (
                r#"{"limits":{"t":{"kind":"rate","max":5,"every":"1s","burst":"5"}}}"#,
                "`limits.t.burst`, which must be a whole",
            ),
            (r#"{"limits":{"t":{"max":5}}}"#, "`limits.t.kind`"),
            (r#"{"limits":{"t":5}}"#, "`limits.t`"),
            (r#"{"limits":[]}"#, "`limits`, which must be an object"),
            (r#"{"features":{"":true}}"#, "`features.`"),
            (r#"{"scope":{"hosts":[]}}"#, "`scope.hosts`, which must be a list"),
            (r#"{"jti":""}"#, "`jti`"),
        ] {
            let error = check(claims.as_bytes()).unwrap_err().text;
            assert!(error.contains(words), "{claims}: {error}");
        }
    }

    #[test]
    fn what_is_not_decided_yet_is_named() {
        let claims = br#"{"ends":"week","features":{"sso":true,"x":1},
            "limits":{"r":{"kind":"rate","max":null,"burst":1},"q":{"kind":"quota","max":1,"moon":5},"w":{"kind":"wallet"}}}"#;
        let expected = ["`ends`", "`features.x`", "`limits.q.moon`", "`limits.r.burst`", "`limits.w.kind` = wallet"];
        assert_eq!(check(claims).unwrap().undecided, expected);
    }
}
