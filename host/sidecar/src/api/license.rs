//! The license: how it stands, installing another, and taking that back.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use placet::{Change, InstallError, Placet, Status, Summary, Usage};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::authorize::Admitted;
use super::body::{self, Asking, BYTES};
use super::object::Object;
use super::usage;
use crate::answer::{Answer, JSON};
use crate::credentials::Identity;
use crate::openapi::{Input, Operation, Schemas};
use crate::problem::Problem;
use crate::service::Service;

/// The longest document, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;

/// How the license stands. Instants are RFC 3339.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "License")]
pub(super) struct Told {
    /// The state, where `valid` is active and `expiring_soon` is expiring.
    status: String,
    /// missing, invalid, pending, active, expiring, grace, expired or revoked.
    state: String,
    /// Why.
    reason: String,
    /// What it grants is granted.
    usable: bool,
    edition: Option<String>,
    plan: Option<String>,
    expires: Option<String>,
    /// Whole days; negative after the end.
    days_until_expiry: Option<i64>,
    /// It holds within a grace: it has expired, or a kept copy stands in for its document.
    grace_active: bool,
    /// Each that a license names, with whether it is granted.
    features: BTreeMap<String, bool>,
    /// The maximum of each; null: unlimited.
    limits: BTreeMap<String, Option<u64>>,
    usage: Vec<Usage>,
    /// What the vendor wrote for people.
    metadata: BTreeMap<String, String>,
    /// SHA-256 of the document, in hex.
    fingerprint: Option<String>,
}

/// The license, flat and safe to hand on. Instants are RFC 3339.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LicenseStatus")]
pub(super) struct Flat {
    status: String,
    reason: String,
    license_id: Option<String>,
    /// The claim `sub`; where there is none, the name of the customer.
    customer_id: Option<String>,
    sku: Option<String>,
    key_id: Option<String>,
    issuer: Option<String>,
    issued: Option<String>,
    not_before: Option<String>,
    expiry: Option<String>,
    grace_active: bool,
    features: Vec<String>,
    limits: BTreeMap<String, Option<u64>>,
    /// Of the policy that decides.
    version: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Install {
    /// Only tells how the license would stand.
    #[serde(default, deserialize_with = "body::flag")]
    dry_run: bool,
}

/// A document, before it counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatusPreview")]
pub(super) struct Previewed {
    change: Change,
    status: Status,
}

/// How the license stands, with what the tenants use that are asked for.
pub(super) async fn tell(State(service): State<Arc<Service>>, identity: Identity) -> Result<Answer<Told>, Problem> {
    let told = service.work(move |service| {
        let status = service.placet.status();
        let usage = usage::of(&service.placet, &identity)?;
        Ok(Told::new(&service.placet, &status, usage))
    });
    told.await.map(Answer)
}

/// The same for support, without what is used.
pub(super) async fn flat(State(service): State<Arc<Service>>) -> Result<Answer<Flat>, Problem> {
    service.work(|service| Ok(Flat::new(&service.placet.status()))).await.map(Answer)
}

/// Installs the document that is the body, or that the body holds as `{"licenseKey": "…"}`; with `?dry_run=true` it only tells how the license
/// would stand.
pub(super) async fn install(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Asking(Install { dry_run }): Asking<Install>,
    Offered(document): Offered,
) -> Result<Answer<Told>, Problem> {
    let told = service.work(move |service| {
        let placet = &service.placet;
        if dry_run {
            let status = placet.preview_install(&document, None).map_err(|error| refused(&error))?;
            let told = Told::new(placet, &status, Vec::new());
            let alone = placet.inspect(&document, None)?;
            let leads = status.leading().is_some_and(|leading| alone.licenses.iter().any(|one| one.id == leading.id));
            return Ok(if leads { Told { fingerprint: Some(sha256(&document)), ..told } } else { told });
        }
        let status = placet.install(&document, None).map_err(|error| refused(&error))?;
        let usage = usage::of(placet, &identity)?;
        Ok(Told::new(placet, &status, usage))
    });
    told.await.map(Answer)
}

/// The whole of how it stands, for the command that asks here.
pub(super) async fn status(State(service): State<Arc<Service>>) -> Result<Answer<Status>, Problem> {
    service.work(|service| Ok(service.placet.status())).await.map(Answer)
}

/// The whole of how it would stand with this document, and what is gained and lost by it.
pub(super) async fn preview(
    State(service): State<Arc<Service>>,
    Offered(document): Offered,
) -> Result<Answer<Previewed>, Problem> {
    let previewed = service.work(move |service| {
        let status = service.placet.preview_install(&document, None).map_err(|error| refused(&error))?;
        Ok(Previewed { change: Change::between(&service.placet.status(), &status), status })
    });
    previewed.await.map(Answer)
}

/// Takes back what was installed last.
pub(super) async fn rollback(State(service): State<Arc<Service>>) -> Result<Answer<Told>, Problem> {
    let told = service.work(|service| {
        let status = service.placet.rollback_install().map_err(|error| refused(&error))?;
        let usage = status.usage.clone();
        Ok(Told::new(&service.placet, &status, usage))
    });
    told.await.map(Answer)
}

/// What is to be installed.
#[derive(Debug)]
pub(super) struct Offered(Vec<u8>);

/// The member of it, by which it is told from a document.
const KEY: &str = "licenseKey";

/// A document by value.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LicenseKey")]
struct Key {
    #[serde(rename = "licenseKey")]
    key: String,
}

impl FromRequest<Admitted> for Offered {
    type Rejection = Problem;

