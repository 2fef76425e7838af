//! `placet fingerprint`.

use std::path::PathBuf;

use placet::Vault;
use serde_json::{Map, Value, json};

use crate::artifact::PolicyName;
use crate::files;
use crate::output::{Answer, table};
use crate::storage::StorageOptions;

/// Show this machine's fingerprints, for a license that is to be bound to it
///
/// Each is a hash over the product and what was found: `machine-id` of the system, `hostname`, `install` of the state directory (once an
/// installation was opened there), `k8s` of cluster and namespace. Send them to the vendor, who puts them into `scope.fingerprints`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet fingerprint --product acme/router --state state/
  placet fingerprint --product acme/router --format json")]
pub(crate) struct Arguments {
    /// The product, as its policy is named
    #[arg(long, value_name = "VENDOR/PRODUCT")]
    product: PolicyName,
    /// State directory
    #[arg(long, env = "PLACET_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    storage: StorageOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let product = arguments.product.to_string();
    let vault = match arguments.state.as_deref().filter(|state| files::is_directory(state)) {
        Some(state) => arguments.storage.vault(state)?,
        None => Vault::default(),
    };
    let found = placet::fingerprints(&product, arguments.state.as_deref(), &vault);
    let rows: Vec<_> = found.iter().map(|one| (&*one.name, &*one.value)).collect();
    let map: Map<String, Value> = found.iter().map(|one| (one.name.clone(), one.value.clone().into())).collect();
    Ok(Answer::yes(table(&rows), json!({ "product": product, "fingerprints": map })))
}
