//! The figures, for who scrapes them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::credentials::Identity;
use crate::metrics::{MEDIA_TYPE, families, openmetrics};
use crate::openapi::{Input, Operation, Output, Schemas};
use crate::problem::Problem;
use crate::service::Service;

/// `GET /metrics`: for who speaks for all tenants, since all are told; for everybody where that is set.
pub(super) async fn metrics(State(service): State<Arc<Service>>, identity: Option<Identity>) -> Result<Text, Problem> {
    if identity.is_some_and(|identity| identity.tenants.is_some()) {
        let detail = "the metrics are of all tenants, and this token speaks for its own";
        return Err(Problem::of("tenant-refused", StatusCode::FORBIDDEN, detail));
    }
    let figures = service.work(|service| Ok(service.placet.figures())).await?;
    let text = openmetrics(families(&figures, &service.exports, &service.refusals), &service.settings.metrics_prefix)
        .map_err(|_| Problem::no_decision("io", "the metrics cannot be written"))?;
    Ok(Text(text))
}

/// A page of OpenMetrics.
#[derive(Debug)]
pub(super) struct Text(String);

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, MEDIA_TYPE)], self.0).into_response()
    }
}

impl Output for Text {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answers(StatusCode::OK, MEDIA_TYPE, json!({"type": "string"}));
    }
}

impl Input for Option<Identity> {
    /// It is refused where it does not speak for all tenants; where the metrics are open, there is none.
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}
