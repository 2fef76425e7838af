//! The folder of vectors made by others.

use std::path::PathBuf;

use crate::rig::root;

/// The folder: `PLACET_VECTORS`, or `shared/vectors` beside the repository. None where there is none; a test that reads it then has
/// nothing to do.
///
/// # Panics
/// Where there is none although `PLACET_REQUIRE_VECTORS` says that there must be.
pub fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("PLACET_VECTORS").map_or_else(|| root().join("../shared/vectors"), PathBuf::from);
    let found = folder.is_dir();
    let required = std::env::var_os("PLACET_REQUIRE_VECTORS").is_some();
    assert!(found || !required, "PLACET_REQUIRE_VECTORS is set, and there is no folder `{}`", folder.display());
    found.then_some(folder)
}
