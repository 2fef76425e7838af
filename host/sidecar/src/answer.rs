//! Answers in JSON.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type.
pub(crate) const JSON: &str = "application/json";

/// 200 with this as JSON.
#[derive(Debug)]
pub(crate) struct Answer<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        // Mostly it fits.
        let mut body = Vec::with_capacity(512);
        // What we answer has texts for names: it can always be written down.
        if serde_json::to_writer(&mut body, &self.0).is_err() {
            body.clear();
        }
        let mut response = Response::new(body.into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        response
    }
}
