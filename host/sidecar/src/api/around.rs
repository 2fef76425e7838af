//! What every request gets: an id, and a refusal whose form is the same everywhere.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Problem;
use crate::request_id::X_REQUEST_ID;
use crate::service::Service;

pub(super) async fn around(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let id = service.ids.of(request.headers());
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut rendered = problem.render(&service.settings.type_base, &path, &id);
        // Such as `Allow`.
        for (name, value) in response.headers() {
            if name != header::CONTENT_LENGTH {
                rendered.headers_mut().insert(name, value.clone());
            }
        }
        response = rendered;
    }
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id.id);
    // An answer is true for now alone, and is JSON whatever a browser takes it for.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
