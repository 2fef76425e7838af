//! `placet secret`: the secret that seals what an installation keeps.

mod rotate;

use crate::output::Answer;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Rotate(rotate::Arguments),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    let Command::Rotate(arguments) = command;
    rotate::run(arguments)
}
