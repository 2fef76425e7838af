//! The figures, for who scrapes them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::credentials::Identity;
use crate::metrics::{MEDIA_TYPE, openmetrics};
use crate::problem::Problem;
use crate::service::Service;

/// `GET /metrics`: for who speaks for all tenants, since all are told; for everybody where that is set.
pub(super) async fn metrics(
    State(service): State<Arc<Service>>,
    identity: Option<Extension<Identity>>,
) -> Result<Response, Problem> {
    if identity.is_some_and(|Extension(identity)| identity.tenants.is_some()) {
        let detail = "the metrics are of all tenants, and this token speaks for its own";
        return Err(Problem::of("tenant-refused", StatusCode::FORBIDDEN, detail));
    }
    let figures = service.ask(|service| Ok(service.placet.figures())).await?;
    let text = openmetrics(figures, &service.settings.metrics_prefix)
        .map_err(|_| Problem::no_decision("io", "the metrics cannot be written"))?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}
