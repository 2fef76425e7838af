//! `placet audit`: what happened to an installation.

mod verify;

pub(crate) use self::verify::{MISSING, lacks_beginning, read};
use crate::output::Answer;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Verify(verify::Arguments),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    let Command::Verify(arguments) = command;
    verify::run(arguments)
}
