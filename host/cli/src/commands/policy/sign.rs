//! `placet policy sign`.

use std::path::PathBuf;

use crate::artifact::{SignError, resign, sign};
use crate::files;
use crate::output::Answer;
use crate::problem::Problem;

/// Sign a packed policy, as on a machine that is kept offline for it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet policy sign unsigned.wasm --key vendor.key --out acme-router.wasm
  placet policy sign acme-router.wasm --replace --key vendor-2027.key --out acme-router-2027.wasm")]
pub(crate) struct Arguments {
    /// The packed policy; `-` for standard input
    file: PathBuf,
    /// Private policy key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Take the signature off that the policy has, and sign anew
    #[arg(long)]
    replace: bool,
    /// Where to write
    #[arg(long, value_name = "FILE.wasm")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let policy = files::read(&arguments.file)?;
    let key = super::signing_key(&arguments.key)?;
    let signed = if arguments.replace { resign(&policy, &key) } else { sign(&policy, &key) };
    let signed = signed.map_err(|error| {
        let help = match error {
            SignError::AlreadySigned => "add `--replace` to take that signature off and sign anew",
            SignError::NotSigned => "leave `--replace` away: nothing is there to be replaced",
            SignError::Format(_) | SignError::Unfit(_) => "give the file that `placet policy pack` wrote",
        };
        let message = format!("`{}` cannot be signed", arguments.file.display());
        Problem::of(error.reason(), message).with_help(help).because(error).refused()
    })?;
    super::written(&arguments.out, &signed, Some(key.key_id().to_string()))
}
