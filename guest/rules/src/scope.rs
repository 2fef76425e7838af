//! Does a license hold in this deployment, and for this version of the product?
//!
//! Compared is what the license narrows with the facts that the host tells. A fact that is not told fits nothing.

use alloc::string::{String, ToString};

use semver::{Version, VersionReq};

use crate::instant;
use crate::license::{License, Matching, ReleasedBy, Scope};
use crate::reason;
use crate::refusal::Refusal;
use crate::types::Attribute;

/// The fact that tells a process from others with the same counters.
pub(crate) const INSTANCE: &str = "instance";

/// Refuses a license that is for elsewhere, or not for this version.
pub fn check(license: &License, deployment: &[Attribute]) -> Result<(), Refusal> {
    let scope = &license.scope;
    fingerprints(scope, deployment)?;
    among(&scope.environments, "environment", reason::ENVIRONMENT_MISMATCH, deployment)?;
    among(&scope.products, "product", reason::PRODUCT_MISMATCH, deployment)?;
    among(&scope.hosts, "host", reason::HOST_MISMATCH, deployment)?;
    version(license, deployment)?;
    if scope.instances.is_some() {
        told(INSTANCE, deployment)?;
    }
    maintained(license, deployment)
}

/// Host names are compared without case (RFC 4343), the others exactly.
fn among(allowed: &[String], fact: &str, mismatch: &str, deployment: &[Attribute]) -> Result<(), Refusal> {
    if allowed.is_empty() {
        return Ok(());
    }
    let told = told(fact, deployment)?;
    let fits = match fact {
        "host" => allowed.iter().any(|host| host.eq_ignore_ascii_case(told)),
        _ => allowed.iter().any(|one| one == told),
    };
    if fits { Ok(()) } else { Err(Refusal::at(mismatch, fact, told)) }
}

/// Is this one of those that the host told?
pub(crate) fn has_fingerprint(deployment: &[Attribute], wanted: &str) -> bool {
    deployment.iter().any(|fact| is_fingerprint(fact) && fact.value.eq_ignore_ascii_case(wanted))
}

fn is_fingerprint(fact: &Attribute) -> bool {
    fact.name.starts_with("fingerprint/")
}

fn fingerprints(scope: &Scope, deployment: &[Attribute]) -> Result<(), Refusal> {
    let listed = scope.fingerprints.len();
    if listed == 0 {
        return Ok(());
    }
    if !deployment.iter().any(is_fingerprint) {
        return Err(Refusal::at(reason::FACT_MISSING, "fact", "fingerprint"));
    }
    let matched = scope.fingerprints.iter().filter(|wanted| has_fingerprint(deployment, wanted)).count();
    let needed = match scope.matching {
        Matching::Any => 1,
        Matching::Two => listed.min(2),
        Matching::Most => listed / 2 + 1,
        Matching::All => listed,
    };
    if matched >= needed {
        return Ok(());
    }
    let mut refusal = Refusal::at(reason::FINGERPRINT_MISMATCH, "matched", matched.to_string());
    refusal.details.push(Attribute::new("needed", needed.to_string()));
    Err(refusal)
}

/// A version outside of the range; where maintenance goes by versions, it has ended before this one.
fn version(license: &License, deployment: &[Attribute]) -> Result<(), Refusal> {
    let Some(range) = &license.scope.versions else { return Ok(()) };
    let told = told("version", deployment)?;
    let by_version = license.maintenance.is_some_and(|maintenance| maintenance.by == ReleasedBy::Version);
    match Version::parse(told) {
        Err(_) => Err(Refusal::at(reason::FACT_INVALID, "fact", "version")),
        Ok(version) if range.matches(&version) => Ok(()),
        Ok(version) if by_version && is_newer(&version, range) => {
            Err(Refusal::at(reason::MAINTENANCE_ENDED, "version", told))
        }
        Ok(_) => Err(Refusal::at(reason::VERSION_MISMATCH, "version", told)),
    }
}

/// Is it above each version that the range names?
fn is_newer(version: &Version, range: &VersionReq) -> bool {
    let place = |comparator: &semver::Comparator| {
        (comparator.major, comparator.minor.unwrap_or(0), comparator.patch.unwrap_or(0))
    };
    range.comparators.iter().all(|comparator| (version.major, version.minor, version.patch) >= place(comparator))
}

/// By release date: a version that was released by the end of the maintenance may be used for ever.
fn maintained(license: &License, deployment: &[Attribute]) -> Result<(), Refusal> {
    let Some(maintenance) = license.maintenance.filter(|maintenance| maintenance.by == ReleasedBy::ReleaseDate) else {
        return Ok(());
    };
    let told = told("released", deployment)?;
    let released = instant::from_date(told).ok_or_else(|| Refusal::at(reason::FACT_INVALID, "fact", "released"))?;
    if released <= maintenance.until { Ok(()) } else { Err(Refusal::at(reason::MAINTENANCE_ENDED, "released", told)) }
}

pub(crate) fn told<'a>(fact: &str, deployment: &'a [Attribute]) -> Result<&'a str, Refusal> {
    let found = deployment.iter().find(|attribute| attribute.name == fact);
    found.map(|attribute| &*attribute.value).ok_or_else(|| Refusal::at(reason::FACT_MISSING, "fact", fact))
}

#[cfg(test)]
mod tests;
