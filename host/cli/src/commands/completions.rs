//! `placet completions`: what a shell needs to complete our arguments.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::output::Answer;

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet completions bash > ~/.local/share/bash-completion/completions/placet
  placet completions zsh > ~/.zfunc/_placet")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Cli::command(), "placet", &mut script);
    Ok(Answer::document(String::from_utf8(script)?))
}
