//! `placet license`: what a vendor issues.

mod new;
mod rollback;
mod sign;
mod templates;
pub(crate) mod verify;

use std::path::Path;

use placet_rules::notices::Kind;
use serde_json::Map;

use super::signing::Signing;
use crate::issue::claims::{self, Checked};
use crate::output::{Answer, table};
use crate::problem::Problem;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    New(Box<new::Arguments>),
    Templates(templates::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Rollback(Box<rollback::Arguments>),
}

pub(crate) fn run(command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Templates(arguments) => Ok(templates::run(&arguments)),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
    }
}

/// Checks claims, signs the bytes as they are, hands them out and tells what was issued.
fn issue(claims: &[u8], of: &str, key: &Path, signing: &Signing) -> anyhow::Result<Answer> {
    let checked = checked(claims, of)?;
    Ok(told(signing.sign(claims, Kind::License, key)?, &checked))
}

/// The claims, as a policy reads them.
fn checked(claims: &[u8], of: &str) -> Result<Checked, Problem> {
    claims::check(claims).map_err(|wrong| {
        Problem::of(wrong.reason, format!("{of} cannot be signed: {}", wrong.text))
            .with_help("mend the claims; `placet license new` writes some to start from")
    })
}

/// The answer with the summary of what was written to a file, and a warning where claims are not decided yet.
fn told(answer: Answer, checked: &Checked) -> Answer {
    let summary: Map<_, _> =
        checked.summary.iter().map(|(name, value)| (name.replace([' ', '-'], "_"), value.as_str().into())).collect();
    let answer = answer.beside(&format!("\n{}", table(&checked.summary)), "summary", summary.into());
    if checked.undecided.is_empty() {
        return answer;
    }
    let list = checked.undecided.join(", ");
    answer
        .warn(format!("the policies of this release do not decide {list} yet: what these claims narrow does not hold"))
}
