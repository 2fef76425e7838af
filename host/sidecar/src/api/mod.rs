//! What can be asked over HTTP.

mod around;
mod authorize;
mod body;
mod decisions;
mod enforce;
mod health;
mod license;
mod metrics;
mod policy;
mod questions;
mod reservations;
mod seats;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use self::questions::{Check, Claim, Consume, Credit, Measure, Preview};
use crate::credentials::Role;
use crate::problem::Problem;
use crate::service::Service;

/// All routes.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let open = Router::new().route("/healthz", get(health::live)).route("/readyz", get(health::ready));
    let callers = Router::new()
        .route("/v1/check", post(decisions::decide::<Check>))
        .route("/v1/preview", post(decisions::decide::<Preview>))
        .route("/v1/consume", post(decisions::decide::<Consume>))
        .route("/v1/credit", post(decisions::decide::<Credit>))
        .route("/v1/measure", post(decisions::decide::<Measure>))
        .route("/v1/seats", post(decisions::decide::<Claim>).delete(seats::release).get(seats::holders))
        .route("/v1/reserve", post(reservations::reserve))
        .route("/v1/reserve/{id}/settle", post(reservations::settle))
        .route("/v1/reserve/{id}/release", post(reservations::release))
        .route("/v1/enforce/check", post(enforce::decide::<Check>))
        .route("/v1/enforce/consume", post(enforce::decide::<Consume>))
        .route("/v1/enforce/seats", post(enforce::decide::<Claim>))
        .route("/v1/enforce/request", any(enforce::request));
    let owners = Router::new()
        .route("/v1/license", get(license::tell))
        .route("/v1/usage", get(usage::now))
        .route("/v1/usage/history", get(usage::history));
    let admins = Router::new()
        .route("/v1/license", post(license::install))
        .route("/v1/license/rollback", post(license::rollback))
        .route("/admin/license/status", get(license::flat))
        .route("/v1/policy", get(policy::list).post(policy::install))
        .route("/v1/policy/rollback", post(policy::rollback));
    let metrics = Router::new().route("/metrics", get(metrics::metrics));
    let may = |role, routes: Router<Arc<Service>>| {
        routes.route_layer(from_fn_with_state((service.clone(), role), authorize::authorize))
    };
    let metrics = if service.settings.metrics_open { metrics } else { may(Role::Caller, metrics) };
    open.merge(metrics)
        .merge(may(Role::Caller, callers))
        .merge(may(Role::Owner, owners))
        .merge(may(Role::Admin, admins))
        .fallback(async || Problem::of("route-unknown", StatusCode::NOT_FOUND, "nothing is at this path"))
        .method_not_allowed_fallback(async || {
            Problem::of(
                "method-refused",
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has other methods; `Allow` names them",
            )
        })
        .layer(from_fn_with_state(service.clone(), around::around))
        .with_state(service)
}
