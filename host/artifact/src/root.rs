//! Who may sign policies: the public keys that a product compiles in.

use ed25519_compact::{PublicKey, Signature};

use crate::key::{KeyError, KeyId};
use crate::name::{self, PolicyName};

const BEGIN: &str = "-----BEGIN ";
const BEGIN_PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----";
const END_PUBLIC_KEY: &str = "-----END PUBLIC KEY-----";

/// One Ed25519 key that may sign policies, and for which names.
#[derive(Debug, Clone)]
pub struct PolicyRoot {
    key: PublicKey,
    id: KeyId,
    /// Empty: every name.
    scopes: Vec<Scope>,
}

impl PolicyRoot {
    /// Reads exactly one key, in the form of [`PolicyRoots::from_pem`].
    ///
    /// # Errors
    /// As [`PolicyRoots::from_pem`], and [`RootError::Several`] for a file of several keys.
    pub fn from_pem(pem: &str) -> Result<Self, RootError> {
        let mut roots = PolicyRoots::from_pem(pem)?.0;
        match (roots.pop(), roots.is_empty()) {
            (Some(root), true) => Ok(root),
            _ => Err(RootError::Several),
        }
    }

    /// The id by which signatures name it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// What its `Policy:` lines name, as written; empty when it may sign every policy.
    pub fn scopes(&self) -> impl Iterator<Item = String> + '_ {
        self.scopes.iter().map(|scope| match scope {
            Scope::Policy(name) => name.to_string(),
            Scope::Vendor(vendor) => format!("{vendor}/*"),
        })
    }

    pub(crate) fn for_any_name(key: PublicKey, id: KeyId) -> Self {
        Self { key, id, scopes: Vec::new() }
    }

    pub(crate) fn allows(&self, name: &PolicyName) -> bool {
        self.scopes.is_empty()
            || self.scopes.iter().any(|scope| match scope {
                Scope::Policy(allowed) => allowed == name,
                Scope::Vendor(vendor) => vendor == name.vendor(),
            })
    }

    /// Whether it signed the message; ed25519-compact refuses non-canonical encodings and points of small order.
    pub(crate) fn signed(&self, message: &[u8], signature: [u8; 64]) -> bool {
        self.key.verify(message, &Signature::new(signature)).is_ok()
    }
}

#[derive(Debug, Clone)]
enum Scope {
    Policy(PolicyName),
    Vendor(String),
}

/// The keys that a product trusts to sign policies; at least one, none twice.
#[derive(Debug, Clone)]
pub struct PolicyRoots(Vec<PolicyRoot>);

impl PolicyRoots {
    /// Reads one or several `PUBLIC KEY` blocks (RFC 8410 section 4). Lines before a block may say which policies the key
    /// may sign; without such a line it may sign every one. Comments begin with `#`. RFC 7468 section 2 allows any text between
    /// blocks; any other is refused here, for a `Policy:` line with a typing error would let the key sign everything.
    ///
    /// ```text
    /// # Kept by the release team since 2026.
    /// Policy: acme/router
    /// Policy: acme-labs/*
    /// -----BEGIN PUBLIC KEY-----
    /// MCowBQYDK2VwAyEA…
    /// -----END PUBLIC KEY-----
    /// ```
    ///
    /// # Errors
    /// [`RootError`]; one bad block refuses the whole file, for a key that is silently left out is found out too late.
    pub fn from_pem(pem: &str) -> Result<Self, RootError> {
        let mut roots = Self(Vec::new());
        let mut scopes = Vec::new();
        let mut block: Option<String> = None;
        for (number, line) in (1..).zip(pem.lines()) {
            let line = line.trim();
            if let Some(text) = &mut block {
                text.push_str(line);
                text.push('\n');
                if line == END_PUBLIC_KEY {
                    roots.insert(read_key(text, std::mem::take(&mut scopes), number)?)?;
                    block = None;
                }
            } else if line == BEGIN_PUBLIC_KEY {
                block = Some(format!("{line}\n"));
            } else if line.contains(BEGIN) {
                return Err(RootError::Malformed { line: number });
            } else if let Some(scope) = read_scope(line, number)? {
                scopes.push(scope);
            }
        }
        if block.is_some() || !scopes.is_empty() {
            return Err(RootError::Unfinished);
        }
        if roots.0.is_empty() { Err(RootError::Empty) } else { Ok(roots) }
    }

    /// Adds a key.
    ///
    /// # Errors
    /// [`RootError::Duplicate`] when it is among them, since two rules for one key would contradict each other.
    pub fn insert(&mut self, root: PolicyRoot) -> Result<(), RootError> {
        if self.find(root.id).is_some() {
            return Err(RootError::Duplicate { key: root.id });
        }
        self.0.push(root);
        Ok(())
    }

    /// The keys, in the order given.
    pub fn iter(&self) -> std::slice::Iter<'_, PolicyRoot> {
        self.0.iter()
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&PolicyRoot> {
        self.0.iter().find(|root| root.id == id)
    }
}

impl From<PolicyRoot> for PolicyRoots {
    fn from(root: PolicyRoot) -> Self {
        Self(vec![root])
    }
}

