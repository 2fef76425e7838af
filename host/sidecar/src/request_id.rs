//! By which a request is found again: the id that the client gives, or one made here.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::credentials::PREFIX;
use crate::random;

/// Taken over, and handed back.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The trace of a request (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Makes ids that no other run makes.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// In hex.
    run: String,
    next: AtomicU64,
}

/// The ids of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId {
    /// As the client gave it in `x-request-id`, or made here.
    pub(crate) id: HeaderValue,
    /// That of its `traceparent`.
    trace: Option<String>,
}

impl RequestId {
    /// The trace id of its `traceparent`, or its own.
    pub(crate) fn trace(&self) -> &str {
        self.trace.as_deref().or(self.id.to_str().ok()).unwrap_or_default()
    }
}

impl RequestIds {
    /// # Errors
    ///
    /// Where the system has no random bytes.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { run: format!("{:016x}", u64::from_be_bytes(random::bytes()?)), next: AtomicU64::new(0) })
    }

    /// The ids of a request with these headers.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        let given = headers.get(X_REQUEST_ID).filter(|id| id.to_str().is_ok_and(is_plain));
        let trace = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(trace_id);
        RequestId { id: given.cloned().unwrap_or_else(|| self.make()), trace: trace.map(ToOwned::to_owned) }
    }

    fn make(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // By hand: formatting would take as long as all else about an id.
        let digits =
            (0..u64::BITS).step_by(4).rev().filter_map(|bit| char::from_digit((number >> bit) as u32 & 0xf, 16));
        let mut id = String::with_capacity(32);
        id.push_str(&self.run);
        id.extend(digits);
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Fit for a log as it is: a token that came into the wrong place is not.
fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=128).contains(&id.len()) && id.bytes().all(plain) && !id.contains(PREFIX)
}

/// W3C Trace Context, section 3.2.2.3: 32 lower-case hex digits, not all of them zero, after the version.
fn trace_id(traceparent: &str) -> Option<&str> {
    let trace = traceparent.split('-').nth(1)?;
    let is_hex = trace.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (trace.len() == 32 && is_hex && trace.bytes().any(|byte| byte != b'0')).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &'static str)]) -> RequestId {
        let pairs =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        RequestIds { run: "00000000000000ff".to_owned(), next: AtomicU64::new(0xa2) }.of(&pairs.collect())
    }

    #[test]
    fn an_id_is_taken_over_where_it_is_plain_and_made_otherwise() {
        let made = "00000000000000ff00000000000000a2";
        assert_eq!(of(&[("x-request-id", "ada-1")]).id, "ada-1");
        assert_eq!(of(&[]).id, made);
        assert_eq!(of(&[("x-request-id", "a b")]).id, made);
        assert_eq!(of(&[("x-request-id", "")]).id, made);
        assert_eq!(of(&[("x-request-id", "TEST-placet_x")]).id, made);
    }

    #[test]
    fn a_trace_is_taken_over_where_it_is_one() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(of(&[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]).trace(), trace);
        for wrong in ["", "00", "00-xyz-1-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert_eq!(of(&[("x-request-id", "ada"), ("traceparent", wrong)]).trace(), "ada");
        }
    }
}
