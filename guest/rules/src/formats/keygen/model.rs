//! What Keygen says of a license, as claims of `placet/1`. The license key stands in its files and is never shown.

use alloc::string::String;

use serde_json::{Value, json};

use super::super::draft::Draft;
use super::super::pointed::{amount, at, flag, required, text, time};
use super::{LIMITS, Settings};
use crate::claims::NAME;
use crate::claims::fields::invalid;
use crate::duration::SECOND;
use crate::reason;
use crate::refusal::Refusal;
use crate::types::Instant;

/// Attributes that are shown.
const SHOWN: [&str; 3] = ["status", "uses", "floating"];
/// Attributes of a machine that are shown.
const MACHINE: [&str; 4] = ["name", "hostname", "platform", "cores"];

/// `data` is the license.
pub(super) fn license_file(settings: &Settings, file: &Value) -> Result<Draft, Refusal> {
    let data = resource(file, "/data", "licenses")?;
    let mut draft = drafted(settings, file, data)?;
    license(settings, &mut draft, data)?;
    Ok(draft)
}

/// `data` is the machine; the license is among what is included, if it was asked for at check-out. Without it the file grants that the
/// machine is known, and nothing by name.
pub(super) fn machine_file(settings: &Settings, file: &Value) -> Result<Draft, Refusal> {
    let machine = resource(file, "/data", "machines")?;
    let mut draft = drafted(settings, file, machine)?;
    let id = required(text(machine, "/relationships/license/data/id")?, "/data/relationships/license/data/id")?;
    match included(file, "licenses")?.find(|license| license.get("id").is_some_and(|found| *found == *id)) {
        Some(data) => license(settings, &mut draft, data)?,
        None => draft.set("jti", Some(identified(id)?)),
    }
    let fingerprint = required(text(machine, "/attributes/fingerprint")?, "/data/attributes/fingerprint")?;
    draft.set("scope", Some(json!({ "fingerprints": [fingerprint] })));
    show(&mut draft, machine, &MACHINE, "machine");
    Ok(draft)
}

/// The dataset that Keygen makes unless the vendor gives one of its own.
pub(super) fn signed_key(settings: &Settings, dataset: &Value) -> Result<Draft, Refusal> {
    belongs(settings, dataset, "/product/id", "/account/id")?;
    let mut draft = Draft::default();
    draft.set("jti", Some(identified(required(text(dataset, "/license/id")?, "/license/id")?)?));
    draft.text("iss", dataset, "/account/id")?;
    draft.text("sub", dataset, "/user/id")?;
    draft.text("customer", dataset, "/user/email")?;
    draft.text("plan", dataset, "/policy/id")?;
    draft.time("iat", time(dataset, "/license/created")?);
    draft.time("exp", time(dataset, "/license/expiry")?);
    Ok(draft)
}

/// What both files have: `meta` and the relationships of what they are about.
fn drafted(settings: &Settings, file: &Value, data: &Value) -> Result<Draft, Refusal> {
    belongs(settings, data, "/relationships/product/data/id", "/relationships/account/data/id")?;
    let issued = required(time(file, "/meta/issued")?, "/meta/issued")?;
    let mut draft = Draft::default();
    draft.time("iat", Some(issued));
    draft.text("iss", data, "/relationships/account/data/id")?;
    draft.file_expires(file_end(file, issued)?);
    entitlements(&mut draft, file)?;
    Ok(draft)
}

/// `meta.expiry`, or `meta.issued` and `meta.ttl`. None: the file holds for as long as the license.
fn file_end(file: &Value, issued: Instant) -> Result<Option<Instant>, Refusal> {
    let ttl = amount(file, "/meta/ttl")?;
    let by_ttl = ttl.map(|ttl| issued.saturating_add(ttl.saturating_mul(SECOND)));
    Ok(time(file, "/meta/expiry")?.or(by_ttl))
}

