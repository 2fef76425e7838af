//! The console: pages that ask the API. They are in the binary, open to all, and hold nothing; what they show is asked for with the
//! token of who signs in.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use crate::service::Service;

/// Where it is.
const PATH: &str = "/console";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const PAGE: &str = include_str!("../console/index.html");

/// What the page loads, each below [`PATH`].
const FILES: [(&str, &str, &str); 13] = [
    ("console.css", "text/css; charset=utf-8", include_str!("../console/console.css")),
    ("icon.svg", "image/svg+xml", include_str!("../console/icon.svg")),
    ("main.js", SCRIPT, include_str!("../console/main.js")),
    ("api.js", SCRIPT, include_str!("../console/api.js")),
    ("page.js", SCRIPT, include_str!("../console/page.js")),
    ("reasons.js", SCRIPT, include_str!("../console/reasons.js")),
    ("chart.js", SCRIPT, include_str!("../console/chart.js")),
    ("overview.js", SCRIPT, include_str!("../console/overview.js")),
    ("usage.js", SCRIPT, include_str!("../console/usage.js")),
    ("licenses.js", SCRIPT, include_str!("../console/licenses.js")),
    ("policies.js", SCRIPT, include_str!("../console/policies.js")),
    ("audit.js", SCRIPT, include_str!("../console/audit.js")),
    ("seats.js", SCRIPT, include_str!("../console/seats.js")),
];

/// Only what this service serves runs and is asked; no page of another site may show it (Content Security Policy Level 3), and no text
/// becomes markup (Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page and its files.
pub(crate) fn router() -> Router<Arc<Service>> {
    let page = Router::new()
        .route(PATH, get(async || file(HTML, PAGE)))
        // What the page loads it names as it is seen from above.
        .route(&format!("{PATH}/"), get(async || Redirect::permanent("../console")));
    FILES.into_iter().fold(page, |router, (name, media_type, text)| {
        router.route(&format!("{PATH}/{name}"), get(async move || file(media_type, text)))
    })
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text).into_response()
}
