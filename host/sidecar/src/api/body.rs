//! Bodies of requests, as far as they can be believed: of the type that they say, no longer than they may be, and there in time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize as _, Deserializer};
use serde_json::json;
use tokio::time::timeout;

use super::authorize::Admitted;
use super::object::Object;
use crate::answer::JSON;
use crate::credentials::PREFIX;
use crate::openapi::{Input, Operation, Schemas};
use crate::problem::Problem;
use crate::service::Service;

/// The media type of a body that is not JSON.
pub(super) const BYTES: &str = "application/octet-stream";

/// A JSON text.
pub(super) struct Json<T>(pub(super) T);

/// One JSON object, or a list of them.
#[derive(Debug)]
pub(super) enum Asked<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Asked<T> {
    /// The first of them.
    pub(super) fn first(&self) -> Option<&T> {
        match self {
            Self::One(one) => Some(one),
            Self::Many(many) => many.first(),
        }
    }

    /// Each of them.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut T> {
        match self {
            Self::One(one) => std::slice::from_mut(one).iter_mut(),
            Self::Many(many) => many.iter_mut(),
        }
    }
}

/// So much is said of what is wrong.
const LONGEST: usize = 300;

/// So many questions in one list.
const MANY: usize = 100;

impl<T: DeserializeOwned> FromRequest<Admitted> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, Admitted { service, .. }: &Admitted) -> Result<Self, Problem> {
        let bytes = json_bytes(request, service).await?;
        parse::<Object<T>>(&bytes).map(|Object(body)| Self(body))
    }
}

impl<T: JsonSchema> Input for Json<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.takes(JSON, schemas.asked::<T>());
        refuses_bodies(operation);
        operation.refuses(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}

impl<T: DeserializeOwned> FromRequest<Admitted> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, Admitted { service, .. }: &Admitted) -> Result<Self, Problem> {
        let bytes = json_bytes(request, service).await?;
        // Not by trial: the message is about the form that was meant.
        if bytes.trim_ascii_start().first() != Some(&b'[') {
            return parse::<Object<T>>(&bytes).map(|Object(one)| Self::One(one));
        }
        let many: Vec<Object<T>> = parse(&bytes)?;
        if many.len() > MANY {
            return Err(Problem::input(format!("the list has {} elements; {MANY} are allowed", many.len())));
        }
        Ok(Self::Many(many.into_iter().map(|Object(one)| one).collect()))
    }
}

impl<T: JsonSchema> Input for Asked<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let one = schemas.asked::<T>();
        let many = json!({"type": "array", "items": one, "maxItems": MANY});
        Json::<T>::describe(operation, schemas);
        operation.takes(JSON, json!({"oneOf": [one, many]}));
    }
}

/// The query of a URI.
pub(super) struct Asking<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asking<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query =
            Query::try_from_uri(&parts.uri).map_err(|wrong| Problem::input(asked_wrongly(&wrong.body_text())))?;
        Ok(Self(query.0))
    }
}

impl<T: JsonSchema> Input for Asking<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        for (name, is_required, schema) in schemas.members::<T>() {
            operation.takes_parameter("query", &name, is_required, schema);
        }
        operation.refuses(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

/// Which name of the query, and what is wrong with it. Of what was sent, a name at the most.
fn asked_wrongly(text: &str) -> String {
    let wrong = text.rsplit_once("query string: ").map_or(text, |(_, wrong)| wrong);
    tokenless(format!("in the query: {wrong}"))
}

/// A flag of a query: it stands for yes without a value, too.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match &*String::deserialize(deserializer)? {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(D::Error::custom("the value is neither `true` nor `false`")),
    }
}

async fn json_bytes(request: Request, service: &Service) -> Result<Bytes, Problem> {
    // Also what keeps a page of another site from asking: a form cannot say this type.
    if !is_json(request.headers()) {
        let detail = "send the header `content-type: application/json`";
        return Err(Problem::of("media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    read(request, service.settings.body_bytes, service).await
}

/// The body, whole. One that is something else when it is unpacked is refused (RFC 9110, section 15.5.16).
pub(super) async fn read(request: Request, most: usize, service: &Service) -> Result<Bytes, Problem> {
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let detail = "send the body as it is, without `content-encoding`";
        return Err(Problem::of("media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body = request.into_body();
    if body.size_hint().lower() > most as u64 {
        return Err(too_large(most));
    }
    let mut collected = pin!(collected(body, most));
    // Mostly it came with the head, and is not waited for.
    if let Poll::Ready(whole) = poll_fn(|cx| Poll::Ready(collected.as_mut().poll(cx))).await {
        return whole;
    }
    timeout(service.settings.request_time, collected).await.unwrap_or_else(|_| {
        Err(Problem::of("input-late", StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))
    })
}

async fn collected(mut body: Body, most: usize) -> Result<Bytes, Problem> {
    let (mut first, mut whole) = (Bytes::new(), Vec::new());
    // Whoever polls beyond the end is woken for it, by a change of threads.
    while !body.is_end_stream()
        && let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        let frame = frame.map_err(|_| Problem::input("the body broke off, or is not chunked as it says"))?;
        // What follows the chunks (RFC 9112, section 7.1.2) says nothing to this service.
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > most.saturating_sub(first.len() + whole.len()) {
            return Err(too_large(most));
        }
        // Mostly it is all there is.
        if first.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { first } else { [&*first, &*whole].concat().into() })
}

fn too_large(most: usize) -> Problem {
    let detail = format!("the body is longer than {most} bytes");
    Problem::of("input-too-large", StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// With what a body is refused that [`read`] does not read, or that holds something else.
pub(super) fn refuses_bodies(operation: &mut Operation) {
    operation.refuses(StatusCode::REQUEST_TIMEOUT);
    operation.refuses(StatusCode::PAYLOAD_TOO_LARGE);
    operation.refuses(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    operation.refuses(StatusCode::UNPROCESSABLE_ENTITY);
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    essence
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::input(told(&error)))
}

/// Where and what, and no more of what was sent than a name.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // `invalid type: string "…", expected u64 at line 1 column 12`: a value may be a secret at the wrong place.
    let told = match (text.split_once(": "), text.rsplit_once(", expected ")) {
        (Some((what @ ("invalid type" | "invalid value"), sent)), Some((_, expected))) => {
            let kind = sent.split(['"', '`', ',']).next().unwrap_or_default().trim_end();
            format!("{what}: {kind}, expected {expected}")
        }
        _ => text,
    };
    tokenless(told)
}

/// A text that is not too long, and repeats no token that came into the place of a name.
fn tokenless(text: String) -> String {
    if text.contains(PREFIX) {
        return "a token stands where a name belongs".to_owned();
    }
    text.chars().take(LONGEST).collect()
}
