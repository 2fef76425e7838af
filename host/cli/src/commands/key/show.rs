//! `placet key show`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::keys::PublicKey;
use crate::output::{Answer, table};

/// Show the public half of a key: its ids, algorithm, JWK and PEM
///
/// Licenses name their key by the key id: the thumbprint of RFC 7638, unless a JWK says otherwise. Signed policies name theirs
/// by the policy key id. The private half is never shown.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet key show licensing.pub
  placet key show --format json licensing.key | jq .jwk")]
pub(crate) struct Arguments {
    /// Key in PEM, public or private, or a public JWK; `-` for standard input
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let key = PublicKey::read(&arguments.file)?;
    let jwk = Value::Object(key.jwk());
    let policy_key = key.policy_key().map(|id| id.to_string());
    let rows = [
        ("key id", Some(key.kid().to_owned())),
        ("policy key id", policy_key.clone()),
        ("algorithm", Some(key.algorithm().to_string())),
        ("jwk", Some(jwk.to_string())),
    ];
    let rows: Vec<_> = rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let json = json!({
        "kid": key.kid(), "policy_kid": policy_key, "alg": key.algorithm().as_str(), "jwk": jwk, "pem": key.pem(),
    });
    Ok(Answer::yes(format!("{}\n{}", table(&rows), key.pem()), json))
}
