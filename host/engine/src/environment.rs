//! What the environment may say: where things are. Never whom to trust, and never whether to enforce.

use std::env;
use std::ffi::OsString;

use crate::Builder;

impl Builder {
    /// Takes over what is set of `PLACET_POLICY`, `PLACET_LICENSE` (paths), `PLACET_LICENSE_TOKEN` (a license by value) and
    /// `PLACET_STATE` (a directory), where an empty variable counts as not set; and the storage secret.
    #[must_use]
    pub fn from_env(mut self) -> Self {
        if let Some(path) = set("PLACET_POLICY") {
            self = self.policy(path);
        }
        if let Some(path) = set("PLACET_LICENSE") {
            self = self.licenses(path);
        }
        if let Some(token) = set("PLACET_LICENSE_TOKEN") {
            self = self.license_token(token.as_encoded_bytes());
        }
        if let Some(path) = set("PLACET_STATE") {
            self = self.state(path);
        }
        self.storage_secret_from_env()
    }

    /// Takes over the storage secret: `PLACET_STORAGE_SECRET`, or the path of its file, `PLACET_STORAGE_SECRET_FILE`. One that is empty is
    /// none that could seal, and refuses the opening: whoever set it meant to seal.
    #[must_use]
    pub fn storage_secret_from_env(self) -> Self {
        match (env::var_os("PLACET_STORAGE_SECRET"), env::var_os("PLACET_STORAGE_SECRET_FILE")) {
            (Some(secret), _) => self.storage_secret(secret.as_encoded_bytes()),
            (None, Some(path)) if path.is_empty() => self.storage_secret(b""),
            (None, Some(path)) => self.storage_secret_file(path),
            (None, None) => self,
        }
    }
}

fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
