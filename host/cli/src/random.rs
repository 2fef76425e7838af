//! The one place where randomness comes from: the operating system.

pub(crate) use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;

use crate::problem::Problem;

/// Random bytes.
///
/// # Errors
/// When the system has none to give.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::of("random-unavailable", "the system gives no random bytes").because(error))?;
    Ok(bytes)
}

/// A prefix and 128 random bits in hex: no two are the same, and none can be guessed.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn id(prefix: &str) -> Result<String, Problem> {
    Ok(bytes::<16>()?.iter().fold(prefix.to_owned(), |id, byte| format!("{id}{byte:02x}")))
}

/// The generator for the libraries that ask for one. It panics when the system fails after [`bytes`] has answered, since
/// these libraries have no way to pass the failure on.
pub(crate) fn generator() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}
