//! `placet license verify`.

use std::path::PathBuf;

use anyhow::Context as _;
use placet::{Builder, License, Verifier};
use serde_json::Value;

use crate::artifact::TrustedKey;
use crate::commands::inspect::{is_encrypted, peek};
use crate::keys::trust::ForFormat;
use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::site::SiteOptions;
use crate::{component, files, reasons, show, wall_clock};

/// Check who signed a license, and show what it grants
///
/// Against public keys, as the vendor does after issuing, or against a signed policy, as the product does. An expired license is
/// genuine too: its state is shown. Exit code 3 when it is refused.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet license verify license.json --key licensing.pub
  placet license verify license.lic --key keygen=keygen.hex --secret-file license-key=key.txt
  placet license verify license.json --policy acme-router.wasm --root vendor.pub \\
      --summary for-support.json")]
pub(crate) struct Arguments {
    /// The license; `-` for standard input
    file: PathBuf,
    /// A public key to verify with, PEM, JWK or hex, of format placet/1 or of the one before the `=`: coresdk, terragnos, keygen,
    /// jwt; may be given several times
    #[arg(long, value_name = "[FORMAT=]FILE", value_parser = ForFormat::parse, conflicts_with = "policy")]
    key: Vec<ForFormat>,
    /// Settings of the keys of a format, a JSON object; docs/formats.md describes them
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ForFormat::parse_named, requires = "key")]
    settings: Vec<ForFormat>,
    /// The name that the policy knows the key by, if it is not the thumbprint
    #[arg(long, value_name = "ID", requires = "key")]
    kid: Option<String>,
    /// Write the safe summary, which may be handed to support: names, times and limits, never the token
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let document = files::read(&arguments.file)?;
    let verifier = if arguments.key.is_empty() { by_policy(arguments)? } else { by_keys(arguments, &document)? };
    let license = verifier.verify(&document).map_err(|error| {
        let reason = error.reason().to_owned();
        let message = format!("`{}` is not verified", arguments.file.display());
        let help = match &*reason {
            "key-unknown" if !arguments.key.is_empty() => {
                "give `--key` the public half of the key that signed it; `placet inspect` shows that key's id"
                    .to_owned()
            }
            _ => reasons::help(&reason),
        };
        Problem::of(reason, message).with_help(help).because(error).refused()
    })?;
    let summary = show::summary(&license.summary);
    if let Some(path) = &arguments.summary {
        files::replace("--summary", path, serde_json::to_string_pretty(&summary)?.as_bytes())?;
    }
    Ok(Answer::yes(table(&rows(&license)), serde_json::to_value(&license)?))
}

fn rows(license: &License) -> Vec<(&'static str, String)> {
    let now = u64::try_from(wall_clock::now().as_millisecond()).unwrap_or(0);
    vec![
        ("Signature:", format!("valid ({})", license.algorithm)),
        ("License:", license.id.clone()),
        ("Plan:", license.plan.to_string()),
        ("Organization:", license.organization.clone()),
        ("State:", format!("{} ({})", license.state, license.reason)),
        ("Expires:", show::expiry(license.summary.expires, now)),
        ("Key id:", license.summary.key.clone()),
        ("Limits:", show::limits(license.limits())),
        ("Features:", if license.features().is_empty() { "none".to_owned() } else { license.features().join(", ") }),
    ]
}

fn by_policy(arguments: &Arguments) -> anyhow::Result<Verifier> {
    if arguments.site.policy.is_none() {
        let help = "give `--key FILE` with the vendor's public key, or `--policy FILE` with the signed policy";
        return Err(Problem::usage("nothing says whom to trust", help).into());
    }
    Ok(arguments.site.builder()?.verifier().map_err(crate::site::not_opened)?)
}

/// A verifier that trusts these keys, for whatever product the license names.
fn by_keys(arguments: &Arguments, document: &[u8]) -> anyhow::Result<Verifier> {
    let mut trust = Vec::new();
    for key in &arguments.key {
        let mut entry = key.trusted(&["license".to_owned()], &arguments.settings)?;
        if let Some(kid) = &arguments.kid {
            entry.kid.clone_from(kid);
            entry.jwk.insert("kid".to_owned(), kid.as_str().into());
        }
        trust.push(entry);
    }
    let place = arguments.site.place()?;
    let audience = audience(document, &trust, &place)?;
    trust.iter_mut().for_each(|entry| entry.product.clone_from(&audience));
    component::verifier(&serde_json::to_value(trust)?, &place).context(NO_POLICY)
}

const NO_POLICY: &str = "the embedded policy does not run";

/// The product that a license names. Of one that is encrypted: as the policy reads it, with these keys and the secrets of the place.
///
/// # Errors
/// When a key is none that a policy would use.
pub(crate) fn audience(document: &[u8], trust: &[TrustedKey], place: &Builder) -> anyhow::Result<Option<String>> {
    if let Some((_, claims)) = peek(document) {
        return Ok(first_audience(&claims));
    }
    if !is_encrypted(document) {
        return Ok(None);
    }
    let verifier = component::verifier(&serde_json::to_value(trust)?, place).context(NO_POLICY)?;
    let product = verifier.verify(document).map(|license| license.summary.product).unwrap_or_default();
    Ok(product.split(", ").next().filter(|product| !product.is_empty()).map(ToOwned::to_owned))
}

fn first_audience(claims: &Value) -> Option<String> {
    let audience = claims.get("aud")?;
    audience.as_str().or_else(|| audience.get(0)?.as_str()).map(ToOwned::to_owned)
}
