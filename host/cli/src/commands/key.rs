//! `placet key`: the vendor's keys.

mod new;
mod show;

use crate::output::Answer;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    New(new::Arguments),
    Show(show::Arguments),
}

pub(crate) fn run(command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
    }
}
