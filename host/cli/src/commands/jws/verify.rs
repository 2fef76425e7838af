//! `placet jws verify`.

use std::borrow::Cow;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use placet::Verifier;
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
/// each. Exit code 3 when a single token is refused.
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
    let verifier = component::verifier(&json!([])).context("the embedded policy does not run")?;
    match (&arguments.file, &arguments.jwk) {
        (Some(file), Some(jwk)) => one(&verifier, file, jwk),
        _ => batch(&verifier),
    }
}

fn one(verifier: &Verifier, file: &Path, jwk: &Path) -> anyhow::Result<Answer> {
    let document = files::read(file)?;
    let verified = verifier.verify_jws(document.trim_ascii(), &files::read_text(jwk)?).map_err(|error| {
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
    for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
        let line = line.context("standard input cannot be read")?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Row<'_>>(&line) {
            Ok(row) => answer(verifier, &row),
            Err(error) => refused(&Value::Null, &format!("line {number}: {error}")),
        };
        writeln!(out, "{answer}").context("standard output cannot be written")?;
    }
    Ok(Answer::document(""))
}

/// One line; token and key byte by byte as they stand there, so that nothing is mended on the way to the verifier.
#[derive(serde::Deserialize)]
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

fn refused(id: &Value, reason: &str) -> Value {
    json!({ "id": id, "accepted": false, "reason": reason, "payload": null })
}

/// The string, or the JSON of anything else.
fn text(value: &RawValue) -> Cow<'_, str> {
    serde_json::from_str(value.get()).map_or(Cow::Borrowed(value.get()), Cow::Owned)
}
