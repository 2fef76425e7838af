//! `placet serve`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use placet::{Placet, Status};
use placet_sidecar::{Given, ServeError, Settings};
use serde_json::Value;

use super::{Cli, Command};
use crate::files;
use crate::output::{self, Answer, line};
use crate::problem::Problem;
use crate::roots::RootOptions;
use crate::site::not_opened;

/// Answer over HTTP, for products in any language, until told to stop
///
/// Every setting is a flag, a variable and a key of the configuration file; flags go before variables, variables before the file.
/// Without a usable license it runs and denies. Exit code 1 when `on_no_license` is `exit` and no license is usable.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet serve --state /var/lib/acme/placet --license /etc/acme/license.json
  placet serve --print-config >placet.yaml
  placet serve --config placet.yaml")]
pub(crate) struct Arguments {
    /// Configuration file, in YAML
    #[arg(long, env = "PLACET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print all keys with their defaults and what they mean, and do nothing else
    #[arg(long)]
    print_config: bool,
    /// Ask the service that runs with these settings whether it lives, and do nothing else: exit code 0 when it does, 2 when not
    #[arg(long, conflicts_with = "print_config")]
    health: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    roots: RootOptions,
}

pub(crate) fn run(arguments: Arguments, line: &[OsString]) -> anyhow::Result<Answer> {
    if arguments.print_config {
        return Ok(Answer::document(placet_sidecar::print_config()));
    }
    let Arguments { settings, roots, health, .. } = match &arguments.config {
        Some(path) => with_file(path, line)?,
        None => arguments,
    };
    if health {
        let problem = || {
            Problem::of("service-silent", "the service does not live")
                .with_help("its log says why; `--health` takes the settings that it was started with")
        };
        placet_sidecar::health(&settings).map_err(|error| problem().because(error))?;
        return Ok(Answer::yes("the service lives\n", serde_json::json!({ "status": "ok" })));
    }
    let mut trust = Placet::builder().roots(&roots.roots()?);
    if !roots.are_built_in() {
        trust = trust.development_root();
    }
    match placet_sidecar::serve(&settings, trust) {
        Ok(()) => Ok(Answer::yes("", Value::Null)),
        Err(ServeError::NotUsable(status)) => Ok(unusable(&status)),
        Err(ServeError::Open(error)) => Err(not_opened(error).into()),
        Err(error) => Err(Problem::of("service-unstarted", "the service cannot start").because(error).into()),
    }
}

fn unusable(status: &Status) -> Answer {
    let mut text = line(format!("no license is usable: {} ({})", status.state, status.reason));
    for warning in status.warnings.iter().filter(|warning| warning.reason == "source-unreadable") {
        text.push_str(&line(&warning.text));
    }
    Answer::verdict(false, text, serde_json::json!({ "state": status.state, "reason": status.reason }))
}

/// The arguments again, with those of the file that are given nowhere else.
fn with_file(path: &Path, line: &[OsString]) -> anyhow::Result<Arguments> {
    let wrong = || format!("`{}` is not a configuration of this service", path.display());
    let text = files::read_text(path)?;
    let given = placet_sidecar::given(&text).map_err(|error| Problem::of("config-invalid", wrong()).because(error))?;

    let matches = Cli::matches(line)?;
    let serve = matches.subcommand_matches(NAME);
    let is_given = |key: &str| {
        let source = serve.and_then(|serve| serve.value_source(key));
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let added: Vec<_> = given.into_iter().filter(|given| !is_given(&given.key)).collect();
    let arguments = added.iter().flat_map(|Given { arguments, .. }| arguments.iter().cloned());
    // Behind the command's name: what comes before it is not the command's.
    let (before, after) = line.split_at(line.iter().position(|word| word == NAME).map_or(line.len(), |at| at + 1));
    let whole = before.iter().cloned().chain(arguments).chain(after.iter().cloned());
    match Cli::parsed(whole).map(|cli| cli.command) {
        Ok(Command::Serve(arguments)) => Ok(*arguments),
        Ok(_) => Err(Problem::of("config-invalid", wrong()).into()),
        // The arguments alone were fine.
        Err(error) => Err(Problem::of("config-invalid", wrong()).because(misuse(&error, &added)).into()),
    }
}

/// What is wrong with what the file says, by the key that says it.
fn misuse(error: &clap::Error, given: &[Given]) -> String {
    let told = output::misuse(error);
    let told = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("{}; it is one of {}", told.lines().next().unwrap_or_default(), values.join(", "))
        }
        _ => told.lines().next().unwrap_or_default().to_owned(),
    };
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return told };
    let flag = format!("{}=", argument.split(' ').next().unwrap_or_default());
    let says = |given: &&Given| given.arguments.iter().any(|argument| argument.to_string_lossy().starts_with(&flag));
    let key = given.iter().find(says).map(|given| format!("`{}`", given.key));
    key.map_or_else(|| told.clone(), |key| told.replace(&format!("'{argument}'"), &key))
}

const NAME: &str = "serve";
