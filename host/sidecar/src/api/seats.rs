//! Who holds seats, and giving them back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use placet::{Decision, Failure, Holder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::Asking;
use super::decisions;
use super::tenancy;
use crate::answer::Answer;
use crate::credentials::Identity;
use crate::problem::{About, Problem};
use crate::service::Service;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    limit: String,
    tenant: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Seat {
    limit: String,
    holder: String,
    tenant: Option<String>,
}

/// `GET /v1/seats?limit=users`: the holders, by name.
pub(super) async fn holders(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Asking(Pool { limit, tenant }): Asking<Pool>,
) -> Result<Answer<Vec<Holder>>, Problem> {
    let tenant = identity.tenant(tenant)?;
    let holders = service.work(move |service| {
        let holders = service.placet.holders(&limit, tenant.as_deref());
        holders.map(|all| tenancy::seen(service, &identity, &limit, all)).map_err(|failure| unanswered(&failure))
    });
    holders.await.map(Answer)
}

/// `DELETE /v1/seats?limit=users&holder=ada`: a decision, since the policy is asked.
pub(super) async fn release(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Asking(Seat { limit, holder, tenant }): Asking<Seat>,
) -> Result<Answer<Decision>, Problem> {
    let tenant = identity.tenant(tenant)?;
    tenancy::admit(&service, &identity, &limit, &holder)?;
    let decide = move |service: &Service| {
        let request = service.placet.release(&limit, &holder);
        let request = tenant.iter().fold(request, |request, tenant| request.tenant(tenant));
        decisions::told(request.decide()?, About::Limit)
    };
    service.work(decide).await.map(Answer)
}

/// The limit is none of which there are holders, or there was no answer.
fn unanswered(failure: &Failure) -> Problem {
    match failure.reason() {
        reason @ ("kind-mismatch" | "not-licensed" | "limit-undecided" | "tenant-required" | "request-invalid") => {
            Problem::of(
                reason.to_owned(),
                StatusCode::UNPROCESSABLE_ENTITY,
                "nobody can hold seats of this limit, as it is named here",
            )
        }
        _ => failure.clone().into(),
    }
}
