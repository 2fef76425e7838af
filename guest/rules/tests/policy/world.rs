//! A host in memory: documents, the copies it keeps, counters, a manifest, and vendors with TEST keys.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use ed25519_compact::{KeyPair, Seed};
use placet_rules::counters::{
    CounterError, Counters, Draw, Entry, Member, Once, Own, Pools, Portion, Recorded, Supply,
};
use placet_rules::files::{FileError, Files};
use placet_rules::policy::{Config, Policy};
use placet_rules::types::{Attribute, Document, Status, Summary, Time};
use serde_json::{Value, json};

use crate::pools::PoolModel;

/// 2026-01-01T00:00:00Z, in seconds: when the licenses of these tests are issued.
pub(crate) const BEGIN: u64 = 1_767_225_600;
/// 2027-01-01T00:00:00Z: when they end.
pub(crate) const END: u64 = 1_798_761_600;
pub(crate) const DAY: u64 = 86_400;

/// Milliseconds, of seconds.
pub(crate) fn ms(seconds: u64) -> u64 {
    seconds * 1000
}

/// A wall clock that is right.
pub(crate) fn at(now: u64) -> Time {
    Time { now, wall: now }
}

/// A TEST key.
pub(crate) struct Vendor {
    kid: Option<&'static str>,
    pair: KeyPair,
}

/// The vendor whose key, `TEST-1`, the manifest of a new world trusts.
pub(crate) fn vendor() -> Vendor {
    Vendor::new(1, Some("TEST-1"))
}

impl Vendor {
    pub(crate) fn new(seed: u8, kid: Option<&'static str>) -> Self {
        Self { kid, pair: KeyPair::from_seed(Seed::new([seed; 32])) }
    }

    /// An entry of the manifest's trust.
    pub(crate) fn trust(&self, uses: &[&str]) -> Value {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(self.pair.pk.as_ref()) });
        json!({ "kid": self.kid.unwrap_or("TEST-unnamed"), "jwk": jwk, "format": "placet/1", "use": uses })
    }

    /// A compact JWS.
    pub(crate) fn sign(&self, claims: &Value) -> Vec<u8> {
        self.sign_bytes(claims.to_string().as_bytes())
    }

    pub(crate) fn sign_bytes(&self, payload: &[u8]) -> Vec<u8> {
        let header = match self.kid {
            Some(kid) => json!({ "alg": "EdDSA", "kid": kid }),
            None => json!({ "alg": "EdDSA" }),
        };
        let signed = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload));
        let signature = self.pair.sk.sign(signed.as_bytes(), None);
        format!("{signed}.{}", base64url(signature.as_ref())).into_bytes()
    }
}

/// RFC 4648 section 5, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let group =
                chunk.iter().chain([0, 0].iter()).take(3).fold(0_usize, |group, byte| group << 8 | usize::from(*byte));
            (0..=chunk.len()).map(move |index| char::from(ALPHABET[group >> (18 - 6 * index) & 63]))
        })
        .collect()
}

/// The claims of a license for the year 2026, with these beside or in place of its own; `null` takes one away.
pub(crate) fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "https://licensing.acme.example", "jti": "lic_1", "sub": "org_globex", "aud": "acme/router",
        "iat": BEGIN, "nbf": BEGIN, "exp": END, "customer": "Globex GmbH", "plan": "team",
        "features": { "sso": true },
        "limits": { "tokens": { "kind": "quota", "max": 100 }, "objects": { "kind": "gauge", "max": 10 } },
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// Signed by [`vendor`].
pub(crate) fn license(changes: Value) -> Vec<u8> {
    vendor().sign(&claims(changes))
}

/// What the host holds.
pub(crate) struct World {
    pub(crate) manifest: Value,
    pub(crate) deployment: Vec<Attribute>,
    pub(crate) secrets: Vec<Attribute>,
    pub(crate) offered: BTreeMap<String, Result<Vec<u8>, FileError>>,
    pub(crate) kept: BTreeMap<String, Vec<u8>>,
    pub(crate) counters: Memory,
}

impl World {
    /// No documents, and one trusted key.
    pub(crate) fn new() -> Self {
        let manifest = json!({ "format": 1, "name": "acme/router", "version": "1.0.0", "sequence": 5,
            "issued": BEGIN, "trust": [vendor().trust(&["license"])] });
        Self {
            manifest,
            deployment: Vec::new(),
            secrets: Vec::new(),
            offered: BTreeMap::new(),
            kept: BTreeMap::new(),
            counters: Memory::default(),
        }
    }

    /// With one license more.
    pub(crate) fn with(mut self, name: &str, document: Vec<u8>) -> Self {
        self.put(name, document);
        self
    }

