//! The document that describes all of this.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::answer::JSON;
use crate::openapi::{Operation, Output, Schemas};
use crate::service::Service;

/// An OpenAPI document.
#[derive(Debug)]
pub(super) struct Document(Bytes);

/// `GET /v1/openapi.json`: of this version of the service, and of how it is set; it says nothing of the license.
pub(super) async fn document(State(service): State<Arc<Service>>) -> Document {
    Document(service.openapi.clone())
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, JSON)], self.0).into_response()
    }
}

impl Output for Document {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answers(StatusCode::OK, JSON, json!({"type": "object"}));
    }
}
