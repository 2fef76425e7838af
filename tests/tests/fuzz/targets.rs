//! What is fuzzed: each target takes any bytes and tells in a word or two how they were answered.

use std::collections::BTreeSet;

use placet_rules::counters::{
    CounterError, Counters, Draw, Entry, Member, Once, Own, Pools, Portion, Recorded, Supply,
};
use placet_rules::decide;
use placet_rules::files::{FileError, Files};
use placet_rules::policy::{Config, Policy};
use placet_rules::types::{Attribute, Charge, Context, Status, Time};
use placet_rules::{jwk, jws};
use placet_tests::foreign::{Foreign, Form};
use placet_tests::keys::TestKey;
use serde_json::{Value, json};

/// 32 bytes. TEST.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
/// 2026-06-15T00:00:00Z, within the life of most that is in the corpus.
const NOW: Time = Time { now: 1_781_481_600_000, wall: 1_781_481_600_000 };

/// Members of claims, of which names of the license's own are told apart.
const FIELDS: [&str; 32] = [
    "account",
    "allowance",
    "anchor",
    "burst",
    "by",
    "clock",
    "enforce",
    "environments",
    "every",
    "expires",
    "expiring",
    "expiry",
    "fingerprints",
    "hosts",
    "instances",
    "kind",
    "match",
    "max",
    "per",
    "products",
    "refund",
    "reset",
    "rollover",
    "slack",
    "term",
    "tolerance",
    "until",
    "usage",
    "validation",
    "versions",
    "warn",
    "zone",
];

/// What takes any bytes.
pub(crate) struct Target {
    /// The folder of its corpus.
    pub(crate) name: &'static str,
    /// What is made of an input: it as it stands, or documents over it that are signed, so that what reads them is reached.
    pub(crate) documents: fn(&[u8]) -> Vec<Vec<u8>>,
    trusting: Trusting,
    /// By which the document alone is verified as well.
    keys: Vec<jwk::PublicKey>,
}

impl Target {
    /// Any document: what it is wrapped in, up to its signature.
    pub(crate) fn envelope() -> Self {
        let key = |name| jwk::PublicKey::parse(&TestKey::named(name).jwk().to_string()).expect("a key");
        let trusting = Trusting::of(&[("TEST-ed25519", "placet/1", json!({})), ("TEST-rsa", "keygen", json!({}))]);
        let keys = ["TEST-ed25519", "TEST-p256", "TEST-rsa"].map(key).into();
        Self { name: "envelope", documents: |input| vec![input.to_vec()], trusting, keys }
    }

    /// Claims of `placet/1`.
    pub(crate) fn license() -> Self {
        Self::signed(
            "license",
            |input| vec![sign(input, "TEST-ed25519", Form::Jws)],
            ("TEST-ed25519", "placet/1", json!({})),
        )
    }

    /// Claims of other systems.
    pub(crate) fn formats() -> [Self; 4] {
        let limits = json!({
            "tokens": {"pointer": "/license/quota/tokens", "kind": "quota", "refund": true},
            "storage": {"pointer": "/license/quota/storage", "kind": "gauge", "per": "tenant"}});
        let map = json!({
            "id": "/license/number", "customer": "/org/name", "plan": "/tier", "sku": "/org/plan~0id",
            "starts": "/license/from", "expires": "/license/until", "features": "/license/features", "limits": limits});
        let forms = |input: &[u8]| {
            [Form::LicenseFile, Form::MachineFile, Form::SignedKey].map(|form| sign(input, "TEST-ed25519", form)).into()
        };
        [
            Self::signed(
                "coresdk",
                |input| vec![sign(input, "TEST-p256", Form::Jws)],
                ("TEST-p256", "coresdk", json!({})),
            ),
            Self::signed(
                "terragnos",
                |input| vec![sign(input, "TEST-rsa", Form::Jws)],
                ("TEST-rsa", "terragnos", json!({})),
            ),
            Self::signed("jwt", |input| vec![sign(input, "TEST-ed25519", Form::Jws)], ("TEST-ed25519", "jwt", map)),
            Self::signed("keygen", forms, ("TEST-ed25519", "keygen", json!({}))),
        ]
    }

    fn signed(name: &'static str, documents: fn(&[u8]) -> Vec<Vec<u8>>, trusted: (&str, &str, Value)) -> Self {
        Self { name, documents, trusting: Trusting::of(&[trusted]), keys: Vec::new() }
    }

    /// How a document is answered.
    pub(crate) fn ask(&self, document: &[u8]) -> Told {
        let verified = |key| jws::verify(document, key).map_or_else(|error| error.reason(), |_| "verified");
        let verified: BTreeSet<&str> = self.keys.iter().map(verified).collect();
        let mut told = self.trusting.read(document);
        told.answer = verified.into_iter().chain([&*told.answer]).collect::<Vec<_>>().join(" ");
        told
    }
}

/// An answer, in a few words.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    /// What the document is.
    pub(crate) answer: String,
    /// The reasons of what was decided by it.
    pub(crate) decided: BTreeSet<String>,
}

