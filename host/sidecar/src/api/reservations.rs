//! Charging in advance, and settling what it cost in the end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use placet::{Decision, SettleError, Settlement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Json;
use super::decisions;
use super::object::{Object, object};
use super::questions::{Charge, Charges, Context};
use super::tenancy;
use crate::answer::Answer;
use crate::credentials::Identity;
use crate::openapi::{Input, Operation, Schemas};
use crate::problem::{About, Problem};
use crate::service::Service;

/// Charges in advance.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reserve {
    charges: Charges,
    /// After which all of it is given back: milliseconds.
    term: Option<u64>,
    #[serde(default, deserialize_with = "object")]
    context: Context,
}

/// What it cost in the end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settle {
    /// Units of the first charge.
    actual: u64,
}

/// What was charged in advance.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reserved {
    /// The id to settle by; null where it was denied.
    reservation: Option<String>,
    decision: Decision,
}

/// Reserves for a term: the decision, and the id to settle by.
pub(super) async fn reserve(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Json(mut asked): Json<Reserve>,
) -> Result<Answer<Reserved>, Problem> {
    identity.bind(&mut asked.context.tenant)?;
    tenancy::admit_charges(&service, &identity, || asked.charges.all())?;
    let reserved = service.work(move |service| {
        let Charge { limit, amount } = &asked.charges.first;
        let request = service.placet.reserve(limit, *amount);
        let request =
            asked.charges.rest.iter().fold(request, |request, charge| request.and(&charge.limit, charge.amount));
        let request = asked.term.map(Duration::from_millis).into_iter().fold(request, placet::Reserve::term);
        let Context { tenant, once, details } = &asked.context;
        let request = tenant.iter().fold(request, placet::Reserve::tenant);
        let request = once.iter().fold(request, placet::Reserve::once);
        let request =
            details.iter().fold(request, |request, Object(detail)| request.detail(&detail.name, &detail.value));
        let reservation = request.decide()?;
        let decision = tenancy::veiled(service, &identity, reservation.decision().clone());
        let decision = decisions::told(decision, About::Limit)?;
        Ok(Reserved { reservation: reservation.id().map(ToOwned::to_owned), decision })
    });
    reserved.await.map(Answer)
}

/// Tells what it cost.
pub(super) async fn settle(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    Json(Settle { actual }): Json<Settle>,
) -> Result<Answer<Settlement>, Problem> {
    service.work(move |service| service.placet.settle(&id, actual).map_err(unsettled)).await.map(Answer)
}

/// Gives all of it back.
pub(super) async fn release(State(service): State<Arc<Service>>, Id(id): Id) -> Result<Answer<Settlement>, Problem> {
    service.work(move |service| service.placet.release_reservation(&id).map_err(unsettled)).await.map(Answer)
}

/// Of a reservation, in the path.
#[derive(Debug)]
pub(super) struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id)).map_err(|_| Problem::input("the id in the path is not UTF-8"))
    }
}

impl Input for Id {
    /// The path names it.
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.refuses(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

fn unsettled(error: SettleError) -> Problem {
    let status = match &error {
        SettleError::Unknown => StatusCode::NOT_FOUND,
        SettleError::Settled { .. } => StatusCode::CONFLICT,
        SettleError::Store(_) | SettleError::Failure(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::of(error.reason().to_owned(), status, error.to_string())
}
