//! Refusals, as problem documents (RFC 9457).

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use placet::{Attribute, Decision, Denied, Failure, LicenseStatus, Usage};
use schemars::JsonSchema;
use serde::Serialize;

use crate::request_id::RequestId;

/// Why a request was not answered as it was asked, or why the answer is no. What is the request's own is added when it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    reason: Cow<'static, str>,
    detail: String,
    denied: Option<Box<(About, Decision)>>,
    retry_after: Option<u64>,
}

/// What a question is about. A decision names its subject, and not of which kind that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A check.
    Feature,
    /// All else.
    Limit,
}

/// The media type of a problem document (RFC 9457, section 6.1).
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not answered as it was asked, or why the answer is no (RFC 9457).
// Section 3, with members of our own (3.2).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Document<'a> {
    /// The reason as a URI.
    r#type: String,
    /// The reason, for people.
    title: String,
    /// That of the answer.
    status: u16,
    /// What is wrong with this very request.
    detail: &'a str,
    /// The path that was asked.
    instance: &'a str,
    /// The trace id of `traceparent`, or the id of the request.
    trace_id: &'a str,
    /// Why, for machines.
    reason: &'a str,
    /// The limit that said no.
    #[serde(rename = "limitCode", skip_serializing_if = "Option::is_none")]
    limit_code: Option<&'a str>,
    /// The feature that said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature: Option<&'a str>,
    /// What is used of the limits that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a [Usage]>,
    /// What else the policy says, such as `invalid`: the part of the request that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a [Attribute]>,
}

impl Problem {
    pub(crate) fn of(reason: impl Into<Cow<'static, str>>, status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), detail: detail.into(), denied: None, retry_after: None }
    }

    /// What was sent cannot be understood: 422.
    pub(crate) fn input(detail: impl Into<String>) -> Self {
        Problem::of("input-invalid", StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Of what that was said.
    pub(crate) fn in_part(self, part: &str) -> Self {
        Self { detail: format!("in {part}: {}", self.detail), ..self }
    }

    /// Nobody decided: 503.
    pub(crate) fn no_decision(reason: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::of(reason, StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The answer is no: 403; 429 for a rate that has tokens later. Or there is nothing to say yes or no to: 409 for a `once` key that
    /// counted something else, 422 for what no policy can decide.
    pub(crate) fn denied(denied: &Denied, about: About) -> Self {
        let decision = denied.decision();
        let is_rate = decision.usage.iter().any(|usage| usage.limit == decision.subject && usage.kind == "rate");
        let retry_after = denied.retry_after().filter(|_| is_rate);
        let status = match (denied.reason(), retry_after) {
            ("once-mismatch", _) => StatusCode::CONFLICT,
            ("request-empty" | "request-invalid", _) => StatusCode::UNPROCESSABLE_ENTITY,
            (_, Some(_)) => StatusCode::TOO_MANY_REQUESTS,
            (_, None) => StatusCode::FORBIDDEN,
        };
        let problem = Self::of(denied.reason().to_owned(), status, denied.to_string());
        Self { denied: Some(Box::new((about, decision.clone()))), retry_after, ..problem }
    }

    /// Nothing was asked that could be denied by itself, and no license is usable.
    pub(crate) fn not_usable(license: &LicenseStatus) -> Self {
        let detail = format!("no license is usable: {} ({})", license.state, license.reason);
        Self::of(license.reason.clone(), StatusCode::FORBIDDEN, detail)
    }

    /// Is it an answer, though a no?
    pub(crate) fn is_denial(&self) -> bool {
        matches!(self.status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// The answer to a request with these ids, for this path.
    pub(crate) fn render(&self, type_base: &str, path: &str, id: &RequestId) -> Response {
        let denied = self.denied.as_deref();
        // A request that is out of bounds has none.
        let subject = |kind| {
            let (about, decision) = denied?;
            Some(&*decision.subject).filter(|subject| *about == kind && !subject.is_empty())
        };
        let document = Document {
            r#type: format!("{type_base}{}", self.reason),
            title: self.reason.replace('-', " "),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: path,
            trace_id: id.trace(),
            reason: &self.reason,
            limit_code: subject(About::Limit),
            feature: subject(About::Feature),
            usage: denied.map(|(_, decision)| &*decision.usage),
            details: denied.map(|(_, decision)| &*decision.details).filter(|details| !details.is_empty()),
        };
        // A document of texts and numbers can always be written down.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure.reason() {
            reason @ "request-empty" => {
                Self::of(reason.to_owned(), StatusCode::UNPROCESSABLE_ENTITY, "the request names no charge")
            }
            reason @ "request-invalid" => Self::of(
                reason.to_owned(),
                StatusCode::UNPROCESSABLE_ENTITY,
                "the name of a limit or tenant in the request is empty, or longer than is allowed",
            ),
            reason => Self::no_decision(reason.to_owned(), "no decision could be made"),
        }
    }
}

impl IntoResponse for Problem {
    /// Without a body: that is written when it is known what it answers.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
