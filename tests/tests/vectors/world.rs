//! The host of both runs: clock, documents and counters in memory, and TEST keys.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use ed25519_compact::{KeyPair, Seed};
use placet_rules::base64url;
use placet_rules::counters::{
    CounterError, Counters, Draw, Entry, Member, Once, Own, Pools, Portion, Recorded, Supply,
};
use placet_rules::duration;
use placet_rules::files::{FileError, Files};
use placet_rules::types::{Attribute, Document, Time};
use placet_tests::foreign::Foreign;
use placet_tests::keys::TestKey;
use serde_json::{Value, json};

use crate::buckets::Buckets;
use crate::case::{Act, Case, Form, Moment, Paper, Step};
use crate::pools::PoolModel;

/// 2026-01-01T00:00:00Z, in seconds: when the base license is issued and begins.
const BEGIN: u64 = 1_767_225_600;
/// 2027-01-01T00:00:00Z: when it ends.
const END: u64 = 1_798_761_600;

/// What the host holds.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) manifest: String,
    pub(crate) deployment: Vec<Attribute>,
    pub(crate) secrets: Vec<Attribute>,
    pub(crate) time: Cell<Time>,
    offered: BTreeMap<String, Result<Vec<u8>, FileError>>,
    kept: BTreeMap<String, Vec<u8>>,
    held: RefCell<BTreeMap<String, u64>>,
    once: RefCell<BTreeMap<String, Recorded>>,
    buckets: RefCell<Buckets>,
    pools: PoolModel,
    broken: Option<String>,
}

impl World {
    /// As the case begins.
    pub(crate) fn new(case: &Case) -> Self {
        let now = case.now.0;
        let bytes = |paper: &Paper| content(paper).expect("a kept copy has a content");
        let offered = case.documents.iter().map(|(name, paper)| (name.clone(), content(paper)));
        let kept = case.kept.iter().map(|(name, paper)| (name.clone(), bytes(paper)));
        Self {
            manifest: case.manifest.clone().unwrap_or_else(|| manifest(case)),
            deployment: case.deployment.iter().map(|(name, value)| Attribute::new(name, value)).collect(),
            secrets: case.secrets.iter().map(|(name, value)| Attribute::new(name, value)).collect(),
            time: Cell::new(Time { now, wall: case.wall.map_or(now, |wall| wall.0) }),
            offered: offered.collect(),
            kept: kept.collect(),
            held: RefCell::new(case.counters.iter().map(|(name, held)| (name.clone(), held.0)).collect()),
            once: RefCell::default(),
            buckets: RefCell::new(Buckets::started(now)),
            pools: pools(case),
            broken: case.broken.clone(),
        }
    }

    /// Makes a change; of a question, does nothing.
    pub(crate) fn change(&mut self, step: &Step) {
        let Time { now, wall } = self.time.get();
        let name = step.name.clone().unwrap_or_else(|| "license.json".to_owned());
        match step.act {
            Act::Wait => {
                let time = step.time.as_deref().and_then(duration::parse).expect("`wait` has a time");
                self.time.set(Time { now: now + time, wall: wall + time });
            }
            Act::Clock => {
                let now = step.now.map_or(now, |now| now.0);
                self.time.set(Time { now, wall: step.wall.map_or(now, |wall| wall.0) });
            }
            Act::Put => {
                self.offered.insert(name, content(step.document.as_ref().expect("`put` has a document")));
            }
            Act::Take => {
                assert!(self.offered.remove(&name).is_some(), "`take` names a document that is there");
            }
            Act::Restart => self.buckets = RefCell::new(Buckets::started(now)),
            Act::Break => self.broken.clone_from(&step.reason),
            _ => {}
        }
    }

    /// Keeps a copy of what was adopted, as a host does after each load.
    pub(crate) fn keep(&mut self, documents: &[(String, bool, bool)]) {
        for (name, _, _) in documents.iter().filter(|(_, adopted, recovered)| *adopted && !*recovered) {
            self.kept.insert(name.clone(), self.offered[name].clone().expect("what was adopted was read"));
        }
    }

    /// All counters and `once` keys, to be compared.
    pub(crate) fn counters(&self) -> Value {
        json!({"held": *self.held.borrow(), "once": self.once.borrow().keys().collect::<Vec<_>>(), "kept": self.kept})
    }

    /// What the counters hold, by name.
    pub(crate) fn held(&self) -> Value {
        json!(*self.held.borrow())
    }

    fn sum(&self, counter: &str) -> u64 {
        self.held.borrow().get(counter).copied().unwrap_or(0)
    }

