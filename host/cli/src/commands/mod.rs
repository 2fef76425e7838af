//! The commands, one file each.

mod anchor;
mod asking;
mod audit;
mod check;
mod completions;
mod consume;
mod credit;
mod doctor;
mod fingerprint;
mod inspect;
mod install;
mod jws;
mod key;
mod license;
mod man;
mod measure;
mod order;
mod policy;
mod receipt;
mod release;
mod remove;
mod replay;
mod report;
mod reserve;
mod revoke;
mod seats;
mod secret;
mod serve;
mod settle;
mod signing;
mod simulate;
mod status;
mod support;
mod token;
mod usage;

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::environment;
use crate::output::{Answer, Format};
use crate::problem::Problem;

/// Decides, offline, what a licensed product may do
///
/// A vendor makes keys, issues licenses and signs policies; an operator installs them and asks what they allow. Exit codes:
/// 0 yes or done, 1 denied or not usable, 2 error, 3 a policy or license was refused.
#[derive(Debug, clap::Parser)]
#[command(name = "placet", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_long_help = "A first license, from nothing:
  placet key new --out vendor --use policy
  placet key new --out licensing
  placet policy pack --name acme/router --version 1.0.0 --sequence 1 \\
      --trust licensing.pub --key vendor.key --out acme-router.wasm
  placet license new --customer 'Globex GmbH' --product acme/router --expires 1y \\
      --feature sso --limit tokens=quota:1000 --key licensing.key --out license.json

And a first decision, at the customer:
  export PLACET_STATE=state
  placet policy install acme-router.wasm --root vendor.pub
  placet install license.json --root vendor.pub
  placet check sso --root vendor.pub
  placet consume tokens 10 --root vendor.pub

Where something fails, it says why and what to do; `placet doctor` looks at the whole.")]
pub(crate) struct Cli {
    /// The form of the output, and of errors
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What is asked. A variable that is set to nothing is not set.
    pub(crate) fn parsed(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = without_empty(Self::command());
        let matches = command.try_get_matches_from_mut(arguments)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// The same, untyped.
    fn matches(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
        without_empty(Self::command()).try_get_matches_from(arguments)
    }
}

fn without_empty(command: clap::Command) -> clap::Command {
    let unset = |argument: clap::Arg| match argument.get_env() {
        Some(variable) if environment::is_empty(variable) => argument.env(Resettable::Reset),
        _ => argument,
    };
    command.mut_args(unset).mut_subcommands(without_empty)
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make and look at keys
    #[command(subcommand)]
    Key(key::Command),
    /// Issue licenses
    #[command(subcommand)]
    License(license::Command),
    /// Pack, sign and check policies
    #[command(subcommand)]
    Policy(policy::Command),
    Revoke(revoke::Arguments),
    /// Have a limit counted anew
    #[command(subcommand)]
    Order(order::Command),
    /// Say what time it is
    #[command(subcommand)]
    Anchor(anchor::Command),
    /// Confirm a check-in
    #[command(subcommand)]
    Receipt(receipt::Command),
    Inspect(inspect::Arguments),
    Install(install::Arguments),
    Remove(remove::Arguments),
    Status(status::Arguments),
    Usage(usage::Arguments),
    Check(check::Arguments),
    Preview(consume::Preview),
    Consume(consume::Consume),
    Credit(credit::Arguments),
    Reserve(reserve::Arguments),
    Settle(settle::Arguments),
    Release(release::Arguments),
    /// Who holds seats: users, machines, sessions
    #[command(subcommand)]
    Seats(seats::Command),
    Measure(measure::Arguments),
    Serve(Box<serve::Arguments>),
    Replay(replay::Arguments),
    Simulate(simulate::Arguments),
    /// Tell the vendor what was used, by files
    #[command(subcommand)]
    Report(report::Command),
    Fingerprint(fingerprint::Arguments),
    Doctor(doctor::Arguments),
    Support(support::Arguments),
    /// Change the secret that seals what is kept
    #[command(subcommand)]
    Secret(secret::Command),
    /// Say who may ask `placet serve`
    #[command(subcommand)]
    Token(token::Command),
    /// Check the log of what happened
    #[command(subcommand)]
    Audit(audit::Command),
    /// Verify signatures, whatever they sign
    #[command(subcommand)]
    Jws(jws::Command),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// The command that arguments name, as far as they name one: `placet policy pack`.
pub(crate) fn named(arguments: &[OsString]) -> String {
    let mut command = &Cli::command();
    let mut name = command.get_name().to_owned();
    for argument in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        let Some(found) = command.find_subcommand(argument) else { continue };
        name.push(' ');
        name.push_str(argument);
        command = found;
    }
    name
}

/// Refuses to draw what nobody can draw, before anything is done.
pub(crate) fn draws(cli: &Cli) -> anyhow::Result<()> {
    if cli.format == Format::Svg && !matches!(cli.command, Command::Simulate(_)) {
        let message = "this command has no picture to show";
        return Err(Problem::usage(message, "leave `--format svg` away; `placet simulate` draws").into());
    }
    Ok(())
}

/// Runs one command. `line` is what it was parsed from, for the one that reads more arguments from a file.
pub(crate) fn run(command: Command, line: &[OsString]) -> anyhow::Result<Answer> {
    match command {
        Command::Key(command) => key::run(command),
        Command::License(command) => license::run(command),
        Command::Policy(command) => policy::run(command),
        Command::Revoke(arguments) => revoke::run(&arguments),
        Command::Order(command) => order::run(&command),
        Command::Anchor(command) => anchor::run(&command),
        Command::Receipt(command) => receipt::run(&command),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::Remove(arguments) => remove::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Usage(arguments) => usage::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Preview(arguments) => consume::preview(&arguments),
        Command::Consume(arguments) => consume::run(&arguments),
        Command::Credit(arguments) => credit::run(&arguments),
        Command::Reserve(arguments) => reserve::run(&arguments),
        Command::Settle(arguments) => settle::run(&arguments),
        Command::Release(arguments) => release::run(&arguments),
        Command::Seats(command) => seats::run(&command),
        Command::Secret(command) => secret::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Measure(arguments) => measure::run(&arguments),
        Command::Serve(arguments) => serve::run(*arguments, line),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Report(command) => report::run(&command),
        Command::Fingerprint(arguments) => fingerprint::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Support(arguments) => support::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Jws(command) => jws::run(command),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    #[test]
    fn the_arguments_contradict_nothing() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn a_command_is_named_as_far_as_it_is_known() {
        let named = |line: &str| super::named(&line.split(' ').map(Into::into).collect::<Vec<_>>());
        assert_eq!(named("placet"), "placet");
        assert_eq!(named("placet chek sso"), "placet");
        assert_eq!(named("placet --format json policy pack --name x"), "placet policy pack");
        assert_eq!(named("placet license issue"), "placet license");
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &Command) {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            // Longer lines are broken where nobody can copy them.
            let long = help.lines().find(|line| line.chars().count() > 98);
            assert!(long.is_none(), "`{}` has an example that is too long for a line: {long:?}", command.get_name());
            if command.get_subcommands().next().is_none() {
                assert!(help.contains("placet "), "`{}` has no example", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&super::Cli::command());
    }
}
