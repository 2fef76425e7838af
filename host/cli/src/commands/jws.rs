//! `placet jws`: the cryptography alone.

mod verify;

use crate::output::Answer;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Verify(verify::Arguments),
}

pub(crate) fn run(command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
    }
}
