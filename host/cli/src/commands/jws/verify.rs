//! `placet jws verify`.

use std::borrow::Cow;
use std::io::{BufRead as _, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use placet::{Placet, Verifier};
use placet_rules::base64url;
use serde_json::json;
use serde_json::value::RawValue;

use crate::output::{Answer, table, unprinted};
use crate::problem::Problem;
use crate::{component, files};

/// Verify the signature of a JWS against a public JWK, inside the policy component
///
/// Says nothing about what the payload means. With `--batch`, JSON lines {"id","token","key"} are read from standard input (the
/// token a string or a JWS JSON object, the key a public JWK), and one line {"id","accepted","reason","payload"} is written for
/// each; with an "error" where the line itself is none of these. Exit code 3 when a single token is refused.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet jws verify token.jws --jwk key.json
  placet jws verify --batch < tokens.jsonl")]
pub(crate) struct Arguments {
    /// The token; `-` for standard input
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    file: Option<PathBuf>,
    /// The public key
    #[arg(long, value_name = "FILE", required_unless_present = "batch", conflicts_with = "batch")]
    jwk: Option<PathBuf>,
    /// Read many tokens from standard input
    #[arg(long)]
    batch: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let verifier = component::verifier(&json!([]), &Placet::builder()).context("the embedded policy does not run")?;
    match (&arguments.file, &arguments.jwk) {
        (Some(file), Some(jwk)) => one(&verifier, file, jwk),
        _ => batch(&verifier),
    }
}

fn one(verifier: &Verifier, file: &Path, jwk: &Path) -> anyhow::Result<Answer> {
    let document = files::read(file)?;
    let key = files::read_text(jwk)?;
    placet_rules::json::parse(key.as_bytes()).map_err(|error| {
        let help = "give a public key as a JWK; `placet key show --format json` shows that of a key in PEM";
        Problem::of("key-unfit", format!("`{}` is not a JWK", jwk.display())).with_help(help).because(error.to_string())
    })?;
    let verified = verifier.verify_jws(document.trim_ascii(), &key).map_err(|error| {
        Problem::of(error.reason(), format!("`{}` is not verified", file.display())).because(error).refused()
    })?;
    let payload = base64url::encode(&verified.payload);
    let rows = [
        ("signature", format!("valid ({})", verified.algorithm)),
        ("key", verified.key.clone()),
        ("payload", shown(&verified.payload).unwrap_or_else(|| format!("{payload} (base64url)"))),
    ];
    let json = json!({ "accepted": true, "algorithm": verified.algorithm, "key": verified.key, "payload": payload });
    Ok(Answer::yes(table(&rows), json))
}

/// A payload that is text, in one line: JSON without what stands between its parts.
fn shown(payload: &[u8]) -> Option<String> {
    match placet_rules::json::parse(payload) {
        Ok(json) => Some(json.to_string()),
        Err(_) => std::str::from_utf8(payload).ok().map(|text| text.trim_end().to_owned()),
    }
}

fn batch(verifier: &Verifier) -> anyhow::Result<Answer> {
    let mut out = std::io::stdout().lock();
    // Bytes, not text: a line that is no UTF-8 is refused like any other, and those after it are answered.
    for (number, line) in (1_u64..).zip(std::io::stdin().lock().split(b'\n')) {
        let line = line.map_err(|error| Problem::of("io", "standard input cannot be read").because(error))?;
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let row = if line.starts_with(b"{") {
            serde_json::from_slice(line).map_err(|error| error.to_string())
        } else {
            Err(ROW.to_owned())
        };
        let answer = match row {
            Ok(row) => answer(verifier, &row),
            Err(error) => misread(number, line, &error),
        };
        match writeln!(out, "{}", serde_json::to_string(&answer)?) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            written => written.map_err(unprinted)?,
        }
    }
    Ok(Answer::document(""))
}

/// What a line must be.
const ROW: &str = "a row is one JSON object with `id`, `token` and `key`";

/// One line; token and key byte by byte as they stand there, so that nothing is mended on the way to the verifier.
#[derive(serde::Deserialize)]
#[serde(expecting = "a row is one JSON object with `id`, `token` and `key`")]
struct Row<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    token: &'a RawValue,
    #[serde(borrow)]
    key: &'a RawValue,
}

/// What is known of a line that is no row.
#[derive(serde::Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// The answer to a line. The id is told as it was given: a large number is not rounded.
#[derive(serde::Serialize)]
struct Answered<'a> {
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    id: Option<&'a RawValue>,
    payload: Option<String>,
    reason: String,
}

fn answer<'a>(verifier: &Verifier, row: &Row<'a>) -> Answered<'a> {
    match verifier.verify_jws(text(row.token).as_bytes(), &text(row.key)) {
        Ok(verified) => {
            let payload = Some(base64url::encode(&verified.payload));
            Answered { accepted: true, error: None, id: row.id, payload, reason: String::new() }
        }
        Err(error) => refused(row.id, error.reason()),
    }
}

/// A line that is no row, and where it is wrong.
fn misread<'a>(number: u64, line: &'a [u8], error: &str) -> Answered<'a> {
    let named: Option<Named<'a>> = if line.starts_with(b"{") { serde_json::from_slice(line).ok() } else { None };
    // The parser counts lines within the one that it was given.
    let error = error.replace(" at line 1 column ", " at column ");
    Answered {
        error: Some(format!("line {number}: {error}")),
        ..refused(named.and_then(|named| named.id), "json-invalid")
    }
}

fn refused<'a>(id: Option<&'a RawValue>, reason: &str) -> Answered<'a> {
    Answered { accepted: false, error: None, id, payload: None, reason: reason.to_owned() }
}

/// The string, or the JSON of anything else.
fn text(value: &RawValue) -> Cow<'_, str> {
    serde_json::from_str(value.get()).map_or(Cow::Borrowed(value.get()), Cow::Owned)
}
