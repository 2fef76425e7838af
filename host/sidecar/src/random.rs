//! The one place that asks the system for randomness.

use std::io;

/// So many random bytes.
///
/// # Errors
///
/// Where the system has none to give.
pub(crate) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