    fn put(&self, counter: &str, value: u64) {
        self.held.borrow_mut().insert(counter.to_owned(), value);
    }

    fn answers(&self) -> Result<(), CounterError> {
        self.broken.clone().map_or(Ok(()), |reason| Err(CounterError::Unavailable(reason)))
    }

    fn first_time(&self, once: Option<&Once>) -> Result<(), CounterError> {
        let recorded = once.and_then(|once| self.once.borrow().get(&once.key).cloned());
        recorded.map_or(Ok(()), |recorded| Err(CounterError::Repeated(recorded)))
    }

    fn record(&self, once: Option<&Once>, entries: Vec<Portion>, sums: &[u64]) {
        if let Some(Once { key, request }) = once.cloned() {
            self.once.borrow_mut().insert(key, Recorded { request, entries, sums: sums.to_vec() });
        }
    }
}

fn pools(case: &Case) -> PoolModel {
    let member = |(holder, expires): (&String, &Option<Moment>)| {
        let member = Member { holder: holder.clone(), weight: 1, expires: expires.map(|expires| expires.0) };
        (holder.clone(), member)
    };
    let pool = |(pool, holders): (&String, &BTreeMap<_, _>)| (pool.clone(), holders.iter().map(member).collect());
    PoolModel { held: RefCell::new(case.pools.iter().map(pool).collect()), ..PoolModel::default() }
}

/// What `keep` wants to know of a document.
pub(crate) fn kept_of(document: &Document) -> (String, bool, bool) {
    (document.name.clone(), document.adopted, document.recovered)
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

impl Counters for World {
    fn read(&self, counters: &[String]) -> Result<Vec<u64>, CounterError> {
        self.answers()?;
        Ok(counters.iter().map(|counter| self.sum(counter)).collect())
    }

    fn add(&self, entries: &[Entry], draws: &[Draw], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        self.answers()?;
        self.first_time(once)?;
        for (index, entry) in entries.iter().enumerate() {
            let current = self.sum(&entry.counter);
            if current.checked_add(entry.amount).is_none_or(|sum| sum > entry.ceiling) {
                return Err(CounterError::Exceeded { entry: index, current });
            }
        }
        if !self.buckets.borrow_mut().take(draws, self.time.get().now) {
            return Err(CounterError::Empty);
        }
        entries.iter().for_each(|entry| self.put(&entry.counter, self.sum(&entry.counter) + entry.amount));
        let sums: Vec<u64> = entries.iter().map(|entry| self.sum(&entry.counter)).collect();
        let portions = entries.iter().map(|entry| Portion { counter: entry.counter.clone(), amount: entry.amount });
        self.record(once, portions.collect(), &sums);
        Ok(sums)
    }

    fn subtract(&self, portions: &[Portion], once: Option<&Once>) -> Result<Vec<u64>, CounterError> {
        self.answers()?;
        self.first_time(once)?;
        for (index, portion) in portions.iter().enumerate() {
            let current = self.sum(&portion.counter);
            if current < portion.amount {
                return Err(CounterError::Exceeded { entry: index, current });
            }
        }
        portions.iter().for_each(|portion| self.put(&portion.counter, self.sum(&portion.counter) - portion.amount));
        let sums: Vec<u64> = portions.iter().map(|portion| self.sum(&portion.counter)).collect();
        self.record(once, portions.to_vec(), &sums);
        Ok(sums)
    }

    fn recall(&self, key: &str) -> Result<Option<Recorded>, CounterError> {
        self.answers()?;
        Ok(self.once.borrow().get(key).cloned())
    }

    fn level(&self, draw: &Draw) -> Supply {
        self.buckets.borrow().level(draw, self.time.get().now)
    }

    fn set(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.answers()?;
        Ok(self.held.borrow_mut().insert(counter.to_owned(), value).unwrap_or(0))
    }

    fn raise(&self, counter: &str, value: u64) -> Result<u64, CounterError> {
        self.answers()?;
        self.put(counter, self.sum(counter).max(value));
        Ok(self.sum(counter))
    }

    fn pools(&self) -> &dyn Pools {
        self.pools.now.set(self.time.get().now);
        self
    }
}

impl Pools for World {
    fn place(&self, pool: &str, holder: &str) -> Result<(u64, Option<Own>), CounterError> {
        self.answers()?;
        self.pools.place(pool, holder)
    }

    fn claim(&self, pool: &str, holder: &str, own: Own, capacity: u64) -> Result<u64, CounterError> {
        self.answers()?;
        self.pools.claim(pool, holder, own, capacity)
    }

    fn release(&self, pool: &str, holder: &str) -> Result<u64, CounterError> {
        self.answers()?;
        self.pools.release(pool, holder)
    }

    fn members(&self, pool: &str, after: Option<&str>, limit: u32) -> Result<Vec<Member>, CounterError> {
        self.answers()?;
        self.pools.members(pool, after, limit)
    }
}

/// The TEST key of this id; each id has another one.
fn key(kid: &str) -> KeyPair {
    KeyPair::from_seed(Seed::new([kid.bytes().last().unwrap_or(0); 32]))
}

fn manifest(case: &Case) -> String {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&*key("TEST-1").pk)});
    let mut trust = json!({"kid": "TEST-1", "jwk": jwk, "format": "placet/1", "use": ["license"]});
    for (name, value) in &case.trust {
        trust[name] = value.clone();
    }
    let mut trust = vec![trust];
    if !case.keys.is_empty() {
        trust = case.keys.iter().map(|entry| trusted(entry.clone())).collect();
    }
    let sequence = case.sequence.unwrap_or(5);
    json!({"format": 1, "name": "acme/router", "version": "1.0.0", "sequence": sequence, "trust": trust}).to_string()
}

