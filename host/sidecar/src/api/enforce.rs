//! Decisions as statuses that a product or a proxy can hand through: 204 for a yes, or 200 where that is set.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use placet::{Decision, Request};
use serde_json::json;

use super::body::Json;
use super::questions::{Charge, Question};
use super::tenancy;
use crate::credentials::Identity;
use crate::openapi::{Input, Operation, Output, Schemas};
use crate::problem::{About, Problem};
use crate::service::Service;
use crate::settings::AllowedStatus;
use crate::waits::Waits;

/// Yes, and nothing more.
#[derive(Debug)]
pub(super) struct Allowed(AllowedStatus);

impl Allowed {
    fn of(service: &Service) -> Self {
        Self(service.settings.allowed_status)
    }
}

impl IntoResponse for Allowed {
    fn into_response(self) -> Response {
        match self.0 {
            AllowedStatus::NoContent => StatusCode::NO_CONTENT,
            AllowedStatus::Ok => StatusCode::OK,
        }
        .into_response()
    }
}

impl Output for Allowed {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answers_nothing(StatusCode::NO_CONTENT);
        operation.answers_nothing(StatusCode::OK);
    }
}

/// Yes or no to one question.
pub(super) async fn decide<Q: Question>(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Json(mut question): Json<Q>,
) -> Result<Allowed, Problem> {
    tenancy::bind(&service, &identity, &mut question)?;
    let waits = Waits::of(question.subject());
    let decide = move |service: &Service| enforced(service, &identity, question.request(&service.placet), Q::ABOUT);
    service.ask(waits, move |service| decide(service).map(|_| Allowed::of(service))).await
}

/// All that a request needs before its handler runs, by headers alone, so that a proxy can ask it with whatever method the request has:
/// the feature of `placet-feature` is licensed, the tenant of `placet-tenant` is one of those that may be active, and one unit of the
/// rate is left, as are the units of each `placet-charge: LIMIT=AMOUNT`.
pub(super) async fn request(
    State(service): State<Arc<Service>>,
    identity: Identity,
    mut asked: Asked,
) -> Result<Allowed, Problem> {
    identity.bind(&mut asked.tenant)?;
    let waits = Waits::of(asked.charges.first().map_or(&service.settings.request_tenants, |charge| &charge.limit));
    service.ask(waits, move |service| asked.enforce(service, &identity)).await
}

