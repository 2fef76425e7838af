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
    let undecided = checked(claims, of)?;
    let form = if signing.compact { Form::Compact } else { Form::Json };
    let private = PrivateKey::read(key)?;
    let license = keys::sign(claims, &private, signing.kid.as_deref(), form)?;
    let answer = match &signing.out {
        None => Answer::document(license),
        Some(out) => {
            files::write(out, license.as_bytes())?;
            if files::is_standard(out) { Answer::document("") } else { signed(out, &private, signing)? }
        }
    };
    Ok(warned(answer, &undecided))
}

fn signed(out: &Path, private: &PrivateKey, signing: &Signing) -> anyhow::Result<Answer> {
    let public = private.public()?;
    let kid = signing.kid.as_deref().unwrap_or(public.kid());
    let file = out.display().to_string();
    let text = table(&[("license", file.as_str()), ("key id", kid), ("algorithm", public.algorithm().as_str())]);
    Ok(Answer::yes(text, json!({ "file": file, "kid": kid, "alg": public.algorithm().as_str() })))
}

/// The claims that are fine and not decided yet.
fn checked(claims: &[u8], of: &str) -> Result<Vec<String>, Problem> {
    claims::check(claims).map_err(|wrong| {
        Problem::new(
            format!("{of} cannot be signed: {wrong}"),
            "mend the claims; `placet license new` writes some to start from",
        )
    })
}

/// The answer, with a warning where claims are not decided yet.
fn warned(answer: Answer, undecided: &[String]) -> Answer {
    if undecided.is_empty() {
        return answer;
    }
    let list = undecided.join(", ");
    answer
        .warn(format!("the policies of this release do not decide {list} yet: what these claims narrow does not hold"))
}
