//! What the rules take from the policy's manifest: its name, its sequence, and the keys to trust.
//!
//! The host verified the manifest and reads it strictly; here, an entry of `trust` that cannot be read (a format or a key of a newer
//! vendor) is left out and never matches, and the others stay.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::formats::Format;
use crate::jwk::PublicKey;
use crate::notices::Kind;
use crate::refusal::Refusal;
use crate::types::Instant;
use crate::{instant, json, reason};

/// The manifest that was signed with the policy.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// `vendor/product`.
    pub name: String,
    /// Rises with each release.
    pub sequence: u64,
    /// The keys that can be used.
    pub trust: Vec<TrustedKey>,
}

/// A key of the vendor, and what it may sign.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// As documents name it.
    pub kid: String,
    /// The key, which fixes the algorithm.
    pub key: PublicKey,
    /// How what it signs is read.
    pub format: Format,
    /// At least one.
    pub uses: Vec<Kind>,
    /// Whom its licenses must be for; none: the policy's name.
    pub product: Option<String>,
    /// It signs from then on.
    pub not_before: Option<Instant>,
    /// The last instant at which it signs.
    pub not_after: Option<Instant>,
}

impl Manifest {
    /// Reads a manifest. Refused where it is no JSON object, or without a name and a sequence.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let refused = |field: &str| Refusal::at(reason::MANIFEST_INVALID, "field", field);
        let manifest = json::parse(text.as_bytes())
            .map_err(|error| Refusal::at(reason::MANIFEST_INVALID, "json", error.reason()))?;
        let name = manifest
            .get("name")
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
            .ok_or_else(|| refused("name"))?;
        let sequence = manifest.get("sequence").and_then(Value::as_u64).ok_or_else(|| refused("sequence"))?;
        let trust = match manifest.get("trust") {
            None => Vec::new(),
            Some(entries) => {
                entries.as_array().ok_or_else(|| refused("trust"))?.iter().filter_map(TrustedKey::read).collect()
            }
        };
        Ok(Self { name: name.to_string(), sequence, trust })
    }
}

impl TrustedKey {
    /// May it sign documents of this kind?
    pub fn signs(&self, kind: Kind) -> bool {
        self.uses.contains(&kind)
    }

    /// Could it sign at this time?
    pub fn is_valid_at(&self, instant: Instant) -> bool {
        self.not_before.is_none_or(|first| first <= instant) && self.not_after.is_none_or(|last| instant <= last)
    }

    fn read(entry: &Value) -> Option<Self> {
        let key = PublicKey::from_value(entry.get("jwk")?).ok()?;
        let settings = match entry.get("settings") {
            None => Map::new(),
            Some(settings) => settings.as_object()?.clone(),
        };
        let format = Format::read(entry.get("format")?.as_str()?, &settings, &key).ok()?;
        let uses = entry.get("use")?.as_array()?.iter().filter_map(Value::as_str);
        // The documents beside licenses are of one format alone.
        let fits = |kind: &Kind| *kind == Kind::License || matches!(format, Format::Placet1);
        let uses: Vec<Kind> = uses.filter_map(Kind::named).filter(fits).collect();
        if uses.is_empty() {
            return None;
        }
        let product = match entry.get("product") {
            None | Some(Value::Null) => None,
            Some(product) => Some(product.as_str()?.to_string()),
        };
        Some(Self {
            kid: entry.get("kid")?.as_str()?.to_string(),
            key,
            format,
            uses,
            product,
            not_before: bound(entry, "not_before")?,
            not_after: bound(entry, "not_after")?,
        })
    }
}

/// The outer option: can it be read; the inner: is it there. A bound that cannot be read must not become none.
fn bound(entry: &Value, name: &str) -> Option<Option<Instant>> {
    match entry.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(seconds) => seconds.as_u64().and_then(instant::from_seconds).map(Some),
    }
}
