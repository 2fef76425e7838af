//! `placet license`: what a vendor issues.

mod new;
mod sign;
mod verify;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::files;
use crate::issue::claims;
use crate::keys::{self, Form, PrivateKey};
use crate::output::{Answer, table};
use crate::problem::Problem;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    New(Box<new::Arguments>),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
}

pub(crate) fn run(command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    }
}

/// How a license is signed, and where it goes.
#[derive(Debug, clap::Args)]
struct Signing {
    /// Name of the key in the license; its thumbprint unless told otherwise. The policy must trust the key under that name
    #[arg(long, value_name = "ID", requires = "key")]
    kid: Option<String>,
    /// Write a compact token, which fits an environment variable, instead of license.json
    #[arg(long, requires = "key")]
    compact: bool,
    /// Where to write; standard output unless told otherwise
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Checks claims, signs the bytes as they are and hands them out.
fn issue(claims: &[u8], of: &str, key: &Path, signing: &Signing) -> anyhow::Result<Answer> {
    claims::check(claims).map_err(|wrong| {
        Problem::new(
            format!("{of} cannot be signed: {wrong}"),
            "mend the claims; `placet license new` writes some to start from",
        )
    })?;
    let form = if signing.compact { Form::Compact } else { Form::Json };
    let private = PrivateKey::read(key)?;
    let license = keys::sign(claims, &private, signing.kid.as_deref(), form)?;
    let Some(out) = &signing.out else { return Ok(Answer::document(license)) };
    files::write(out, license.as_bytes())?;
    if files::is_standard(out) {
        return Ok(Answer::document(""));
    }
    let public = private.public()?;
    let kid = signing.kid.as_deref().unwrap_or(public.kid());
    let file = out.display().to_string();
    let text = table(&[("license", file.as_str()), ("key id", kid), ("algorithm", public.algorithm().as_str())]);
    Ok(Answer::yes(text, json!({ "file": file, "kid": kid, "alg": public.algorithm().as_str() })))
}
