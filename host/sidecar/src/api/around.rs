//! What every request gets: an id, and a refusal whose form is the same everywhere.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use axum::response::Response;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tracing::{debug, warn};

use super::authorize::Answering;
use super::routes::Direct;
use crate::owed::Owed;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::service::Service;

/// Who answers, whatever is asked.
#[derive(Clone)]
pub(crate) struct Api {
    service: Arc<Service>,
    router: TowerToHyperService<Router>,
    direct: Arc<Direct>,
}

impl Api {
    pub(super) fn new(service: Arc<Service>, router: Router, direct: Direct) -> Self {
        Self { service, router: TowerToHyperService::new(router), direct: direct.into() }
    }

    /// Answers. What it waits with is small: the request is with who answers it, and is not moved along.
    pub(crate) fn answer(&self, request: Request<Owed>) -> impl Future<Output = Response> + Send + 'static {
        let id = self.service.ids.of(request.headers());
        let path = request.uri().path().to_owned();
        let fits = |(method, _): &&(Option<Method>, _)| method.as_ref().is_none_or(|method| method == request.method());
        let direction = self.direct.get(&*path).and_then(|directions| directions.iter().find(fits));
        let answering: Answering = match direction {
            Some((_, answer)) => answer(request.map(Body::new), self.service.clone()),
            None => {
                let routed = self.router.call(request);
                Box::pin(async { routed.await.unwrap_or_else(|never| match never {}) })
            }
        };
        let service = self.service.clone();
        async move { finished(answering.await, &service, &path, id) }
    }
}

/// With what every answer has.
fn finished(mut response: Response, service: &Service, path: &str, id: RequestId) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        tell(&problem, &id, &service.refusals);
        let mut rendered = problem.render(&service.settings.type_base, path, &id);
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

/// Logs what went wrong and who was refused, by the ids that the answer names: without the path, in which the id of a reservation may stand.
fn tell(problem: &Problem, id: &RequestId, refusals: &Refusals) {
    let (status, reason) = (problem.status().as_u16(), problem.reason());
    let (request, trace) = (id.id.to_str().unwrap_or_default(), id.trace());
    if problem.status().is_server_error() {
        match refusals.failures() {
            0 => debug!(request, trace, status, reason, "a request failed"),
            1 => warn!(request, trace, status, reason, "a request failed; others within a minute are not told"),
            _ => warn!(request, trace, status, reason, "a request failed"),
        }
    } else if refusals.count(reason) {
        warn!(request, trace, status, reason, "a request was refused; others within a minute are counted alone");
    } else if matches!(status, 401 | 403 | 429) {
        debug!(request, trace, status, reason, "a request was refused or denied");
    }
}
