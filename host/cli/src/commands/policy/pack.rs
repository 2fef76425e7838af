//! `placet policy pack`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::Map;

use crate::argument::{number, version};
use crate::artifact::{FORMAT, Manifest, PolicyName, TrustedKey, Version, pack, sign};
use crate::issue::dates;
use crate::keys::trust::{self, ForFormat};
use crate::output::Answer;
use crate::problem::Problem;
use crate::{component, files, wall_clock};

/// Pack a component and its manifest into a policy; with a key, sign it
///
/// The component is the default policy that comes with this command, unless another one is given. The manifest names the
/// license keys that the policy believes. Of two policies of one name, the higher sequence is the newer one: raise it with
/// every release, for hosts refuse to go back.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet policy pack --name acme/router --version 1.2.0 --sequence 7 \\
      --trust licensing-2026.pub,licensing-2027.pub --key vendor.key --out acme-router.wasm
  placet policy pack --name acme/router --version 1.2.0 --sequence 7 \\
      --trust licensing.pub,keygen=keygen.hex --settings keygen=keygen.json \\
      --key vendor.key --out acme-router.wasm
  placet policy pack --name acme/router --version 1.2.0 --sequence 7 --trust-json trust.json \\
      --out unsigned.wasm my-policy.wasm")]
pub(crate) struct Arguments {
    /// Whose policy for which product
    #[arg(long, value_name = "VENDOR/PRODUCT")]
    name: PolicyName,
    /// Its version, for people
    #[arg(long, value_name = "SEMVER", value_parser = version)]
    version: Version,
    /// Its place in the order of policies of this name
    #[arg(long, value_name = "NUMBER", value_parser = number, allow_negative_numbers = true)]
    sequence: u64,
    /// Public keys (PEM, JWK or hex) whose licenses it believes, of format placet/1 or of the one before the `=`:
    /// coresdk, terragnos, keygen, jwt
    #[arg(long, value_name = "[FORMAT=]FILE", value_delimiter = ',', value_parser = ForFormat::parse, required_unless_present = "trust_json")]
    trust: Vec<ForFormat>,
    /// What its keys of format placet/1 may sign; those of other formats sign licenses
    #[arg(long = "trust-use", value_enum, value_name = "USE", value_delimiter = ',', default_value = "license")]
    trust_use: Vec<Use>,
    /// Settings of the keys of a format, a JSON object; docs/formats.md describes them
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ForFormat::parse_named)]
    settings: Vec<ForFormat>,
    /// A JSON list of entries for the manifest's `trust`, for other uses, formats, products and dates
    #[arg(long, value_name = "FILE")]
    trust_json: Option<PathBuf>,
    /// The lowest version of the host that it runs on
    #[arg(long, value_name = "SEMVER", value_parser = version, default_value = env!("CARGO_PKG_VERSION"))]
    minimum_host: Version,
    /// When it was made; now unless told otherwise. No host takes the present time to be earlier
    #[arg(long, value_name = "DATE")]
    issued: Option<String>,
    /// Private policy key, PEM. Without it the policy is left to `placet policy sign`
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where to write
    #[arg(long, value_name = "FILE.wasm")]
    out: PathBuf,
    /// The component, if not the default policy; `-` for standard input
    component: Option<PathBuf>,
}

/// What a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Use {
    /// Licenses
    License,
    /// Revocation lists
    Revocations,
    /// Receipts of check-ins
    Receipt,
    /// Orders
    Order,
    /// Time anchors
    Anchor,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let given = arguments.component.as_deref().map(files::read).transpose()?;
    let component = given.as_deref().unwrap_or(component::DEFAULT);
    let name = arguments
        .component
        .as_deref()
        .map_or_else(|| "the default policy".to_owned(), |path| format!("`{}`", path.display()));
    let interface = component::interface(component).with_context(|| format!("{name} cannot be packed"))?;
    let manifest = Manifest {
        format: FORMAT,
        name: arguments.name.clone(),
        version: arguments.version.clone(),
        sequence: arguments.sequence,
        interface: interface.version,
        imports: interface.imports,
        issued: issued(arguments.issued.as_deref())?,
        minimum_host: arguments.minimum_host.clone(),
        trust: trusted(arguments)?,
        settings: Map::new(),
    };
    let packed = pack(component, &manifest).map_err(|error| {
        let help = "give the component as the compiler wrote it, or none for the default policy";
        Problem::of(error.reason(), format!("{name} cannot be packed")).with_help(help).because(error).refused()
    })?;
    let Some(key) = &arguments.key else { return super::written(&arguments.out, &packed, None) };
    let key = super::signing_key(key)?;
    super::written(&arguments.out, &sign(&packed, &key)?, Some(key.key_id().to_string()))
}

fn issued(date: Option<&str>) -> anyhow::Result<u64> {
    let now = wall_clock::now();
    let second = match date {
        None => now.as_second(),
        Some(text) => dates::parse(text, now).map_err(|error| {
            Problem::usage(format!("--issued: {error}"), "leave `--issued` away to take the present time")
        })?,
    };
    Ok(u64::try_from(second)?)
}

/// Keys given as files sign what the other arguments say; everything else comes as JSON.
fn trusted(arguments: &Arguments) -> anyhow::Result<Vec<TrustedKey>> {
    let uses: Vec<String> =
        arguments.trust_use.iter().filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned())).collect();
    let mut trust: Vec<TrustedKey> =
        arguments.trust.iter().map(|key| key.trusted(&uses, &arguments.settings)).collect::<Result<_, _>>()?;
    if let Some(path) = &arguments.trust_json {
        let text = files::read_text(path)?;
        let entries: Vec<TrustedKey> = serde_json::from_str(&text).map_err(|error| {
            let message = format!("`{}` is not a JSON list of trust entries", path.display());
            Problem::of("manifest-invalid", message)
                .with_help(r#"write [{"kid": "…", "jwk": {…}, "format": "placet/1", "use": ["license"]}]"#)
                .because(error)
        })?;
        entries.iter().try_for_each(trust::check)?;
        trust.extend(entries);
    }
    let twice = trust.iter().enumerate().find(|(index, key)| {
        trust
            .iter()
            .take(*index)
            .any(|other| other.kid == key.kid && other.format == key.format && other.product == key.product)
    });
    match twice {
        Some((_, key)) => {
            let message = format!("the key `{}` is trusted twice for the same format and product", key.kid);
            Err(Problem::usage(message, "give each key once").into())
        }
        None => Ok(trust),
    }
}
