//! `placet token`: who may ask `placet serve`.

mod new;

use crate::output::Answer;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    New(new::Arguments),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    let Command::New(arguments) = command;
    new::run(arguments)
}
