//! Lines of the log as they stand in its files: readable JSON, or sealed, in base64url.

use std::borrow::Cow;
use std::io;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::vault::{Piece, UnsealError, Vault, is_sealed};

/// A line as it is to be kept, without its line feed.
pub(super) fn kept(vault: &Vault, line: &[u8]) -> io::Result<Vec<u8>> {
    let kept = vault.seal(Piece::AuditLine, line)?;
    Ok(if is_sealed(&kept) { Base64UrlUnpadded::encode_string(&kept).into_bytes() } else { kept.into_owned() })
}

/// A line as it was.
pub(super) fn opened<'l>(vault: &Vault, line: &'l [u8]) -> Result<Cow<'l, [u8]>, UnsealError> {
    match decoded(line) {
        Some(sealed) => Ok(Cow::Owned(vault.open(Piece::AuditLine, &sealed)?.into_owned())),
        None => Ok(Cow::Borrowed(line)),
    }
}

/// A file of the log with each line of it sealed that is not; none where all are.
pub(crate) fn sealed(vault: &Vault, content: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let lines = || content.split_inclusive(|byte| *byte == b'\n');
    if !vault.seals() || lines().all(|line| is_kept_sealed(ended(line).0)) {
        return Ok(None);
    }
    let mut all = Vec::new();
    for line in lines() {
        let (line, end) = ended(line);
        if is_kept_sealed(line) {
            all.extend_from_slice(line);
        } else {
            all.extend_from_slice(&kept(vault, line)?);
        }
        all.extend_from_slice(end);
    }
    Ok(Some(all))
}

/// Whether a line is kept sealed.
pub(super) fn is_kept_sealed(line: &[u8]) -> bool {
    decoded(line).is_some()
}

fn decoded(line: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(line).ok()?;
    Base64UrlUnpadded::decode_vec(text).ok().filter(|decoded| is_sealed(decoded))
}

/// A line, and its line feed, if it has one.
fn ended(line: &[u8]) -> (&[u8], &[u8]) {
    line.split_at(line.len() - usize::from(line.ends_with(b"\n")))
}
