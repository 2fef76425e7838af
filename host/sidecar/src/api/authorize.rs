//! Who may ask for what.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::credentials::{Identity, Role};
use crate::openapi::{Input, Operation, Schemas};
use crate::problem::Problem;
use crate::service::Service;

/// Lets through who has this role, or a higher one.
pub(super) async fn authorize(
    State((service, role)): State<(Arc<Service>, Role)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(identity) = service.credentials.who(request.headers()) else {
        let detail = "show a token that this service knows, as `Authorization: Bearer TOKEN`";
        let mut response = Problem::of("token-unknown", StatusCode::UNAUTHORIZED, detail).into_response();
        // RFC 9110, section 15.5.2.
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    };
    if identity.role < role {
        return Problem::of("role-refused", StatusCode::FORBIDDEN, "this token is not for that").into_response();
    }
    let identity = identity.clone();
    request.extensions_mut().insert(identity);
    next.run(request).await
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Every route behind `authorize` has one.
        let identity = parts.extensions.get::<Self>().cloned();
        identity.ok_or_else(|| Problem::of("token-unknown", StatusCode::UNAUTHORIZED, "this route asks for a token"))
    }
}

impl Input for Identity {
    /// It may speak for other tenants than the one that is asked for.
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.refuses(StatusCode::FORBIDDEN);
    }
}