/// An entry of trust with a TEST key, which is also its `kid` unless told.
fn trusted(mut entry: BTreeMap<String, Value>) -> Value {
    if let Some(Value::String(key)) = entry.remove("key") {
        entry.insert("jwk".to_owned(), TestKey::named(&key).jwk());
        entry.entry("kid".to_owned()).or_insert_with(|| json!(key));
    }
    entry.entry("use".to_owned()).or_insert_with(|| json!(["license"]));
    json!(entry)
}

/// The bytes of a document, or why the host has none.
pub(crate) fn content(paper: &Paper) -> Result<Vec<u8>, FileError> {
    match paper.error.as_deref() {
        None => {}
        Some("not-found") => return Err(FileError::NotFound),
        Some("too-large") => return Err(FileError::TooLarge),
        Some(other) => return Err(FileError::Other(other.to_owned())),
    }
    let foreign = paper.foreign.as_ref().map(Foreign::text);
    let mut text = paper.raw.clone().or(foreign).unwrap_or_else(|| signed(paper));
    text.truncate(paper.cut.unwrap_or(usize::MAX));
    let padded = paper.pad.unwrap_or(0).max(text.len());
    text += &" ".repeat(padded - text.len());
    Ok(text.into_bytes())
}

/// A JWS.
fn signed(paper: &Paper) -> String {
    let body = paper.body.as_ref().map(Value::to_string);
    let payload = paper.payload.clone().or(body).unwrap_or_else(|| claims(paper).to_string());
    let kid = paper.signer.as_deref().unwrap_or("TEST-1");
    // A signer without a name is the one that is trusted.
    let (mut header, key) = match kid {
        "" => (json!({"alg": "EdDSA"}), key("TEST-1")),
        kid => (json!({"alg": "EdDSA", "kid": kid}), key(kid)),
    };
    if let Some(kind) = &paper.kind {
        header["typ"] = json!(format!("{kind}+jwt"));
    }
    let encode = |text: &str| base64url::encode(text.as_bytes());
    let mut parts = [encode(&header.to_string()), encode(&payload), String::new()];
    parts[2] = base64url::encode(&*key.sk.sign(parts[..2].join("."), None));
    if let Some(index) = paper.change {
        let at = parts[index].len() / 2;
        let other = if parts[index].as_bytes()[at] == b'A' { "B" } else { "A" };
        parts[index].replace_range(at..=at, other);
    }
    let [protected, payload, signature] = &parts;
    match paper.form {
        Form::Compact => parts.join("."),
        Form::Flattened => json!({"protected": protected, "payload": payload, "signature": signature}).to_string(),
        Form::General => {
            json!({"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}).to_string()
        }
    }
}

/// The claims of the base license, changed.
fn claims(paper: &Paper) -> Value {
    let mut claims = json!({
        "iss": "https://licensing.acme.example", "jti": "lic_1", "sub": "org_globex", "aud": "acme/router",
        "iat": BEGIN, "nbf": BEGIN, "exp": END, "customer": "Globex GmbH", "plan": "team",
        "features": {"sso": true},
        "limits": {"tokens": {"kind": "quota", "max": 100}, "objects": {"kind": "gauge", "max": 10}},
    });
    let object = claims.as_object_mut().expect("an object");
    for (name, value) in paper.claims.iter().flatten() {
        if value.is_null() {
            object.remove(name).expect("the base license has the claim that is taken away");
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    claims
}
