//! Native code of policies that passed their self-test, kept from one start to the next, so that opening takes milliseconds.
//!
//! Whoever can write such a file can run code in the product. So it is read only where [`StateDir::is_private`] says that nobody
//! else could have written it. A CRC-32 at its end, of its name and what is in it, tells a disk that lost a bit and a file in another's place,
//! not a person who changed one. Anything else is compiled anew, which is always right.

use placet_artifact::ContentHash;

use crate::sandbox::{CompileError, Compiled, Sandbox};
use crate::state_dir::{Folder, StateDir};

/// The largest file that is read back, in bytes: native code is some ten times the component.
const MAX_CODE: u64 = 256 << 20;
const CHECKSUM: usize = size_of::<u32>();

/// The compiled form of a signed component that passed its self-test before, where it is there and can be trusted.
pub(crate) fn recall(
    sandbox: &Sandbox,
    state: &StateDir,
    hash: &ContentHash,
) -> Option<Result<Compiled, CompileError>> {
    sandbox.revive(&read(state, &name(sandbox, hash))?)
}

/// Native code, and which policy's it is.
pub(crate) struct Recalled {
    /// The policy's content hash, in hex.
    of: String,
    code: Result<Compiled, CompileError>,
}

impl Recalled {
    /// The code, if it is this policy's.
    pub(crate) fn of(self, hash: &ContentHash) -> Option<Result<Compiled, CompileError>> {
        (self.of == hex(hash)).then_some(self.code)
    }
}

/// What [`recall`] would find, before it is known which policy is asked for: where there is but one that fits this compiler.
pub(crate) fn recall_only(sandbox: &Sandbox, state: &StateDir) -> Option<Recalled> {
    let suffix = suffix(sandbox);
    let names = state.names(Folder::Code).ok()?;
    let mut fitting = names.iter().filter_map(|name| Some((name, name.strip_suffix(&suffix)?)));
    let ((name, of), None) = (fitting.next()?, fitting.next()) else { return None };
    Some(Recalled { of: of.to_owned(), code: sandbox.revive(&read(state, name)?)? })
}

/// Keeps what passed its self-test. Where that fails the next start compiles again: slower, and nothing else.
pub(crate) fn keep(sandbox: &Sandbox, state: &StateDir, hash: &ContentHash, compiled: &Compiled) {
    let Some(code) = compiled.serialize() else { return };
    let name = name(sandbox, hash);
    drop(state.put(Folder::Code, &name, &kept(&name, &code)));
    forget_others(state, &name);
}

fn name(sandbox: &Sandbox, hash: &ContentHash) -> String {
    format!("{}{}", hex(hash), suffix(sandbox))
}

fn suffix(sandbox: &Sandbox) -> String {
    format!("-{:016x}.cwasm", sandbox.compatibility())
}

fn read(state: &StateDir, name: &str) -> Option<TrustedCode> {
    if !state.is_private(Folder::Code, name) {
        return None;
    }
    let mut content = state.read(Folder::Code, name, MAX_CODE).ok()??;
    let end = content.len().checked_sub(CHECKSUM)?;
    let (code, sum) = content.split_at_checked(end)?;
    if checksum(name, code) != sum {
        return None;
    }
    content.truncate(end);
    Some(TrustedCode(content))
}

/// What the file of that name holds.
fn kept(name: &str, code: &[u8]) -> Vec<u8> {
    [code, &checksum(name, code)].concat()
}

fn checksum(name: &str, code: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(name.as_bytes());
    sum.update(code);
    sum.finalize().to_le_bytes()
}

/// Native code that nobody else could have written. Made by [`read`] alone.
pub(crate) struct TrustedCode(Vec<u8>);

impl TrustedCode {
    /// As [`Compiled::serialize`] made it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A content hash as part of a file's name.
pub(crate) fn hex(hash: &ContentHash) -> String {
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Code of other policies, and of other versions of the compiler, is of no use any more, apart from the one before.
fn forget_others(state: &StateDir, keep: &str) {
    let Ok(names) = state.names(Folder::Code) else { return };
    let mut others: Vec<_> = names.into_iter().filter(|name| name != keep).collect();
    others.truncate(others.len().saturating_sub(MAX_OTHERS));
    for name in others {
        drop(state.remove(Folder::Code, &name));
    }
}

/// Files of other policies that are kept: for going back to one, and for switching between two.
const MAX_OTHERS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_damaged_or_in_the_place_of_other_code_is_not_read() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::open(&temp.path().join("state")).unwrap();
        let put = |name: &str, content: &[u8]| state.put(Folder::Code, name, content).unwrap();
        let (one, other) = (kept("one", &[7; 40]), kept("other", &[9; 40]));
        put("one", &one);
        assert_eq!(read(&state, "one").unwrap().as_bytes(), [7; 40]);
        for length in 0..one.len() {
            put("one", &one[..length]);
            assert!(read(&state, "one").is_none(), "{length} bytes of it");
        }
        for bit in 0..one.len() * 8 {
            let mut changed = one.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            put("one", &changed);
            assert!(read(&state, "one").is_none(), "bit {bit}");
        }
        put("one", &other);
        assert!(read(&state, "one").is_none(), "the code of another");
    }
}
