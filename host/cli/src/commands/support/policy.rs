//! The manifest of the policy that decides, without the keys in it.

use std::path::Path;

use serde_json::{Value, json};

use crate::artifact::{Manifest, TrustedKey, inspect};
use crate::files;
use crate::site::SiteOptions;

/// Where a state directory keeps the policies that were adopted, and how their names end.
const FOLDER: &str = "policies";
const EXTENSION: &str = "wasm";

/// The manifest of the policy with this content hash: the hash of what was verified when it was loaded, so that a file which has it says the
/// same. None where no file has it.
pub(super) fn manifest(site: &SiteOptions, hash: &str) -> Option<Value> {
    let adopted = site.state.as_ref().and_then(|state| files::list(&state.join(FOLDER), EXTENSION).ok());
    let paths = adopted.into_iter().flatten().chain(site.policy.clone());
    paths.into_iter().find_map(|path| matching(&path, hash))
}

fn matching(path: &Path, hash: &str) -> Option<Value> {
    let found = inspect(&files::read(path).ok()?).ok().filter(|found| found.content_hash.to_string() == hash)?;
    found.manifests.iter().flatten().next().map(|(manifest, _)| packed(manifest))
}

/// Without its settings, which are the vendor's own, and without the keys.
fn packed(manifest: &Manifest) -> Value {
    json!({
        "format": manifest.format,
        "name": manifest.name.to_string(),
        "version": manifest.version.to_string(),
        "sequence": manifest.sequence,
        "interface": manifest.interface.to_string(),
        "imports": manifest.imports,
        "issued": manifest.issued,
        "minimum_host": manifest.minimum_host.to_string(),
        "trust": manifest.trust.iter().map(trusted).collect::<Vec<_>>(),
    })
}

fn trusted(key: &TrustedKey) -> Value {
    let TrustedKey { kid, format, uses, product, not_before, not_after, jwk: _, settings: _ } = key;
    json!({
        "kid": kid, "format": format, "use": uses, "product": product, "not_before": not_before, "not_after": not_after,
    })
}
