//! The one place that reads the environment beside the arguments: a variable whose name the operator gives.

use std::env;

/// What a variable says; none where it is not set, empty, or not UTF-8.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