impl<'a> IntoIterator for &'a PolicyRoots {
    type Item = &'a PolicyRoot;
    type IntoIter = std::slice::Iter<'a, PolicyRoot>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A file of policy roots cannot be used. The fault is of whoever built the product, or named the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// No `PUBLIC KEY` block at all.
    #[error("no `PUBLIC KEY` block; give the vendor's public policy keys in PEM")]
    Empty,
    /// Something other than one Ed25519 public key per block.
    #[error("line {line}: not an Ed25519 `PUBLIC KEY` block; `openssl pkey -pubout` writes one")]
    Malformed {
        /// Line of the file, from 1.
        line: usize,
    },
    /// The last block has no end, or `Policy:` lines stand after it, where they restrict nothing.
    #[error("the file ends without the key that its last lines begin; is it cut?")]
    Unfinished,
    /// The key does not name a point that signatures can be checked by: small order or not canonical.
    #[error("line {line}: the key is weak (a point of small order, or not canonical); make another key")]
    Weak {
        /// Line of the file, from 1.
        line: usize,
    },
    /// A line outside of a block that is neither a `Policy:` line nor a comment.
    #[error("line {line}: write `Policy: vendor/product`, `Policy: vendor/*`, or a comment that begins with `#`")]
    Scope {
        /// Line of the file, from 1.
        line: usize,
    },
    /// The same key twice.
    #[error("key {key} is given twice; put its `Policy:` lines before one block")]
    Duplicate {
        /// The key.
        key: KeyId,
    },
    /// One key was asked for.
    #[error("the file holds several keys where one is expected")]
    Several,
}

impl RootError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty | Self::Malformed { .. } | Self::Unfinished | Self::Several => "root-malformed",
            Self::Weak { .. } => "root-weak",
            Self::Scope { .. } => "root-scope-malformed",
            Self::Duplicate { .. } => "root-duplicate",
        }
    }
}

fn read_key(block: &str, scopes: Vec<Scope>, line: usize) -> Result<PolicyRoot, RootError> {
    let key = PublicKey::from_pem(block).map_err(|_| RootError::Malformed { line })?;
    key.validate().map_err(|_| RootError::Weak { line })?;
    let id = KeyId::of(&key).map_err(|KeyError::Malformed| RootError::Malformed { line })?;
    Ok(PolicyRoot { key, id, scopes })
}

/// A line outside of a block.
fn read_scope(line: &str, number: usize) -> Result<Option<Scope>, RootError> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let text = line.strip_prefix("Policy:").ok_or(RootError::Scope { line: number })?.trim();
    match text.strip_suffix("/*") {
        Some(vendor) if name::is_part(vendor) => Ok(Some(Scope::Vendor(vendor.to_owned()))),
        _ => text.parse().map(|name| Some(Scope::Policy(name))).map_err(|_| RootError::Scope { line: number }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../tests/data/TEST-acme.pem");
    const OTHER: &str = include_str!("../tests/data/TEST-globex.pem");

    fn block(pem: &str) -> &str {
        &pem[pem.find(BEGIN).unwrap()..]
    }

    fn name(text: &str) -> PolicyName {
        text.parse().unwrap()
    }

    #[test]
    fn the_lines_before_a_block_restrict_that_key_alone() {
        let pem = format!("# a note\n\nPolicy: acme/router\r\nPolicy: labs/*\n{}\n{}", block(KEY), block(OTHER));
        let roots = PolicyRoots::from_pem(&pem).unwrap();
        let [first, second] = &roots.0[..] else { panic!("two keys") };
        assert_eq!(first.scopes().collect::<Vec<_>>(), ["acme/router", "labs/*"]);
        assert!(first.allows(&name("acme/router")) && first.allows(&name("labs/x")));
        assert!(!first.allows(&name("acme/switch")) && !first.allows(&name("labsx/x")));
        assert!(second.allows(&name("any/name")));
    }

    #[test]
    fn what_cannot_be_read_whole_is_refused_whole() {
        let key = block(KEY);
        let refused = [
            (String::new(), "root-malformed"),
            ("Policy: acme/*\n".to_owned(), "root-malformed"),
            (format!("{key}Policy: acme/*\n"), "root-malformed"),
            (key.replace(END_PUBLIC_KEY, ""), "root-malformed"),
            (key.replace("MCow", "MCox"), "root-malformed"),
            (key.replace("PUBLIC", "PRIVATE"), "root-malformed"),
            (format!("Policy acme/*\n{key}"), "root-scope-malformed"),
            (format!("\u{feff}Policy: acme/*\n{key}"), "root-scope-malformed"),
            (format!("Polcy: acme/*\n{key}"), "root-scope-malformed"),
            (format!("a note\n{key}"), "root-scope-malformed"),
            (format!("Policy: */router\n{key}"), "root-scope-malformed"),
            (format!("Policy:\n{key}"), "root-scope-malformed"),
            (format!("{key}{key}"), "root-duplicate"),
            (include_str!("../tests/data/TEST-small-order.pem").to_owned(), "root-weak"),
        ];
        for (pem, reason) in refused {
            assert_eq!(PolicyRoots::from_pem(&pem).unwrap_err().reason(), reason, "{pem}");
        }
        assert_eq!(PolicyRoot::from_pem(&format!("{key}{}", block(OTHER))).unwrap_err(), RootError::Several);
    }
}
