//! Answers in JSON.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

/// 200 with this as JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    // What we answer has texts for names: it can always be written down.
    let body = serde_json::to_vec(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