/// One key signs for all products of an account, so that a license of another product can be told by its ids alone.
fn belongs(settings: &Settings, data: &Value, product: &str, account: &str) -> Result<(), Refusal> {
    for (expected, pointer) in [(&settings.product, product), (&settings.account, account)] {
        let Some(expected) = expected else { continue };
        if text(data, pointer)?.as_ref() != Some(expected) {
            return Err(Refusal::at(reason::AUDIENCE_MISMATCH, "expected", expected.clone()));
        }
    }
    Ok(())
}

fn license(settings: &Settings, draft: &mut Draft, data: &Value) -> Result<(), Refusal> {
    let status = text(data, "/attributes/status")?.unwrap_or_default();
    if flag(data, "/attributes/suspended")? == Some(true) || ["SUSPENDED", "BANNED"].contains(&status.as_str()) {
        return Err(Refusal::at(reason::SUSPENDED, "status", status));
    }
    let id = identified(required(text(data, "/id")?, "/data/id")?)?;
    for (attribute, name, kind) in LIMITS {
        let pointer = alloc::format!("/attributes/{attribute}");
        // One that is null is without end; one that is not there was not known to the Keygen that wrote the file.
        if data.pointer(&pointer).is_some() {
            draft.limit(name, amount(data, &pointer)?, &settings.terms(name, kind, &id));
        }
    }
    draft.set("jti", Some(id));
    draft.text("customer", data, "/attributes/name")?;
    draft.text("plan", data, "/relationships/policy/data/id")?;
    for owner in ["/relationships/user/data/id", "/relationships/owner/data/id"] {
        draft.text("sub", data, owner)?;
    }
    draft.time("exp", time(data, "/attributes/expiry")?);
    check_in(draft, data)?;
    show(draft, data, &SHOWN, "license");
    Ok(())
}

/// A license that must be checked in is good until the next check-in is due; whoever checked in checks out a new file.
fn check_in(draft: &mut Draft, data: &Value) -> Result<(), Refusal> {
    const DUE: &str = "/attributes/nextCheckIn";
    if flag(data, "/attributes/requireCheckIn")? == Some(true) {
        draft.file_expires(Some(required(time(data, DUE)?, DUE)?));
    }
    Ok(())
}

/// The codes of the entitlements that were included at check-out.
fn entitlements(draft: &mut Draft, file: &Value) -> Result<(), Refusal> {
    const CODE: &str = "/included/attributes/code";
    for entitlement in included(file, "entitlements")? {
        let code = text(entitlement, "/attributes/code")?.filter(|code| (1..=NAME).contains(&code.len()));
        draft.feature(&required(code, CODE)?, true);
    }
    Ok(())
}

/// The resources of a type (JSON:API section 7.1, compound documents).
fn included<'a>(file: &'a Value, kind: &'static str) -> Result<impl Iterator<Item = &'a Value>, Refusal> {
    let list = match at(file, "/included") {
        None => None,
        Some(Value::Array(list)) => Some(list),
        Some(_) => return Err(invalid("/included")),
    };
    Ok(list.into_iter().flatten().filter(move |one| one.get("type").is_some_and(|found| found == kind)))
}

/// A resource of the type that the file was signed as.
fn resource<'a>(file: &'a Value, pointer: &str, kind: &str) -> Result<&'a Value, Refusal> {
    let data = file.pointer(pointer).filter(|data| data.is_object()).ok_or_else(|| invalid(pointer))?;
    match data.get("type") {
        Some(found) if *found == kind => Ok(data),
        _ => Err(Refusal::new(reason::FORMAT_MISMATCH)),
    }
}

fn identified(id: String) -> Result<String, Refusal> {
    if (1..=NAME).contains(&id.len()) { Ok(id) } else { Err(invalid("/data/id")) }
}

/// Attributes for display, and the metadata, which the vendor made to be seen.
fn show(draft: &mut Draft, data: &Value, attributes: &[&str], of: &str) {
    for name in attributes {
        if let Some(value) = at(data, &alloc::format!("/attributes/{name}")) {
            draft.show(&alloc::format!("{of}.{name}"), value);
        }
    }
    for (name, value) in at(data, "/attributes/metadata").and_then(Value::as_object).into_iter().flatten() {
        draft.show(name, value);
    }
}
