//! Whether the process lives, and whether it is of use.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::answer::json;
use crate::problem::Problem;
use crate::service::Service;

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    state: String,
    reason: String,
}

/// 200, whatever the license says.
pub(super) async fn live() -> Response {
    json(&Live { status: "ok" })
}

/// 200 while requests can be allowed, or at least read; else 503.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let when_expired = service.settings.ready_when_expired;
    let status = service.ask(|service| Ok(service.placet.status())).await?;
    let ready = match &*status.state {
        "active" | "expiring" | "grace" => true,
        "expired" => when_expired,
        _ => false,
    };
    let body = json(&Ready { ready, state: status.state.clone(), reason: status.reason.clone() });
    Ok(if ready { body } else { (StatusCode::SERVICE_UNAVAILABLE, body).into_response() })
}
