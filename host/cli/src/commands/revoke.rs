//! `placet revoke`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use placet_rules::json;
use placet_rules::notices::{Kind, digest};
use serde_json::{Value, json};

use crate::argument::number;
use crate::commands::signing::Signing;
use crate::issue::notice::Draft;
use crate::keys::{PrivateKey, PublicKey};
use crate::output::Answer;
use crate::problem::Problem;
use crate::{component, files, wall_clock};

/// Withdraw licenses: sign a revocation list
///
/// A list is whole: give the last one with `--list`, and the new one repeats it under the next sequence. Ship it to every installation
/// (`placet install`), or lay it beside the licenses; an installation that has seen it never goes back. The policy must trust the
/// key for revocations.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet revoke lic_2026_0042 --key licensing.key --out revocations.json
  placet revoke lic_2026_0107 --list revocations.json --key licensing.key --out revocations.json")]
pub(crate) struct Arguments {
    /// Ids of the licenses to withdraw
    #[arg(value_name = "LICENSE", required = true)]
    licenses: Vec<String>,
    /// The last list, signed with the same key
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The sequence; one more than the last list's unless told
    #[arg(long, value_name = "NUMBER", value_parser = number, allow_negative_numbers = true)]
    sequence: Option<u64>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let last = arguments.list.as_deref().map(|path| last(path, &arguments.key)).transpose()?.unwrap_or_default();
    let sequence = arguments.sequence.unwrap_or(last.sequence.saturating_add(1));
    if sequence <= last.sequence {
        let message =
            format!("--sequence: the last list has {}, and every installation keeps the higher one", last.sequence);
        return Err(Problem::usage(message, "leave `--sequence` away, or give a higher number").into());
    }
    let mut revoked = last.revoked;
    revoked.extend(arguments.licenses.iter().map(|id| hex(&digest(id))));
    let draft = Draft::new(Kind::Revocations, wall_clock::now());
    let draft = draft.with("sequence", sequence).with("revoked", revoked.into_iter().collect::<Vec<_>>());
    arguments.signing.sign(&draft.payload()?, Kind::Revocations, &arguments.key)
}

/// What a list says that is to be continued.
#[derive(Default)]
struct Last {
    sequence: u64,
    revoked: BTreeSet<String>,
}

/// The list, verified by the public half of our own key: nobody slips an entry in, or takes one out.
fn last(path: &Path, key: &Path) -> anyhow::Result<Last> {
    let document = files::read(path)?;
    let refused = |reason: &str, why: String| {
        let help = "give the last list that was signed with this key, as it was signed; or none, and all ids anew";
        Problem::of(reason, format!("`{}` cannot be continued: {why}", path.display())).with_help(help)
    };
    let public: PublicKey = PrivateKey::read(key)?.public()?;
    let verifier =
        component::verifier(&json!([]), &placet::Placet::builder()).context("the embedded policy does not run")?;
    let mut jwk = public.jwk();
    // Whatever name the key had in it.
    jwk.remove("kid");
    let verified = verifier.verify_jws(document.trim_ascii(), &Value::Object(jwk).to_string());
    let verified = verified
        .map_err(|error| refused(error.reason(), format!("it is not signed with this key ({})", error.reason())))?;
    let claims = json::parse(&verified.payload).map_err(|error| refused(error.reason(), error.to_string()))?;
    let entries = claims.get("revoked").and_then(Value::as_array);
    let (Some(sequence), Some(entries)) = (claims.get("sequence").and_then(Value::as_u64), entries) else {
        return Err(refused("claim-invalid", "it is no revocation list".to_owned()).into());
    };
    let revoked = entries.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
    Ok(Last { sequence, revoked })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
