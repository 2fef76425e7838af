//! What can be asked over HTTP.

mod around;
mod audit;
mod authorize;
mod body;
mod decisions;
mod enforce;
mod health;
mod license;
mod metrics;
mod object;
mod openapi;
mod policy;
mod questions;
mod reasons;
mod reservations;
mod routes;
mod seats;
mod tenancy;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;

pub(crate) use self::around::Api;
use self::questions::{Check, Claim, Consume, Credit, Measure, Preview};
use self::routes::{Direct, Routes, any, get, post};
use crate::console;
use crate::credentials::Role;
use crate::problem::Problem;
use crate::service::Service;
use crate::settings::{InstallRole, Settings};

/// All routes, as they are set, with who may.
fn routes(settings: &Settings) -> [Routes; 6] {
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
    const LATER: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const UNFIT: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    let open = Routes::of(None)
        .route("/healthz", get(health::live).about("The process lives", &[]))
        .route("/readyz", get(health::ready).about("The service is of use", &[]));
    let metrics = Routes::of((!settings.metrics_open).then_some(Role::Caller))
        .route("/metrics", get(metrics::metrics).about("The figures, as OpenMetrics text", &[StatusCode::FORBIDDEN]));
    let callers = Routes::of(Some(Role::Caller))
        .route("/v1/openapi.json", get(openapi::document).about("This document", &[]))
        .route("/v1/reasons", get(reasons::table).about("What each reason means, and what to do", &[]))
        .route(
            "/v1/check",
            post(decisions::decide::<Check>).about("May this feature be used? Counts nothing", &[CONFLICT]),
        )
        .route(
            "/v1/preview",
            post(decisions::decide::<Preview>).about("Would these charges be allowed? Counts nothing", &[CONFLICT]),
        )
        .route("/v1/consume", post(decisions::decide::<Consume>).about("Charges all or none", &[CONFLICT]))
        .route("/v1/credit", post(decisions::decide::<Credit>).about("Gives back", &[CONFLICT]))
        .route("/v1/measure", post(decisions::decide::<Measure>).about("Reports the level of a gauge", &[CONFLICT]))
        .route(
            "/v1/seats",
            post(decisions::decide::<Claim>)
                .about("Claims or renews seats for a holder", &[CONFLICT])
                .delete(seats::release)
                .about("Gives the seats of a holder back", &[CONFLICT])
                .get(seats::holders)
                .about("Who holds seats of a limit, by name", &[]),
        )
        .route("/v1/reserve", post(reservations::reserve).about("Charges in advance, for a term", &[CONFLICT]))
        .route(
            "/v1/reserve/{id}/settle",
            post(reservations::settle).about("Tells what it cost in the end", &[NOT_FOUND, CONFLICT]),
        )
        .route(
            "/v1/reserve/{id}/release",
            post(reservations::release).about("Gives back all that was reserved", &[NOT_FOUND, CONFLICT]),
        )
        .route("/v1/enforce/check", post(enforce::decide::<Check>).about("May this feature be used?", &[CONFLICT]))
        .route("/v1/enforce/consume", post(enforce::decide::<Consume>).about("Charges all or none", &[CONFLICT, LATER]))
        .route(
            "/v1/enforce/seats",
            post(enforce::decide::<Claim>).about("Claims or renews seats for a holder", &[CONFLICT]),
        )
        .route(
            "/v1/enforce/request",
            any(enforce::request).about("All that a request needs before its handler runs", &[CONFLICT, LATER]),
        )
        .route(
            "/v1/enforce/request/",
            any(enforce::request).about("The same, for proxies that ask for `/` so", &[CONFLICT, LATER]),
        )
        .route(
            "/v1/enforce/request/{*path}",
            any(enforce::request)
                .about("The same, for proxies that ask with the path of the request behind", &[CONFLICT, LATER]),
        );
    let owners = Routes::of(Some(Role::Owner))
        .route("/v1/license", get(license::tell).about("How the license stands", &[]))
        .route("/v1/usage", get(usage::now).about("What is used of each limit", &[]))
        .route("/v1/usage/history", get(usage::history).about("What was used hour by hour, with a forecast", &[]));
    let install_role = match settings.install_role {
        InstallRole::Admin => Role::Admin,
        InstallRole::Owner => Role::Owner,
    };
    let installing = Routes::of(Some(install_role))
        .route("/v1/license", post(license::install).about("Installs a document", &[CONFLICT]));
    let admins = Routes::of(Some(Role::Admin))
        .route(
            "/v1/license/rollback",
            post(license::rollback).about("Takes back what was installed last", &[CONFLICT, UNFIT]),
        )
        .route("/v1/status", get(license::status).about("The whole of how it stands", &[]))
        .route(
            "/v1/status/preview",
            post(license::preview)
                .about("The whole of how it would stand with this document, and what it changes", &[CONFLICT]),
        )
        .route("/v1/audit", get(audit::lines).about("The lines of the audit log, newest first", &[]))
        .route("/admin/license/status", get(license::flat).about("The license for support, flat", &[]))
        .route(
            "/v1/policy",
            get(policy::list)
                .about("The policies that are kept, oldest first", &[UNFIT])
                .post(policy::install)
                .about("Adopts a signed policy", &[]),
        )
        .route("/v1/policy/rollback", post(policy::rollback).about("Goes back to a policy that is kept", &[NOT_FOUND]));
    [open, metrics, callers, owners, installing, admins]
}

/// What describes them.
pub(crate) fn description(settings: &Settings) -> Bytes {
    crate::openapi::document(routes(settings).into_iter().flat_map(|routes| routes.described))
}

/// Who answers.
pub(crate) fn api(service: Arc<Service>) -> Api {
    let (mut router, mut direct) = (Router::new(), Direct::new());
    for routes in routes(&service.settings) {
        router = router.merge(routes.router);
        for (path, directions) in routes.direct {
            direct.entry(path).or_default().extend(directions);
        }
    }
    let router = router
        .merge(console::router())
        .fallback(async || Problem::of("route-unknown", StatusCode::NOT_FOUND, "nothing is at this path"))
        .method_not_allowed_fallback(async || {
            Problem::of(
                "method-refused",
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has other methods; `Allow` names them",
            )
        })
        .with_state(service.clone());
    Api::new(service, router, direct)
}
