//! The one place that reads the environment beside the arguments: a variable whose name the operator gives, and which ones there are.

use std::env;

/// What a variable says; none where it is not set, empty, or not UTF-8.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The names of all variables.
pub(crate) fn names() -> impl Iterator<Item = String> {
    env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}
