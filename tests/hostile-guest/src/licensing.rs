//! `licensing` and `verification`: well-behaved, unless the manifest says otherwise.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;

use placet_rules::{jwk, jws};

use crate::Component;
use crate::bindings::exports::placet::policy::licensing::{Config, Guest, Holder};
use crate::bindings::exports::placet::policy::types::{Attribute, Document, Status, Usage};
use crate::bindings::exports::placet::policy::verification::{self, Verified};
use crate::bindings::placet::policy::{clock, counters, files};
use crate::misbehave;

struct Manifest(RefCell<String>);

#[expect(unsafe_code, reason = "a static must be Sync; a component instance has one thread")]
// SAFETY: as above.
unsafe impl Sync for Manifest {}

static MANIFEST: Manifest = Manifest(RefCell::new(String::new()));

/// Whether the manifest asks for it.
fn is_asked(misbehavior: &str) -> bool {
    MANIFEST.0.borrow().contains(&format!("\"misbehave\":\"{misbehavior}\""))
}

impl Guest for Component {
    fn load(config: Config) -> Status {
        MANIFEST.0.replace(config.manifest);
        let documents = files::names();
        if is_asked("load-trap") || documents.iter().any(|name| name == "trap.json") {
            core::arch::wasm32::unreachable();
        }
        if is_asked("load-loop") {
            misbehave::run_forever();
        }
        let mut status = status(documents);
        if is_asked("differ") {
            let entry = counters::Entry { counter: "own/differ".to_string(), amount: 1, ceiling: u64::MAX, slack: 0 };
            let sums = counters::add(&[entry], &[], None).unwrap_or_default();
            let value = sums.first().copied().unwrap_or_default().to_string();
            status.details.push(Attribute { name: "sum".to_string(), value });
        }
        status
    }

    fn current() -> Status {
        status(files::names())
    }

    fn inspect(_document: Vec<u8>, name: Option<String>) -> Status {
        if name.as_deref() == Some("trap-in-inspect") {
            core::arch::wasm32::unreachable();
        }
        status(files::names().into_iter().chain(name).collect())
    }

    fn report(_tenant: Option<String>) -> Result<Vec<Usage>, String> {
        Ok(Vec::new())
    }

    fn holders(_limit: String, _tenant: Option<String>, _after: Option<String>) -> Result<Vec<Holder>, String> {
        Ok(Vec::new())
    }
}

impl verification::Guest for Component {
    fn verify(document: Vec<u8>, jwk: String) -> Result<Verified, String> {
        if is_asked("verify-trap") {
            core::arch::wasm32::unreachable();
        }
        if is_asked("verify-nothing") {
            return Err("unverified".to_string());
        }
        if is_asked("verify-everything") {
            return Ok(Verified { payload: document, algorithm: String::new(), key: jwk });
        }
        let key = jwk::PublicKey::parse(&jwk).map_err(|error| error.reason().to_string())?;
        let verified = jws::verify(&document, &key).map_err(|error| error.reason().to_string())?;
        let algorithm = verified.algorithm().as_str().to_string();
        Ok(Verified { algorithm, key: key.id().to_string(), payload: verified.into_payload() })
    }
}

/// Active as soon as there is a document, whatever it says.
fn status(names: Vec<String>) -> Status {
    let usable = !names.is_empty() || is_asked("active-without-license");
    let state = if usable { "active" } else { "missing" };
    let document = |name| Document {
        name,
        kind: "license".to_string(),
        adopted: true,
        recovered: false,
        reason: "adopted".to_string(),
        details: Vec::new(),
    };
    Status {
        usable,
        state: state.to_string(),
        reason: state.to_string(),
        until: None,
        evaluated: clock::now(),
        licenses: Vec::new(),
        features: Vec::new(),
        limits: Vec::new(),
        documents: names.into_iter().map(document).collect(),
        warnings: Vec::new(),
        details: Vec::new(),
    }
}
