//! `placet policy`: signed policies.

mod inspect;
mod install;
mod list;
mod pack;
mod rollback;
mod sign;
mod verify;

use std::path::{Path, PathBuf};

use placet::{PolicyError, PolicyInfo};
use serde_json::{Value, json};

use crate::artifact::{Manifest, SigningKey};
use crate::files;
use crate::issue::dates;
use crate::output::{Answer, line};
use crate::problem::Problem;
use crate::server::ServerError;
use crate::site::{POLICY_FILE, is_refusal};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Pack(pack::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Inspect(inspect::Arguments),
    Install(install::Arguments),
    List(list::Arguments),
    Rollback(rollback::Arguments),
}

pub(crate) fn run(command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::Pack(arguments) => pack::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
    }
}

fn signing_key(path: &Path) -> Result<SigningKey, Problem> {
    SigningKey::from_pem(&files::read_text(path)?).map_err(|error| {
        let message = format!("`{}` cannot sign policies", path.display());
        let help = "give the `.key` file that `placet key new --use policy` wrote";
        Problem::of(error.reason(), message).with_help(help).because(error)
    })
}

/// The next step for a refused policy, from the artifact's own table of reasons.
fn refused(path: &Path, reason: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    let help = crate::artifact::REASONS
        .iter()
        .find(|(name, _)| *name == reason)
        .map_or("fetch the policy again", |(_, help)| help);
    Problem::of(reason, format!("`{}` is refused", path.display())).with_help(help).because(error).refused()
}

/// A policy that does not run, with the next step.
fn not_adopted(path: &Path, error: PolicyError) -> Problem {
    let problem = Problem::of(error.reason(), format!("`{}` was not adopted", path.display()));
    let problem = match &error {
        refused if is_refusal(refused) => problem.refused(),
        PolicyError::File(_) => problem.with_help(POLICY_FILE),
        _ => problem,
    };
    problem.because(error)
}

/// The same, where a service refuses it.
fn refused_by_server(path: &Path, error: ServerError) -> Problem {
    let refused = error.refusal().is_some_and(|refusal| matches!(refusal.status, 404 | 422));
    let problem = error.problem(format!("`{}` was not adopted", path.display()));
    if refused { problem.refused() } else { problem }
}

/// The policy that decides from now on.
fn adopted(info: &PolicyInfo) -> anyhow::Result<Answer> {
    let text = format!("{} {} (sequence {}) decides from now on", info.name, info.version, info.sequence);
    Ok(Answer::yes(line(text), serde_json::to_value(info)?))
}

/// What a manifest says, for people.
fn rows(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let key = |key: &crate::artifact::TrustedKey| format!("{} ({}: {})", key.kid, key.format, key.uses.join(", "));
    let mut rows = vec![
        ("name", manifest.name.to_string()),
        ("version", manifest.version.to_string()),
        ("sequence", manifest.sequence.to_string()),
        ("interface", manifest.interface.to_string()),
        ("imports", manifest.imports.join(", ")),
        ("issued", dates::shown(manifest.issued)),
        ("minimum host", manifest.minimum_host.to_string()),
    ];
    rows.extend(manifest.trust.iter().map(|trusted| ("trusts", key(trusted))));
    rows
}

/// Writes a policy and says so.
fn written(out: &PathBuf, policy: &[u8], key: Option<String>) -> anyhow::Result<Answer> {
    files::replace("--out", out, policy)?;
    if files::is_standard(out) {
        return Ok(Answer::document(""));
    }
    let inspection = crate::artifact::inspect(policy)?;
    let mut rows = vec![("policy", out.display().to_string()), ("content", inspection.content_hash.to_string())];
    rows.push(("signed by", key.clone().unwrap_or_else(|| "nobody yet: `placet policy sign`".to_owned())));
    let json: Value = json!({
        "file": out, "content_hash": inspection.content_hash.to_string(), "key": key, "size": policy.len(),
    });
    Ok(Answer::yes(crate::output::table(&rows), json))
}
