//! Tools of Python that scripts/test installs below the target directory.

use std::path::{Path, PathBuf};

/// A program that one of them brings.
pub(crate) fn tool(name: &str, program: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_placet")).ancestors().nth(2).unwrap();
    target.join("tools").join(name).join("bin").join(program)
}
