//! `placet license`: what a vendor issues.

mod new;
mod sign;
mod verify;

use std::path::Path;

use placet_rules::notices::Kind;

use super::signing::Signing;
use crate::issue::claims;
use crate::output::Answer;
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

/// Checks claims, signs the bytes as they are and hands them out.
fn issue(claims: &[u8], of: &str, key: &Path, signing: &Signing) -> anyhow::Result<Answer> {
    let undecided = checked(claims, of)?;
    Ok(warned(signing.sign(claims, Kind::License, key)?, &undecided))
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
