//! What the environment may say: where things are. Never whom to trust, and never whether to enforce.

use std::env;

use crate::Builder;

impl Builder {
    /// Takes over what is set of `PLACET_POLICY`, `PLACET_LICENSE` (paths), `PLACET_LICENSE_TOKEN` (a license by value) and
    /// `PLACET_STATE` (a directory). An empty variable counts as not set.
    #[must_use]
    pub fn from_env(mut self) -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
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
        self
    }
}