    async fn from_request(request: Request, Admitted { service, .. }: &Admitted) -> Result<Self, Problem> {
        let body = body::read(request, MAX_DOCUMENT, service).await?;
        let members: Option<BTreeMap<String, IgnoredAny>> = serde_json::from_slice(&body).ok();
        if members.is_none_or(|members| !members.contains_key(KEY)) {
            return Ok(Self(body.to_vec()));
        }
        let key = body::parse(&body).map_err(|wrong| wrong.in_part("the object with `licenseKey`"));
        key.map(|Object(Key { key })| Self(key.into_bytes()))
    }
}

impl Input for Offered {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        // The document itself is an object as well, or a text that is no JSON.
        operation.takes(JSON, json!({"anyOf": [schemas.asked::<Key>(), {"type": "object"}]}));
        operation.takes(BYTES, json!({}));
        body::refuses_bodies(operation);
    }
}

fn refused(error: &InstallError) -> Problem {
    let status = match error {
        InstallError::Refused { .. } | InstallError::Name(_) => StatusCode::UNPROCESSABLE_ENTITY,
        InstallError::NotInstalled(_) | InstallError::Mounted(_) | InstallError::NothingReplaced => {
            StatusCode::CONFLICT
        }
        InstallError::State(_) | InstallError::Store(_) | InstallError::Failure(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::of(error.reason().to_owned(), status, error.to_string())
}

impl Told {
    fn new(placet: &Placet, status: &Status, usage: Vec<Usage>) -> Self {
        let license = status.leading();
        let all = status.licenses.iter().flat_map(|license| &license.features);
        let is_granted = |name: &String| status.features.iter().any(|feature| feature.name == *name);
        Self {
            status: word(status),
            state: status.state.clone(),
            reason: status.reason.clone(),
            usable: status.usable,
            edition: plan(license),
            plan: plan(license),
            expires: license.and_then(|license| instant(license.expires)),
            days_until_expiry: status.days_until_expiry,
            grace_active: status.state == "grace",
            features: all.map(|name| (name.clone(), is_granted(name))).collect(),
            limits: limits(status),
            usage,
            metadata: license.map(metadata).unwrap_or_default(),
            fingerprint: license.and_then(|license| placet.fingerprint(&license.document)),
        }
    }
}

impl Flat {
    fn new(status: &Status) -> Self {
        let license = status.leading();
        let text =
            |of: fn(&Summary) -> &String| license.map(|license| of(license).clone()).filter(|text| !text.is_empty());
        Self {
            status: word(status),
            reason: status.reason.clone(),
            license_id: text(|license| &license.id),
            customer_id: license
                .and_then(|license| detail(license, "subject"))
                .or_else(|| text(|license| &license.customer)),
            sku: license.and_then(|license| detail(license, "sku")),
            key_id: text(|license| &license.key),
            issuer: text(|license| &license.issuer),
            issued: license.and_then(|license| instant(license.issued)),
            not_before: license.and_then(|license| instant(license.starts)),
            expiry: license.and_then(|license| instant(license.expires)),
            grace_active: status.state == "grace",
            features: status.features.iter().map(|feature| feature.name.clone()).collect(),
            limits: limits(status),
            version: status.policy.version.clone(),
        }
    }
}

/// In hex.
fn sha256(document: &[u8]) -> String {
    Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The state, in the words of older products.
fn word(status: &Status) -> String {
    match &*status.state {
        "active" => "valid",
        "expiring" => "expiring_soon",
        other => other,
    }
    .to_owned()
}

fn plan(license: Option<&Summary>) -> Option<String> {
    license.map(|license| license.plan.clone()).filter(|plan| !plan.is_empty())
}

fn limits(status: &Status) -> BTreeMap<String, Option<u64>> {
    status.limits.iter().map(|limit| (limit.name.clone(), limit.max)).collect()
}

fn detail(license: &Summary, name: &str) -> Option<String> {
    license.details.iter().find(|detail| detail.name == name).map(|detail| detail.value.clone())
}

/// What stands in the claim `metadata`: the policy shows it among what it does not judge.
fn metadata(license: &Summary) -> BTreeMap<String, String> {
    let named =
        license.details.iter().filter_map(|detail| Some((detail.name.strip_prefix("metadata/")?, &detail.value)));
    named.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

fn instant(milliseconds: Option<u64>) -> Option<String> {
    let milliseconds = i64::try_from(milliseconds?).ok()?;
    Timestamp::from_millisecond(milliseconds).ok().map(|instant| instant.to_string())
}
