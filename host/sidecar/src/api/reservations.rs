//! Charging in advance, and settling what it cost in the end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use placet::{Decision, SettleError, Settlement};
use serde::{Deserialize, Serialize};

use super::body::Json;
use super::decisions;
use super::questions::{Charge, Charges, Context};
use crate::answer::json;
use crate::credentials::Identity;
use crate::problem::Problem;
use crate::service::Service;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reserve {
    charges: Charges,
    /// Milliseconds.
    term: Option<u64>,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settle {
    actual: u64,
}

#[derive(Serialize)]
struct Reserved {
    reservation: Option<String>,
    decision: Decision,
}

/// Reserves for a term: the decision, and the id to settle by.
pub(super) async fn reserve(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Json(mut asked): Json<Reserve>,
) -> Result<Response, Problem> {
    identity.bind(&mut asked.context.tenant)?;
    let reserved = service.ask(move |service| {
        let Charge { limit, amount } = &asked.charges.first;
        let request = service.placet.reserve(limit, *amount);
        let request =
            asked.charges.rest.iter().fold(request, |request, charge| request.and(&charge.limit, charge.amount));
        let request = asked.term.map(Duration::from_millis).into_iter().fold(request, placet::Reserve::term);
        let Context { tenant, once, details } = &asked.context;
        let request = tenant.iter().fold(request, placet::Reserve::tenant);
        let request = once.iter().fold(request, placet::Reserve::once);
        let request = details.iter().fold(request, |request, detail| request.detail(&detail.name, &detail.value));
        let reservation = request.decide()?;
        let decision = decisions::told(reservation.decision().clone())?;
        Ok(Reserved { reservation: reservation.id().map(ToOwned::to_owned), decision })
    });
    Ok(json(&reserved.await?))
}

/// Tells what it cost.
pub(super) async fn settle(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Json(Settle { actual }): Json<Settle>,
) -> Result<Response, Problem> {
    settled(service.ask(move |service| service.placet.settle(&id, actual).map_err(unsettled)).await)
}

/// Gives all of it back.
pub(super) async fn release(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Result<Response, Problem> {
    settled(service.ask(move |service| service.placet.release_reservation(&id).map_err(unsettled)).await)
}

fn settled(settlement: Result<Settlement, Problem>) -> Result<Response, Problem> {
    settlement.map(|settlement| json(&settlement))
}

fn unsettled(error: SettleError) -> Problem {
    let status = match &error {
        SettleError::Unknown => StatusCode::NOT_FOUND,
        SettleError::Settled { .. } => StatusCode::CONFLICT,
        SettleError::Store(_) | SettleError::Failure(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::of(error.reason().to_owned(), status, error.to_string())
}