/// A document over this payload.
fn sign(payload: &[u8], key: &str, form: Form) -> Vec<u8> {
    let payload = Some(String::from_utf8_lossy(payload).into_owned());
    Foreign { payload, ..Foreign::of("placet", key, form) }.text().into_bytes()
}

/// Manifest, facts and secrets of rules that trust some keys.
struct Trusting {
    manifest: String,
    deployment: Vec<Attribute>,
    secrets: Vec<Attribute>,
}

impl Trusting {
    fn of(keys: &[(&str, &str, Value)]) -> Self {
        let entry = |(key, format, settings): &(&str, &str, Value)| json!({"kid": key, "jwk": TestKey::named(key).jwk(), "format": format, "use": ["license"], "settings": settings});
        let trust: Vec<Value> = keys.iter().map(entry).collect();
        let facts = [
            ("fingerprint/machine", "AB:CD:EF:01"),
            ("version", "2.1.0"),
            ("environment", "production"),
            ("released", "2026-01-01"),
        ];
        Self {
            manifest: json!({"format": 1, "name": "acme/router", "version": "1.0.0", "sequence": 5, "trust": trust})
                .to_string(),
            deployment: facts.map(|(name, value)| Attribute::new(name, value)).into(),
            secrets: [("license-key", "TEST-key"), ("terms", SECRET)]
                .map(|(name, value)| Attribute::new(name, value))
                .into(),
        }
    }

    /// Reads a document as the only one, decides whatever it names, and tells what came of it.
    fn read(&self, document: &[u8]) -> Told {
        let (host, Self { manifest, deployment, secrets }) = (Host(document), self);
        let policy = Policy::load(Config { manifest, deployment, secrets }, &host, &host, NOW);
        let status = policy.status(NOW);
        let mut decided = BTreeSet::new();
        let view = policy.view(NOW);
        let context = Context { tenant: Some("t1".to_owned()), once: Some("key".to_owned()), details: Vec::new() };
        let limits = status.licenses.iter().flat_map(|license| &license.limits);
        for limit in limits.take(16) {
            let charge = Charge { limit: limit.name.clone(), amount: 1 };
            let asked = decide::consume(&view, std::slice::from_ref(&charge), &context, &host);
            decided.insert(asked.map_or_else(|reason| reason, |decision| decision.reason));
            let asked = decide::credit(&view, &charge, &context, &host);
            decided.insert(asked.map_or_else(|reason| reason, |decision| decision.reason));
        }
        let reported = decide::report(&view, Some("t1"), &host);
        decided.extend(reported.err());
        Told { answer: outcome(&status), decided }
    }
}

/// The state and its reason; and of the claim that is to blame its first part and its last, unless a license chose that name itself.
fn outcome(status: &Status) -> String {
    let blamed = status.documents.iter().flat_map(|document| &document.details).find(|detail| detail.name == "claim");
    let claim = blamed.map(|claim| {
        let mut parts = claim.value.split(['.', '/', ',']).filter(|part| !part.is_empty());
        let (first, last) = (parts.next(), parts.next_back().filter(|last| FIELDS.contains(last)));
        first.into_iter().chain(last).fold(String::new(), |path, part| path + ":" + part)
    });
    format!("{}:{}{}", status.state, status.reason, claim.unwrap_or_default())
}

/// A host with one document, whose counters hold nothing and take everything.
struct Host<'a>(&'a [u8]);

impl Files for Host<'_> {
    fn names(&self) -> Vec<String> {
        vec!["license".to_owned()]
    }

    fn read(&self, _: &str) -> Result<Vec<u8>, FileError> {
        Ok(self.0.to_vec())
    }

    fn kept(&self) -> Vec<String> {
        Vec::new()
    }

    fn recover(&self, _: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }
}

impl Counters for Host<'_> {
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        Ok(vec![0; counters.len()])
    }

    fn add(&self, entries: &[Entry], _: &[Draw], _: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        Ok(entries.iter().map(|entry| entry.amount).collect())
    }

    fn subtract(&self, portions: &[Portion], _: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        Ok(vec![0; portions.len()])
    }

    fn recall(&self, _: &str) -> Result<Option<Recorded>, CounterError> {
        Ok(None)
    }

    fn level(&self, draw: &Draw) -> Supply {
        Supply { tokens: draw.capacity / 2, wait: 1 }
    }

    fn set(&self, _: &str, _: u64) -> Result<u64, CounterError> {
        Ok(0)
    }

    fn raise(&self, _: &str, value: u64) -> Result<u64, CounterError> {
        Ok(value)
    }

    fn pools(&self) -> &dyn Pools {
        self
    }
}

impl Pools for Host<'_> {
    fn place(&self, _: &str, _: &str) -> Result<(u64, Option<Own>), CounterError> {
        Ok((2, Some(Own { weight: 1, left: Some(1) })))
    }

    fn claim(&self, _: &str, _: &str, own: Own, _: u64) -> Result<u64, CounterError> {
        Ok(own.weight)
    }

    fn release(&self, _: &str, _: &str) -> Result<u64, CounterError> {
        Ok(0)
    }

    fn members(&self, _: &str, _: Option<&str>, _: u32) -> Result<Vec<Member>, CounterError> {
        Ok(vec![Member { holder: "TEST".to_owned(), weight: 1, expires: None }])
    }
}
