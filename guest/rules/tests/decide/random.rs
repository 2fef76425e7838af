//! How many random cases a property is tried on.

use proptest::test_runner::Config;

/// So many, and 40 times as many with `PLACET_LONG`.
pub(crate) fn cases(few: u32) -> Config {
    let cases = if std::env::var_os("PLACET_LONG").is_some() { 40 * few } else { few };
    // What a property leaves out is part of its cases.
    Config { cases, failure_persistence: None, max_global_rejects: 10 * cases, ..Config::default() }
}
