//! What opens encrypted documents, by name. Wiped from memory when it is dropped, and never shown.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::reason;
use crate::refusal::Refusal;
use crate::types::Attribute;

/// The secrets of an installation.
#[derive(Clone, Default)]
pub struct Secrets(Vec<(String, Zeroizing<String>)>);

impl Secrets {
    /// A copy of what the host told.
    pub fn new(secrets: &[Attribute]) -> Self {
        let copy = |secret: &Attribute| (secret.name.clone(), Zeroizing::new(secret.value.to_string()));
        Self(secrets.iter().map(copy).collect())
    }

    /// The secret of a name, and those under it: of `license-key` also `license-key/berlin`.
    pub fn under(&self, name: &str) -> impl Iterator<Item = &str> {
        let fits =
            move |known: &str| known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.0.iter().filter(move |(known, _)| fits(known)).map(|(_, value)| value.as_str())
    }

    /// Why a document stays closed that a secret of this name was to open.
    pub(crate) fn refusal(&self, name: &str) -> Refusal {
        let missing = self.under(name).next().is_none();
        Refusal::at(if missing { reason::SECRET_MISSING } else { reason::SECRET_WRONG }, "secret", name)
    }
}

impl fmt::Debug for Secrets {
    /// The names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn secrets_are_found_by_name_and_never_shown() {
        let given =
            [("license-key", "one"), ("license-key/berlin", "two"), ("license-keys", "three"), ("other", "four")];
        let secrets = Secrets::new(&given.map(|(name, value)| Attribute::new(name, value)));
        assert_eq!(secrets.under("license-key").collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(secrets.under("absent").count(), 0);
        let shown = format!("{secrets:?} {secrets:#?}");
        assert!(given.iter().all(|(name, value)| shown.contains(name) && !shown.contains(value)), "{shown}");
    }
}
