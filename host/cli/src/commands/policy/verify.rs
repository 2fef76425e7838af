//! `placet policy verify`.

use std::path::PathBuf;

use serde_json::json;

use crate::artifact::verify;
use crate::files;
use crate::output::{Answer, table};
use crate::roots::RootOptions;

/// Check who signed a policy, and whether the key may
///
/// Exit code 3 when the policy is refused, with the reason and the next step.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet policy verify acme-router.wasm --root vendor.pub")]
pub(crate) struct Arguments {
    /// The signed policy; `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    roots: RootOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let roots = arguments.roots.roots()?;
    let policy = files::read(&arguments.file)?;
    let verified = verify(policy, &roots).map_err(|error| super::refused(&arguments.file, error.reason(), error))?;
    let manifest = verified.manifest();
    let mut rows = vec![("signature", "valid".to_owned()), ("signed by", verified.key_id().to_string())];
    rows.push(("content", verified.content_hash().to_string()));
    rows.extend(super::rows(manifest));
    let json = json!({
        "valid": true,
        "key": verified.key_id().to_string(),
        "content_hash": verified.content_hash().to_string(),
        "manifest": serde_json::from_str::<serde_json::Value>(verified.manifest_json())?,
    });
    Ok(Answer::yes(table(&rows), json))
}
