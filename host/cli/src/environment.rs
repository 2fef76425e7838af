//! What the process was started with.

use std::env;
use std::ffi::{OsStr, OsString};

/// The arguments, the name of the command first.
pub(crate) fn arguments() -> Vec<OsString> {
    env::args_os().collect()
}

/// Is the variable set, and to nothing? That is how many who start containers leave one out.
pub(crate) fn is_empty(variable: &OsStr) -> bool {
    env::var_os(variable).is_some_and(|value| value.is_empty())
}

/// A variable that is set, and not to nothing.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
