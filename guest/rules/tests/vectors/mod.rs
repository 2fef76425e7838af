//! Where the vectors made by others are.

use std::env;
use std::path::PathBuf;

/// A folder of `PLACET_VECTORS`, or of `shared/vectors` beside the repository. None where there are none, which fails the test if
/// `PLACET_REQUIRE_VECTORS` is set.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let folder = env::var_os("PLACET_VECTORS").map_or_else(beside, PathBuf::from).join(name);
    let found = folder.is_dir();
    assert!(found || env::var_os("PLACET_REQUIRE_VECTORS").is_none(), "no folder `{}`", folder.display());
    found.then_some(folder)
}
