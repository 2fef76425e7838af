//! `placet key new`.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use placet_rules::base64url;
use placet_rules::jwk::Algorithm;
use serde_json::json;

use crate::files;
use crate::keys::PrivateKey;
use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::random;

/// Make a key pair: NAME.key, private, and NAME.pub, public
///
/// License keys sign licenses; a policy names the public ones that it believes (`policy pack --trust`). Policy keys sign
/// policies; their public half is compiled into the product, so keep the private one offline. Files are never overwritten, and
/// only their owner may read a private key.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet key new --out vendor --use policy     makes vendor.key and vendor.pub
  placet key new --out licensing --alg ES256")]
pub(crate) struct Arguments {
    /// Path of the two files, without `.key` and `.pub`
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
    /// What the key is to sign
    #[arg(long = "use", value_enum, default_value_t = Use::License, value_name = "USE")]
    usage: Use,
    /// Signature algorithm
    #[arg(long, value_enum, default_value_t = Alg::EdDsa, value_name = "ALG")]
    alg: Alg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Use {
    /// Licenses and other documents
    License,
    /// Policies; Ed25519 only
    Policy,
    /// Nothing: a secret that hides licenses (`license sign --encrypt-with`), in NAME.secret
    Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Alg {
    /// Ed25519: small and fast
    #[value(name = "EdDSA", alias = "eddsa")]
    EdDsa,
    /// ECDSA with P-256 and SHA-256
    #[value(name = "ES256", alias = "es256")]
    Es256,
    /// RSA with 3072 bits, PKCS #1 v1.5 and SHA-256
    #[value(name = "RS256", alias = "rs256")]
    Rs256,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if arguments.usage == Use::Policy && arguments.alg != Alg::EdDsa {
        return Err(Problem::usage(
            "policies are signed with Ed25519 and nothing else",
            "leave `--alg` away, or make a license key (`--use license`)",
        )
        .into());
    }
    if arguments.usage == Use::Secret {
        return secret(&arguments.out);
    }
    let with_extension = |extension: &str| {
        let mut path = arguments.out.clone().into_os_string();
        path.push(extension);
        PathBuf::from(path)
    };
    let (private_path, public_path) = (with_extension(".key"), with_extension(".pub"));
    // Before the private key is written, so that no half of a pair is left behind.
    if files::exists(&public_path) {
        return Err(files::already_there("--out", &public_path).into());
    }
    let private = PrivateKey::generate(match arguments.alg {
        Alg::EdDsa => Algorithm::EdDsa,
        Alg::Es256 => Algorithm::Es256,
        Alg::Rs256 => Algorithm::Rs256,
    })?;
    let public = private.public()?;
    files::write_new_secret(&private_path, private.to_pem()?.as_bytes())?;
    files::write_new(&public_path, public.pem().as_bytes())?;

    let id = match (arguments.usage, public.policy_key()) {
        (Use::Policy, Some(id)) => id.to_string(),
        _ => public.kid().to_owned(),
    };
    let (private_path, public_path) = (private_path.display().to_string(), public_path.display().to_string());
    let text = table(&[
        ("key id", id.as_str()),
        ("algorithm", public.algorithm().as_str()),
        ("private", &private_path),
        ("public", &public_path),
    ]);
    let json = json!({ "kid": id, "alg": public.algorithm().as_str(), "private": private_path, "public": public_path });
    Ok(Answer::yes(text, json))
}

/// 32 random bytes as base64url.
fn secret(out: &Path) -> anyhow::Result<Answer> {
    let mut path = out.to_path_buf().into_os_string();
    path.push(".secret");
    let path = PathBuf::from(path);
    files::write_new_secret(&path, format!("{}\n", base64url::encode(&random::bytes::<32>()?)).as_bytes())?;
    let shown = path.display().to_string();
    Ok(Answer::yes(table(&[("secret", shown.as_str())]), json!({ "secret": shown })))
}
