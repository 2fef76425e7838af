//! The claims of format `placet/1`: from a payload to the one typed [`License`].
//!
//! A claim of the wrong type refuses the license, and so does an amount that is no whole number of a u64. A claim that is not known
//! is kept for display, except where it narrows what the license grants: then the license, or the limit that has it, is undecided
//! and does not hold. Refusals name the claim, never its content.

mod features;
pub(crate) mod fields;
mod limits;
mod stretch;
mod terms;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use semver::VersionReq;
use serde_json::Value;

use self::fields::{DETAILS, Fields, invalid, shown, texts};
use self::terms::{check_in, day_end, maintenance};
use crate::duration::{DAY, HOUR};
use crate::license::{License, Matching, Scope};
use crate::refusal::Refusal;
use crate::sorted::sorted;

/// What `grace.clock` is unless told.
pub const GRACE_CLOCK: u64 = 24 * HOUR;
/// What `warn.expiring` is unless told.
const WARN_EXPIRING: u64 = 30 * DAY;
/// What `warn.usage` is unless told, in percent.
const WARN_USAGE: u8 = 80;
/// Bytes of an id or a name: it becomes a part of a counter's name, which is bounded.
pub(crate) const NAME: usize = 128;

/// Who signed a payload, and where it was found.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The document's name.
    pub document: String,
    /// The id of the key.
    pub key: String,
    /// The algorithm of the signature, as its format spells it.
    pub algorithm: String,
    /// SHA-256 of the payload.
    pub payload_hash: [u8; 32],
}

/// A license, and for whom it is.
#[derive(Clone, Debug)]
pub struct Claims {
    /// What it grants.
    pub license: License,
    /// `aud`, each of it; empty: not narrowed.
    pub audience: Vec<String>,
}

/// Reads the claims of a payload that was verified and parsed.
pub fn read(payload: Value, origin: Origin) -> Result<Claims, Refusal> {
    let mut claims = Fields::claims(payload)?;
    let id = match claims.text("jti")? {
        Some(id) if (1..=NAME).contains(&id.len()) => id,
        Some(_) => return Err(invalid("jti")),
        None => payload_id(&origin.payload_hash),
    };
    let audience = audience(&mut claims)?;
    let (issued, starts, expires) = (claims.instant("iat")?, claims.instant("nbf")?, claims.instant("exp")?);
    if let (Some(starts), Some(expires)) = (starts, expires)
        && expires <= starts
    {
        return Err(invalid("exp"));
    }
    let mut undecided = Vec::new();
    let mut details = Vec::new();
    let expires = day_end(&mut claims, expires, &mut undecided)?;
    let kind = claims.text("kind")?.unwrap_or_else(|| String::from("standard"));
    if kind == "trial" && expires.is_none() {
        return Err(invalid("exp"));
    }
    let scope = scope(claims.object("scope")?, &mut undecided)?;
    let (mut grace, mut warn) = (claims.object("grace")?, claims.object("warn")?);
    let license = License {
        id,
        payload_hash: origin.payload_hash,
        document: origin.document,
        key: origin.key,
        algorithm: origin.algorithm,
        issuer: claims.words("iss")?,
        subject: claims.words("sub")?,
        customer: claims.words("customer")?,
        product: audience.join(", "),
        plan: claims.words("plan")?,
        sku: claims.words("sku")?,
        kind,
        issued,
        starts,
        expires,
        file_expires: None,
        supersedes: claims.typed("supersedes", texts)?.unwrap_or_default(),
        requires: claims.texts("requires")?,
        maintenance: maintenance(&mut claims, &scope, &mut undecided)?,
        check_in: check_in(&mut claims, issued, &mut undecided)?,
        features: features::read(claims.object("features")?, &mut details)?,
        scope,
        grace_expiry: grace.duration("expiry")?.unwrap_or(0),
        grace_validation: grace.duration("validation")?.unwrap_or(0),
        grace_clock: grace.duration("clock")?.unwrap_or(GRACE_CLOCK),
        warn_expiring: warn.duration("expiring")?.unwrap_or(WARN_EXPIRING),
        warn_usage: warn.percent("usage")?.unwrap_or(WARN_USAGE),
        limits: limits::read(claims.object("limits")?)?,
        min_policy: claims.amount("min_policy")?,
        undecided,
        details,
    };
    let metadata = claims.object("metadata")?.into_left();
    Ok(Claims { license: finish(license, claims, metadata, [grace, warn]), audience })
}

/// `aud`, each of it; empty: not narrowed.
pub(crate) fn audience(claims: &mut Fields) -> Result<Vec<String>, Refusal> {
    let audience = claims.typed("aud", |value| match value {
        Value::String(one) => Some(Vec::from([one])),
        other => texts(other).filter(|list| !list.is_empty()),
    })?;
    Ok(audience.unwrap_or_default())
}

/// What is left of the claims is for display.
fn finish(
    mut license: License,
    claims: Fields,
    metadata: serde_json::Map<String, Value>,
    options: [Fields; 2],
) -> License {
    license.undecided = sorted(license.undecided, String::cmp);
    let metadata = metadata.into_iter().map(|(name, value)| shown(alloc::format!("metadata/{name}"), value));
    license.details.extend(claims.into_left().into_iter().map(|(name, value)| shown(name, value)));
    for option in options {
        let paths: Vec<String> = option.left().map(|name| option.path(name)).collect();
        license.details.extend(paths.into_iter().zip(option.into_left()).map(|(path, (_, value))| shown(path, value)));
    }
    license.details.extend(metadata);
    license.details.truncate(DETAILS);
    license
}

/// A digest as it is spelled where a license has no id.
pub(crate) fn payload_id(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::from("sha256:"), |id, byte| id + &alloc::format!("{byte:02x}"))
}

fn scope(mut fields: Fields, undecided: &mut Vec<String>) -> Result<Scope, Refusal> {
    let mut fingerprints = BTreeSet::new();
    fingerprints.extend(fields.texts("fingerprints")?.iter().map(|text| text.to_ascii_lowercase()));
    let matching = match fields.text("match")?.as_deref() {
        None | Some("any") => Matching::Any,
        Some("two") => Matching::Two,
        Some("most") => Matching::Most,
        Some("all") => Matching::All,
        Some(_) => {
            undecided.push(fields.path("match"));
            Matching::All
        }
    };
    let scope = Scope {
        fingerprints: fingerprints.into_iter().collect(),
        matching,
        environments: fields.texts("environments")?,
        products: fields.texts("products")?,
        hosts: fields.texts("hosts")?,
        versions: fields.typed("versions", |value| VersionReq::parse(value.as_str()?).ok())?,
        instances: fields.typed("instances", |value| value.as_u64().filter(|most| *most > 0))?,
    };
    undecided.extend(fields.left().map(|name| fields.path(name)));
    Ok(scope)
}

/// A feature or a limit must have a name that fits into a counter's.
fn named(name: &str) -> bool {
    (1..=NAME).contains(&name.len())
}

#[cfg(test)]
mod tests;
