//! What tells this machine from others, for licenses that are bound to it.
//!
//! Each fingerprint is a SHA-256 over the product, its own name and what was found, so that two vendors cannot compare theirs and
//! nothing can be read back that could not be guessed. None is a secret, and none a proof: who runs the machine can copy them all.
//!
//! | name | made from | changes with |
//! |---|---|---|
//! | `machine-id` | `/etc/machine-id` (systemd, D-Bus) | a new installation of the system; absent in most containers |
//! | `hostname` | what `uname` says | the name; in a container, each start |
//! | `install` | the id of the state directory's key | a new state directory |
//! | `k8s` | the cluster's CA certificate and the namespace's name, as every pod with a service account has them | another cluster or namespace, and a new CA |
//!
//! The UIDs of a cluster and a namespace cannot be read in a pod without asking the API server; certificate and name stand in for them.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use sha2::{Digest, Sha256};

use crate::Attribute;
use crate::install_key::InstallKey;
use crate::state_dir::read_path;
use crate::vault::Vault;

/// A source is no longer than this, in bytes; a bundle of certificates is the longest.
const MAX_SOURCE: u64 = 1 << 20;
/// The fingerprint that is made from the state directory.
const INSTALL: &str = "install";
/// Where a pod finds who it is.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The fingerprints of this machine for a product (`vendor/product`, as its policy is named), by name: 64 hexadecimal digits each. What
/// the machine does not have is left out; `install` is there where a state directory is given in which an installation was opened, and
/// its key is readable or the vault opens it.
pub fn fingerprints(product: &str, state: Option<&Path>, vault: &Vault) -> Vec<Attribute> {
    let key = state.and_then(|path| Dir::open_ambient_dir(path, ambient_authority()).ok());
    let key = key.and_then(|dir| InstallKey::read(&dir, vault).ok().flatten());
    of(product, key.map(|key| key.id()))
}

/// The fingerprint `install` of an installation, by the id of its key.
pub(crate) fn of_install(product: &str, install_key: &str) -> String {
    hash(product, INSTALL, install_key.as_bytes())
}

/// The facts of a deployment: those that were given, and our own. A fingerprint of ours goes before one that was given under its name.
pub(crate) fn facts(given: Vec<Attribute>, product: &str, install_key: &str) -> Vec<Attribute> {
    let mut facts = given;
    for own in of(product, Some(install_key.to_owned())) {
        let name = format!("fingerprint/{}", own.name);
        facts.retain(|fact| fact.name != name);
        facts.push(Attribute { name, value: own.value });
    }
    // One process at a time has a state directory, so that its id tells instances with the same counters apart.
    let defaults =
        [("product", Some(product.to_owned())), ("host", hostname()), ("instance", Some(install_key.to_owned()))];
    for (name, value) in defaults {
        if !facts.iter().any(|fact| fact.name == name) {
            facts.extend(value.map(|value| Attribute { name: name.to_owned(), value }));
        }
    }
    facts
}

fn of(product: &str, install: Option<String>) -> Vec<Attribute> {
    let found = [
        ("hostname", hostname().map(String::into_bytes)),
        (INSTALL, install.map(String::into_bytes)),
        ("k8s", k8s(Path::new(SERVICE_ACCOUNT))),
        ("machine-id", source(Path::new("/etc/machine-id"))),
    ];
    let hashed = |(name, found): (&str, Option<Vec<u8>>)| {
        Some(Attribute { name: name.to_owned(), value: hash(product, name, &found?) })
    };
    found.into_iter().filter_map(hashed).collect()
}

fn hash(product: &str, name: &str, found: &[u8]) -> String {
    let mut sha = Sha256::new();
    for part in [b"placet/fingerprint", product.as_bytes(), name.as_bytes(), found] {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hostname() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    (!name.is_empty()).then_some(name)
}

/// The cluster by its CA certificate, the namespace by its name.
fn k8s(account: &Path) -> Option<Vec<u8>> {
    let (cluster, namespace) = (source(&account.join("ca.crt"))?, source(&account.join("namespace"))?);
    Some([Sha256::digest(cluster).as_slice(), &namespace].concat())
}

/// What a file says, without the white space around it. None: it is not there, or says nothing.
fn source(path: &Path) -> Option<Vec<u8>> {
    let content = read_path(path, MAX_SOURCE).ok()?;
    let content = content.trim_ascii();
    (!content.is_empty()).then(|| content.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_the_products_own_and_stay() {
        let one = fingerprints("acme/router", None, &Vault::default());
        assert_eq!(one, fingerprints("acme/router", None, &Vault::default()));
        assert!(one.iter().any(|fingerprint| fingerprint.name == "hostname"));
        assert!(!one.iter().any(|fingerprint| fingerprint.name == "install"));
        for fingerprint in &one {
            assert_eq!(fingerprint.value.len(), 64);
            assert!(!fingerprints("acme/switch", None, &Vault::default()).contains(fingerprint));
        }
    }

    #[test]
    fn what_is_hashed_cannot_reach_from_one_part_into_the_next() {
        assert_ne!(hash("a", "bc", b"d"), hash("ab", "c", b"d"));
        assert_ne!(hash("a", "b", b"cd"), hash("a", "bc", b"d"));
    }

    #[test]
    fn a_pod_is_known_by_cluster_and_namespace() {
        let account = tempfile::tempdir().unwrap();
        let put = |name: &str, content: &str| std::fs::write(account.path().join(name), content).unwrap();
        assert_eq!(k8s(account.path()), None);
        put("ca.crt", "TEST certificate\n");
        assert_eq!(k8s(account.path()), None);
        put("namespace", "blue");
        let blue = k8s(account.path()).unwrap();
        put("namespace", "green");
        assert_ne!(k8s(account.path()).unwrap(), blue);
        put("namespace", "blue\n");
        assert_eq!(k8s(account.path()).unwrap(), blue);
        put("ca.crt", "TEST another");
        assert_ne!(k8s(account.path()).unwrap(), blue);
        put("namespace", " ");
        assert_eq!(k8s(account.path()), None);
    }

    #[test]
    fn what_was_given_is_kept_but_for_what_is_ours() {
        let fact = |name: &str, value: &str| Attribute { name: name.into(), value: value.into() };
        let given =
            vec![fact("fingerprint/install", "forged"), fact("fingerprint/disk", "own"), fact("host", "edge-1")];
        let facts = facts(given, "acme/router", "k1");
        let told =
            |name: &str| facts.iter().filter(|fact| fact.name == name).map(|fact| &*fact.value).collect::<Vec<_>>();
        assert_eq!(told("fingerprint/install"), [hash("acme/router", "install", b"k1")]);
        assert_eq!((told("fingerprint/disk"), told("host")), (vec!["own"], vec!["edge-1"]));
        assert_eq!(told("product"), ["acme/router"]);
    }
}
