//! The policy: which versions there are, installing one, and going back.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use placet::artifact::MAX_POLICY;
use placet::{PolicyError, PolicyInfo};
use serde::{Deserialize, Serialize};

use super::body::{self, Json};
use crate::answer::json;
use crate::problem::Problem;
use crate::service::Service;

#[derive(Serialize)]
struct Kept {
    #[serde(flatten)]
    info: PolicyInfo,
    /// It decides.
    active: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    /// Of the policy to go back to, as `GET /v1/policy` has it.
    hash: String,
}

/// All that are kept, oldest first.
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let kept = service.ask(|service| {
        let active = service.placet.status().policy;
        let policies = service.placet.policies().map_err(|error| refused(&error))?;
        let kept = policies.into_iter().map(|(_, info)| Kept { active: info.hash == active.hash, info });
        Ok(kept.collect::<Vec<_>>())
    });
    Ok(json(&kept.await?))
}

/// Adopts the signed policy that is the body.
pub(super) async fn install(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let policy = body::read(request.into_body(), MAX_POLICY, &service).await?;
    let adopted = service
        .ask(move |service| service.placet.install_policy_bytes(policy.to_vec()).map_err(|error| refused(&error)));
    Ok(json(&adopted.await?))
}

/// Goes back to one that is kept.
pub(super) async fn rollback(
    State(service): State<Arc<Service>>,
    Json(Rollback { hash }): Json<Rollback>,
) -> Result<Response, Problem> {
    let adopted = service.ask(move |service| {
        let policies = service.placet.policies().map_err(|error| refused(&error))?;
        let kept = policies.iter().find(|(_, info)| info.hash == hash);
        let (path, _) = kept.ok_or_else(|| {
            Problem::of(
                "policy-unknown",
                StatusCode::NOT_FOUND,
                "no policy with this hash is kept; `GET /v1/policy` lists them",
            )
        })?;
        service.placet.rollback_policy(path).map_err(|error| refused(&error))
    });
    Ok(json(&adopted.await?))
}

fn refused(error: &PolicyError) -> Problem {
    Problem::of(error.reason(), StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}
