//! `placet jws verify`.

use std::borrow::Cow;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use placet::{Placet, Verifier};
use placet_rules::base64url;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::{component, files, reasons};

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
        Problem::new(format!("`{}` is not a JWK", jwk.display()), help).because(error.to_string())
    })?;
    let verified = verifier.verify_jws(document.trim_ascii(), &key).map_err(|error| {
        let reason = error.reason().to_owned();
        let message = format!("`{}` is not verified", file.display());
        Problem::new(message, reasons::help(&reason)).because(error).refused(reason)
    })?;
    let payload = base64url::encode(&verified.payload);
    let rows = [
        ("signature", format!("valid ({})", verified.algorithm)),
        ("key", verified.key.clone()),
        ("payload", String::from_utf8(verified.payload).unwrap_or_else(|_| format!("{payload} (base64url)"))),
    ];
    let json = json!({ "accepted": true, "algorithm": verified.algorithm, "key": verified.key, "payload": payload });
    Ok(Answer::yes(table(&rows), json))
}

fn batch(verifier: &Verifier) -> anyhow::Result<Answer> {
    let mut out = std::io::stdout().lock();
    // Bytes, not text: a line that is no UTF-8 is refused like any other, and those after it are answered.
    for (number, line) in (1_u64..).zip(std::io::stdin().lock().split(b'\n')) {
        let line = line.context("standard input cannot be read")?;
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
            Err(error) => misread(number, &error),
        };
        writeln!(out, "{answer}").context("standard output cannot be written")?;
    }
    Ok(Answer::document(""))
}

/// What a line must be.
const ROW: &str = "a row is one JSON object with `id`, `token` and `key`";

/// One line; token and key byte by byte as they stand there, so that nothing is mended on the way to the verifier.
#[derive(serde::Deserialize)]
#[serde(expecting = "a row is one JSON object with `id`, `token` and `key`")]
struct Row<'a> {
    #[serde(default)]
    id: Value,
    #[serde(borrow)]
    token: &'a RawValue,
    #[serde(borrow)]
    key: &'a RawValue,
}

fn answer(verifier: &Verifier, row: &Row<'_>) -> Value {
    match verifier.verify_jws(text(row.token).as_bytes(), &text(row.key)) {
        Ok(verified) => {
            json!({ "id": row.id, "accepted": true, "reason": "", "payload": base64url::encode(&verified.payload) })
        }
        Err(error) => refused(&row.id, error.reason()),
    }
}

/// A line that is no row, and where it is wrong.
fn misread(number: u64, error: &str) -> Value {
    // The parser counts lines within the one that it was given.
    let error = error.replace(" at line 1 column ", " at column ");
    let mut answer = refused(&Value::Null, "json-invalid");
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("error".to_owned(), format!("line {number}: {error}").into());
    }
    answer
}

fn refused(id: &Value, reason: &str) -> Value {
    json!({ "id": id, "accepted": false, "reason": reason, "payload": null })
}

/// The string, or the JSON of anything else.
fn text(value: &RawValue) -> Cow<'_, str> {
    serde_json::from_str(value.get()).map_or(Cow::Borrowed(value.get()), Cow::Owned)
}
