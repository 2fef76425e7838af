//! Whether the process lives, and whether it is of use.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Answer, JSON};
use crate::openapi::{Operation, Output, Schemas};
use crate::problem::Problem;
use crate::service::Service;

/// It lives.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Live {
    status: &'static str,
}

/// Whether it is of use.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ready {
    /// The status is 200.
    ready: bool,
    /// Of the license.
    state: String,
    /// Why.
    reason: String,
}

impl IntoResponse for Ready {
    fn into_response(self) -> Response {
        let status = if self.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Answer(self)).into_response()
    }
}

impl Output for Ready {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        for status in [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE] {
            operation.answers(status, JSON, schemas.answered::<Self>());
        }
    }
}

/// 200, whatever the license says.
pub(super) async fn live() -> Answer<Live> {
    Answer(Live { status: "ok" })
}

/// 200 while requests can be allowed, or at least read; else 503, and from a stop on.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Result<Ready, Problem> {
    let when_expired = service.settings.ready_when_expired;
    let status = service.work(|service| Ok(service.placet.status())).await?;
    if service.is_stopping.load(Ordering::Relaxed) {
        return Ok(Ready { ready: false, state: status.state.clone(), reason: "stopping".to_owned() });
    }
    let ready = match &*status.state {
        "active" | "expiring" | "grace" => true,
        "expired" => when_expired,
        _ => false,
    };
    Ok(Ready { ready, state: status.state.clone(), reason: status.reason.clone() })
}