    pub(crate) fn put(&mut self, name: &str, document: Vec<u8>) {
        self.offered.insert(name.to_string(), Ok(document));
    }

    /// Loads a policy that knows nothing but what is here, and keeps copies of what it adopted, as a host does.
    pub(crate) fn load(&mut self, time: Time) -> Policy {
        let manifest = self.manifest.to_string();
        let config = Config { manifest: &manifest, deployment: &self.deployment, secrets: &self.secrets };
        let policy = Policy::load(config, self, &self.counters, time);
        for document in policy.status(time).documents {
            if document.adopted && !document.recovered {
                self.kept.insert(document.name.clone(), self.offered[&document.name].clone().unwrap());
            }
        }
        policy
    }

    /// Loads, and asks at once.
    pub(crate) fn status(&mut self, now: u64) -> Status {
        self.load(at(now)).status(at(now))
    }
}

/// What a state comes down to.
pub(crate) fn told(status: &Status) -> (bool, &str, &str) {
    (status.usable, &status.state, &status.reason)
}

pub(crate) fn document<'a>(status: &'a Status, name: &str) -> &'a Document {
    status.documents.iter().find(|document| document.name == name).expect(name)
}

pub(crate) fn summary<'a>(status: &'a Status, id: &str) -> &'a Summary {
    status.licenses.iter().find(|license| license.id == id).expect(id)
}

pub(crate) fn warnings(status: &Status) -> Vec<&str> {
    status.warnings.iter().map(|warning| warning.reason.as_str()).collect()
}

impl Files for World {
    fn names(&self) -> Vec<String> {
        self.offered.keys().cloned().collect()
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, FileError> {
        self.offered.get(name).cloned().unwrap_or(Err(FileError::NotFound))
    }

    fn kept(&self) -> Vec<String> {
        self.kept.keys().cloned().collect()
    }

    fn recover(&self, name: &str) -> Result<Vec<u8>, FileError> {
        self.kept.get(name).cloned().ok_or(FileError::NotFound)
    }
}

/// Counters that can be made to fail, and that count how often they were written.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) held: RefCell<BTreeMap<String, u64>>,
    pub(crate) writes: Cell<u32>,
    pub(crate) broken: Cell<bool>,
    pub(crate) pools: PoolModel,
}

impl Memory {
    fn write(&self, counter: &str, value: impl FnOnce(u64) -> u64) -> Result<(u64, u64), CounterError> {
        self.read(&[])?;
        self.writes.set(self.writes.get() + 1);
        let mut held = self.held.borrow_mut();
        let counter = held.entry(counter.to_string()).or_default();
        let before = *counter;
        *counter = value(before);
        Ok((before, *counter))
    }
}

impl Counters for Memory {
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        if self.broken.get() {
            return Err(CounterError::Unavailable("disk-full".to_string()));
        }
        let held = self.held.borrow();
        Ok(counters.iter().map(|counter| held.get(counter).copied().unwrap_or(0)).collect())
    }

    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        Ok(self.write(counter, |_| value)?.0)
    }

    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        Ok(self.write(counter, |before| before.max(value))?.1)
    }

    fn level(&self, _: &Draw) -> Supply {
        panic!("loading charges nothing")
    }

    fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        assert!(draws.is_empty() && once.is_none(), "loading charges nothing");
        for (entry, current) in
            self.read(&entries.iter().map(|entry| entry.counter.clone()).collect::<Vec<_>>())?.into_iter().enumerate()
        {
            if current + entries[entry].amount > entries[entry].ceiling {
                return Err(CounterError::Exceeded { entry, current });
            }
        }
        entries.iter().map(|entry| Ok(self.write(&entry.counter, |before| before + entry.amount)?.1)).collect()
    }

    fn subtract(&self, _: &[Portion], _: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        panic!("loading charges nothing")
    }

    fn recall(&self, _: &str) -> Result<Option<Recorded>, CounterError> {
        panic!("loading charges nothing")
    }

    fn pools(&self) -> &dyn Pools {
        if self.broken.get() { self } else { &self.pools }
    }
}

/// Those that fail.
impl Pools for Memory {
    fn place(&self, _: &str, _: &str) -> Result<(u64, Option<Own>), CounterError> {
        Err(CounterError::Unavailable("disk-full".to_string()))
    }

    fn claim(&self, _: &str, _: &str, _: Own, _: u64) -> Result<u64, CounterError> {
        panic!("nothing is claimed of pools that gave no answer")
    }

    fn release(&self, _: &str, _: &str) -> Result<u64, CounterError> {
        panic!("loading releases nothing")
    }

    fn members(&self, _: &str, _: Option<&str>, _: u32) -> Result<Vec<Member>, CounterError> {
        Err(CounterError::Unavailable("disk-full".to_string()))
    }
}
