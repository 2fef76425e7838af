//! What the host tells a policy of the place where it runs, when it loads it.

use std::fmt;

use crate::bindings::exports::placet::policy::licensing::Config;
use crate::{Attribute, fingerprint};

/// Facts and secrets, each by name; the last value of a name counts.
#[derive(Clone, Default)]
pub(crate) struct Deployment {
    facts: Vec<Attribute>,
    secrets: Vec<Attribute>,
}

impl Deployment {
    pub(crate) fn fact(&mut self, name: String, value: String) {
        put(&mut self.facts, name, value);
    }

    pub(crate) fn secret(&mut self, name: String, value: String) {
        put(&mut self.secrets, name, value);
    }

    /// The value of a secret.
    pub(crate) fn told_secret(&self, name: &str) -> Option<&str> {
        self.secrets.iter().find(|secret| secret.name == name).map(|secret| &*secret.value)
    }

    /// With what the machine itself says, for a product and an installation.
    pub(crate) fn on_this_machine(self, product: &str, install_key: &str) -> Self {
        Self { facts: fingerprint::facts(self.facts, product, install_key), ..self }
    }

    /// What a policy with this manifest is told.
    pub(crate) fn config(&self, manifest: String) -> Config {
        Config { manifest, deployment: self.facts.clone(), secrets: self.secrets.clone() }
    }
}

impl fmt::Debug for Deployment {
    /// Of the secrets the names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets: Vec<&str> = self.secrets.iter().map(|secret| &*secret.name).collect();
        f.debug_struct("Deployment").field("facts", &self.facts).field("secrets", &secrets).finish()
    }
}

fn put(list: &mut Vec<Attribute>, name: String, value: String) {
    list.retain(|one| one.name != name);
    list.push(Attribute { name, value });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_to_the_policy_and_to_nobody_else() {
        let mut deployment = Deployment::default();
        deployment.fact("product".to_owned(), "acme/router".to_owned());
        deployment.secret("license-key".to_owned(), "TEST-old".to_owned());
        deployment.secret("license-key".to_owned(), "TEST-open".to_owned());
        let config = deployment.config(String::new());
        let told: Vec<_> = config.secrets.iter().map(|secret| (&*secret.name, &*secret.value)).collect();
        assert_eq!(told, [("license-key", "TEST-open")]);
        let shown = format!("{deployment:?} {:?}", crate::Placet::builder().secret("license-key", "TEST-open"));
        assert!(shown.contains("license-key") && !shown.contains("TEST-open"), "{shown}");
    }
}
