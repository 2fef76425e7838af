//! `placet inspect`.

use std::path::PathBuf;

use placet::{Change, InstallError};
use placet_rules::formats::{self, Glance};
use placet_rules::{base64url, json};
use serde_json::Value;

use crate::output::{Answer, printable_lines, table};
use crate::problem::Problem;
use crate::site::SiteOptions;
use crate::{change, files, reasons};

/// What no look at a license can say.
const NOT_CHECKED: &str = "not checked (see `placet license verify`)";

/// Show what a license or another signed document says, without checking who signed it
///
/// Needs no policy and no state. The signature is not shown. To learn whether a license is genuine: `placet license verify`. With
/// `--installed` it is verified and held against what is installed: what would be gained and lost.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet inspect license.json
  placet inspect renewal.json --installed --state state/
  echo \"$PLACET_LICENSE_TOKEN\" | placet inspect - --format json")]
pub(crate) struct Arguments {
    /// The document; `-` for standard input
    file: PathBuf,
    /// Show what would be gained and lost if it were installed
    #[arg(long)]
    installed: bool,
    /// The name that it would be installed under, in place of one that has it
    #[arg(long, requires = "installed")]
    name: Option<String>,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let document = files::read(&arguments.file)?;
    let (mut text, mut json) = look(&document, arguments)?;
    if arguments.installed {
        let (told, change) = changed(arguments, &document)?;
        text = format!("{text}\n{told}");
        if let Some(json) = json.as_object_mut() {
            json.insert("change".to_owned(), change);
        }
    }
    Ok(Answer::yes(text, json))
}

/// What the document says by itself.
fn look(document: &[u8], arguments: &Arguments) -> anyhow::Result<(String, Value)> {
    if let Some(glance) = formats::glance(document) {
        return Ok(glanced(&glance)?);
    }
    if let Some(secret) = formats::secret_of(document) {
        let rows = [("signature", NOT_CHECKED), ("encrypted", "yes"), ("secret", secret.as_str())];
        return Ok((table(&rows), serde_json::json!({ "verified": false, "encrypted": true, "secret": secret })));
    }
    let (header, claims) = peek(document).ok_or_else(|| {
        let message = format!("`{}` is no license: neither a compact JWS nor one in JSON", arguments.file.display());
        let help = "give a license.json, a token, or a license or machine file";
        Problem::of("envelope-invalid", message).with_help(help).refused()
    })?;
    let field = |value: &Value, name: &str| value.get(name).map(shown).unwrap_or_default();
    let rows = [
        ("signature", NOT_CHECKED.to_owned()),
        ("algorithm", field(&header, "alg")),
        ("key id", field(&header, "kid")),
    ];
    let claims_text = printable_lines(&serde_json::to_string_pretty(&claims)?);
    let text = format!("{}{claims_text}\n", table(&rows));
    Ok((text, serde_json::json!({ "verified": false, "header": header, "claims": claims })))
}

/// What installing it would change, or why it would not be.
fn changed(arguments: &Arguments, document: &[u8]) -> anyhow::Result<(String, Value)> {
    let placet = arguments.site.open()?;
    match placet.preview_install(document, arguments.name.as_deref()) {
        Ok(after) => {
            let change = Change::between(&placet.status(), &after);
            Ok((change::text(&change), serde_json::to_value(&change)?))
        }
        Err(error) => {
            let reason = error.reason();
            let claim = if let InstallError::Refused { claim, .. } = &error { claim.as_deref() } else { None };
            let blamed = claim.map(|claim| format!(" (`{claim}`)")).unwrap_or_default();
            let told = format!("{reason}{blamed}; {}", reasons::help(reason));
            Ok((table(&[("refused", told)]), serde_json::json!({ "refused": reason, "claim": claim })))
        }
    }
}

/// A file or key of Keygen.
fn glanced(glance: &Glance) -> serde_json::Result<(String, Value)> {
    let algorithm = glance.algorithm.as_deref().unwrap_or("as the key that verifies it says");
    let mut text = table(&[("signature", NOT_CHECKED), ("form", glance.form), ("algorithm", algorithm)]);
    match &glance.content {
        Some(content) => text += &format!("{}\n", printable_lines(&serde_json::to_string_pretty(content)?)),
        None => text += "encrypted: `placet license verify` opens it with `--secret-file`\n",
    }
    let json = serde_json::json!({
        "verified": false, "form": glance.form, "algorithm": glance.algorithm, "encrypted": glance.content.is_none(),
        "claims": glance.content,
    });
    Ok((text, json))
}

/// Protected header and payload of a JWS, neither of them verified.
pub(crate) fn peek(document: &[u8]) -> Option<(Value, Value)> {
    let text = std::str::from_utf8(document).ok()?.trim();
    let (header, payload) = if text.starts_with('{') {
        let jws = json::parse(text.as_bytes()).ok()?;
        let signed = jws.get("signatures").and_then(|signatures| signatures.get(0)).unwrap_or(&jws);
        (signed.get("protected")?.as_str()?.to_owned(), jws.get("payload")?.as_str()?.to_owned())
    } else {
        let mut parts = text.split('.');
        (parts.next()?.to_owned(), parts.next()?.to_owned())
    };
    let part = |part: &str| json::parse(&base64url::decode(part).ok()?).ok();
    Some((part(&header)?, part(&payload)?))
}

/// Is it a compact JWE (RFC 7516 section 9: five parts, and `enc` in the header)?
pub(crate) fn is_encrypted(document: &[u8]) -> bool {
    let read = || {
        let text = std::str::from_utf8(document).ok()?.trim();
        let header = text.split('.').next().filter(|_| text.split('.').count() == 5)?;
        json::parse(&base64url::decode(header).ok()?).ok()
    };
    read().is_some_and(|header| header.get("enc").is_some())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