/// What the headers say.
#[derive(Debug, Default)]
pub(super) struct Asked {
    tenant: Option<String>,
    feature: Option<String>,
    once: Option<String>,
    charges: Vec<Charge>,
    details: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

impl Input for Asked {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        let text = |description| json!({"type": "string", "description": description});
        let list = |description, pattern| json!({"type": "array", "items": {"type": "string", "pattern": pattern}, "description": description});
        for (name, schema) in [
            (TENANT, text("For which tenant")),
            (FEATURE, text("The feature that is to be licensed")),
            (ONCE, text("The same key never counts twice")),
            (CHARGE, list("Charges, as LIMIT=AMOUNT", "^[A-Za-z0-9._-]+=[0-9]{1,19}$")),
            (DETAIL, list("What else the policy is to know, as NAME=VALUE", "^[A-Za-z0-9._-]+=[!-+.-~-]*$")),
        ] {
            operation.takes_parameter("header", name, false, schema);
        }
        operation.refuses(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

impl Asked {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        // A charge in a header that is misspelled would be free.
        let known = [TENANT, FEATURE, ONCE, CHARGE, DETAIL];
        let is_wrong = |name: &&HeaderName| name.as_str().starts_with("placet-") && !known.contains(&name.as_str());
        if let Some(wrong) = headers.keys().find(is_wrong) {
            let name: String = wrong.as_str().chars().take(LONGEST).collect();
            return Err(Problem::input(format!("there is no header `{name}`, only {}", known.join(", "))));
        }
        let charge = |text: &str| {
            let (limit, amount) = pair(text)?;
            let is_number = !amount.is_empty() && amount.bytes().all(|byte| byte.is_ascii_digit());
            Some(Charge { limit, amount: amount.parse().ok().filter(|_| is_number)? })
        };
        Ok(Self {
            tenant: single(headers, TENANT)?,
            feature: single(headers, FEATURE)?,
            once: single(headers, ONCE)?,
            charges: all(headers, CHARGE, charge)?,
            details: all(headers, DETAIL, pair)?,
        })
    }

    fn enforce(&self, service: &Service, identity: &Identity) -> Result<Allowed, Problem> {
        let placet = &service.placet;
        let license = placet.license();
        let mut charges = self.charges.clone();
        if let Some(feature) = &self.feature {
            let decision = enforced(service, identity, self.of(placet.check(feature)), About::Feature)?;
            // Reading goes on when a license has expired, and is not counted then.
            if !license.usable && decision.allowed && charges.is_empty() {
                return Ok(Allowed::of(service));
            }
        }
        // What the license does not limit is not asked about.
        let standing = [&service.settings.request_tenants, &service.settings.request_rate];
        let is_named = |name: &str| license.limits.iter().any(|limit| limit.name == name);
        let one = |name: &String| Charge { limit: name.clone(), amount: 1 };
        charges.extend(standing.into_iter().filter(|name| is_named(name)).map(one));
        tenancy::admit_charges(service, identity, || charges.iter().collect())?;
        let Some((Charge { limit, amount }, rest)) = charges.split_first() else {
            return if license.usable { Ok(Allowed::of(service)) } else { Err(Problem::not_usable(&license)) };
        };
        let first = placet.consume(limit, *amount);
        let request = rest.iter().fold(first, |request, charge| request.and(&charge.limit, charge.amount));
        let request = self.once.iter().fold(request, Request::once);
        enforced(service, identity, self.of(request), About::Limit).map(|_| Allowed::of(service))
    }

    fn of<'a>(&self, request: Request<'a>) -> Request<'a> {
        let request = self.tenant.iter().fold(request, Request::tenant);
        self.details.iter().fold(request, |request, (name, value)| request.detail(name, value))
    }
}

/// So much of a name is told.
const LONGEST: usize = 64;

const TENANT: &str = "placet-tenant";
const FEATURE: &str = "placet-feature";
const ONCE: &str = "placet-once";
const CHARGE: &str = "placet-charge";
const DETAIL: &str = "placet-detail";

fn enforced(service: &Service, identity: &Identity, request: Request<'_>, about: About) -> Result<Decision, Problem> {
    let decision = tenancy::veiled(service, identity, request.decide()?);
    decision.into_result().map_err(|denied| Problem::denied(&denied, about))
}

/// The value of a header that stands at most once; empty is as good as none, for that is how a proxy passes on what a client left out.
fn single(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| text(name, value)).transpose()?;
    match values.next() {
        Some(_) => Err(Problem::input(format!("the header `{name}` stands twice"))),
        None => Ok(value.filter(|value| !value.is_empty()).map(ToOwned::to_owned)),
    }
}

/// The values of a header that may stand several times, each with several values between commas (RFC 9110, section 5.6.1).
fn all<T>(headers: &HeaderMap, name: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Problem> {
    let mut found = Vec::new();
    for value in headers.get_all(name) {
        for part in text(name, value)?.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let form = if name == CHARGE { "LIMIT=AMOUNT" } else { "NAME=VALUE" };
            found.push(
                read(part).ok_or_else(|| Problem::input(format!("the header `{name}` is not of the form {form}")))?,
            );
        }
    }
    Ok(found)
}

fn text<'a>(name: &str, value: &'a HeaderValue) -> Result<&'a str, Problem> {
    let text = std::str::from_utf8(value.as_bytes());
    text.map(str::trim).map_err(|_| Problem::input(format!("the header `{name}` is not UTF-8")))
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}
