//! Who may ask for what.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts, Request};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::credentials::{Identity, Role};
use crate::known::Known;
use crate::openapi::{Input, Operation, Schemas};
use crate::problem::Problem;
use crate::service::Service;

/// A handler for who has a role, or a higher one; none: for everybody.
#[derive(Clone, Debug)]
pub(super) struct Guarded<H> {
    pub(super) handler: H,
    pub(super) role: Option<Role>,
}

/// What a handler is called with: the service, and who asks; none: a route that is open.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) service: Arc<Service>,
    identity: Option<Identity>,
}

/// What a handler answers with, in the end.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

impl<H, T> Handler<T, Arc<Service>> for Guarded<H>
where
    H: Handler<T, Admitted, Future = Answering> + Sync,
    T: 'static,
{
    type Future = Answering;

    fn call(self, request: Request, service: Arc<Service>) -> Answering {
        let identity = self.role.map(|role| authorize(&service.known, role, request.headers())).transpose();
        match identity {
            Ok(identity) => self.handler.call(request, Admitted { service, identity }),
            Err(refused) => Box::pin(ready(*refused)),
        }
    }
}

/// Who asks, if that one may.
fn authorize(known: &Known, role: Role, headers: &HeaderMap) -> Result<Identity, Box<Response>> {
    let Some(identity) = known.who(headers) else {
        let detail =
            "show a token that this service knows, as `Authorization: Bearer TOKEN` or as the password of Basic";
        let mut response = Problem::of("token-unknown", StatusCode::UNAUTHORIZED, detail).into_response();
        // RFC 9110, section 15.5.2. For Basic a browser would ask by itself, in front of the console.
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return Err(response.into());
    };
    if identity.role < role {
        let problem = Problem::of("role-refused", StatusCode::FORBIDDEN, "this token is not for that");
        return Err(problem.into_response().into());
    }
    // What a caller may ask, a proxy asks with the headers of whoever it asks for.
    if role > Role::Caller && is_of_another_site(headers) {
        let detail = "a page of another site cannot ask for that";
        return Err(Problem::of("origin-refused", StatusCode::FORBIDDEN, detail).into_response().into());
    }
    Ok(identity)
}

/// A browser adds the credentials of Basic by itself, to what any page sends; it tells which page that is (Fetch Metadata, section 2; RFC 6454,
/// section 7).
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_basic = text(header::AUTHORIZATION).is_some_and(|value| !value.to_ascii_lowercase().starts_with("bearer "));
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let is_own = match (site, text(header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, host)| host) == text(header::HOST),
        (None, None) => true,
    };
    is_basic && !is_own
}

impl FromRef<Admitted> for Arc<Service> {
    fn from_ref(admitted: &Admitted) -> Self {
        admitted.service.clone()
    }
}

impl FromRequestParts<Admitted> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, admitted: &Admitted) -> Result<Self, Problem> {
        // Every route that is guarded has one.
        admitted
            .identity
            .clone()
            .ok_or_else(|| Problem::of("token-unknown", StatusCode::UNAUTHORIZED, "this route asks for a token"))
    }
}

impl OptionalFromRequestParts<Admitted> for Identity {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, admitted: &Admitted) -> Result<Option<Self>, Infallible> {
        Ok(admitted.identity.clone())
    }
}

impl Input for Identity {
    /// It may speak for other tenants than the one that is asked for.
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.refuses(StatusCode::FORBIDDEN);
    }
}
