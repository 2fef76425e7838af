//! `placet report`: what an installation used, told to its vendor by files.

mod export;
mod verify;

use crate::output::Answer;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Export(export::Arguments),
    Verify(verify::Arguments),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    match command {
        Command::Export(arguments) => export::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
    }
}
