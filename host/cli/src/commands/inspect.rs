//! `placet inspect`.

use std::path::PathBuf;

use placet_rules::{base64url, json};
use serde_json::Value;

use crate::files;
use crate::output::{Answer, printable, table};
use crate::problem::Problem;

/// Show what a license says, without checking who signed it
///
/// Needs no policy and no state. The signature is not shown. To learn whether a license is genuine: `placet license verify`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet inspect license.json
  echo \"$PLACET_LICENSE_TOKEN\" | placet inspect - --format json")]
pub(crate) struct Arguments {
    /// The license; `-` for standard input
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let document = files::read(&arguments.file)?;
    let (header, claims) = peek(&document).ok_or_else(|| {
        let message = format!("`{}` is no license: neither a compact JWS nor one in JSON", arguments.file.display());
        Problem::new(message, "give a license.json or a token, as `placet license sign` writes them")
    })?;
    let field = |value: &Value, name: &str| value.get(name).map(shown).unwrap_or_default();
    let rows = [
        ("signature", "not checked (see `placet license verify`)".to_owned()),
        ("algorithm", field(&header, "alg")),
        ("key id", field(&header, "kid")),
    ];
    let claims_text = printable(&serde_json::to_string_pretty(&claims)?);
    let json = serde_json::json!({ "verified": false, "header": header, "claims": claims });
    Ok(Answer::yes(format!("{}{claims_text}\n", table(&rows)), json))
}

/// Protected header and payload of a JWS, neither of them verified.
pub(crate) fn peek(document: &[u8]) -> Option<(Value, Value)> {
    let text = std::str::from_utf8(document).ok()?.trim();
    let (header, payload) = if text.starts_with('{') {
        let jws = json::parse(text.as_bytes()).ok()?;
        let signed = jws.get("signatures").and_then(|signatures| signatures.get(0)).unwrap_or(&jws);
        (signed.get("protected")?.as_str()?.to_owned(), jws.get("payload")?.as_str()?.to_owned())
    } else {
        let mut parts = text.split('.');
        (parts.next()?.to_owned(), parts.next()?.to_owned())
    };
    let part = |part: &str| json::parse(&base64url::decode(part).ok()?).ok();
    Some((part(&header)?, part(&payload)?))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
