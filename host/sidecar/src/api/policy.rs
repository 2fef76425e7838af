//! The policy: which versions there are, installing one, and going back.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use placet::artifact::MAX_POLICY;
use placet::{PolicyError, PolicyInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::authorize::Admitted;
use super::body::{self, BYTES, Json};
use crate::answer::Answer;
use crate::log;
use crate::openapi::{Input, Operation, Schemas};
use crate::problem::Problem;
use crate::service::Service;

/// A policy that is kept.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeptPolicy")]
pub(super) struct Kept {
    #[serde(flatten)]
    info: PolicyInfo,
    /// It decides.
    active: bool,
    /// Where it is, on the machine of the service.
    file: String,
}

/// Which policy to go back to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyRollback")]
pub(super) struct Rollback {
    /// Of the policy to go back to, as `GET /v1/policy` has it.
    hash: String,
}

/// All that are kept, oldest first.
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<Answer<Vec<Kept>>, Problem> {
    let kept = service.work(|service| {
        let active = service.placet.status().policy;
        let policies = service.placet.policies().map_err(|error| refused(&error))?;
        let kept = policies.into_iter().map(|(path, info)| {
            let is_active = info.hash == active.hash;
            // Whether it was gone back to is known of the one that decides.
            let info = if is_active { active.clone() } else { info };
            Kept { active: is_active, file: path.display().to_string(), info }
        });
        Ok(kept.collect::<Vec<_>>())
    });
    kept.await.map(Answer)
}

/// Adopts the signed policy that is the body.
pub(super) async fn install(
    State(service): State<Arc<Service>>,
    Signed(policy): Signed,
) -> Result<Answer<PolicyInfo>, Problem> {
    let adopted = service
        .work(move |service| service.placet.install_policy_bytes(policy.to_vec()).map_err(|error| refused(&error)));
    adopted.await.map(Answer)
}

/// Goes back to one that is kept.
pub(super) async fn rollback(
    State(service): State<Arc<Service>>,
    Json(Rollback { hash }): Json<Rollback>,
) -> Result<Answer<PolicyInfo>, Problem> {
    let adopted = service.work(move |service| {
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
    adopted.await.map(Answer)
}

/// The file of a policy.
#[derive(Debug)]
pub(super) struct Signed(Bytes);

impl FromRequest<Admitted> for Signed {
    type Rejection = Problem;

    async fn from_request(request: Request, Admitted { service, .. }: &Admitted) -> Result<Self, Problem> {
        body::read(request, MAX_POLICY, service).await.map(Self)
    }
}

impl Input for Signed {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.takes(BYTES, json!({}));
        body::refuses_bodies(operation);
    }
}

fn refused(error: &PolicyError) -> Problem {
    let status = match error {
        PolicyError::State(_) | PolicyError::Record(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::of(error.reason(), status, log::chain(error))
}
