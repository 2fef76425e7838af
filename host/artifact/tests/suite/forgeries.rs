//! The attacks, each made from the valid policy by one change.

mod content;
mod envelope;

/// A file that must be refused.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) file: Vec<u8>,
    /// In place of the TEST key of acme.
    pub(crate) roots: Option<&'static str>,
    /// Lowest sequence that the host admits.
    pub(crate) minimum: u64,
    /// Sequence that the host adopted before, of other bytes.
    pub(crate) adopted: Option<u64>,
}

pub(crate) fn attacks() -> Vec<Attack> {
    envelope::attacks().into_iter().chain(content::attacks()).collect()
}

fn attack(name: &'static str, reason: &'static str, about: &'static str, file: Vec<u8>) -> Attack {
    Attack { name, about, reason, file, roots: None, minimum: 0, adopted: None }
}
