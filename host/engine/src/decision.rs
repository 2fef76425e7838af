//! What a product does with an answer: go on, or refuse with a problem document (RFC 9457).

use std::fmt;

use serde::Serialize;

use crate::{Decision, Usage};

/// The `type` of a problem document is this and the reason, unless the embedder has pages of its own.
pub const PROBLEM_BASE: &str = "https://placet.dev/reasons/";

impl Decision {
    /// The decision where it is a yes, and [`Denied`] where it is a no.
    ///
    /// # Errors
    ///
    /// [`Denied`] where the decision does not allow.
    pub fn into_result(self) -> Result<Self, Denied> {
        if self.allowed { Ok(self) } else { Err(Denied(Box::new(self))) }
    }
}

/// A refused request. Displays as one sentence for a person, and renders as RFC 9457.
#[derive(Clone, Debug, PartialEq)]
pub struct Denied(Box<Decision>);

impl Denied {
    /// The decision, whole.
    pub fn decision(&self) -> &Decision {
        &self.0
    }

    /// From the table of reasons.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Whole seconds until the same request may pass, rounded up, as the header field `Retry-After` has them (RFC 9110, section
    /// 10.2.3); none where waiting does not help. [`Decision::retry`] has the milliseconds.
    pub fn retry_after(&self) -> Option<u64> {
        self.0.retry.map(|retry| retry.div_ceil(1_000))
    }

    /// The problem document, to be sent as `application/problem+json`.
    pub fn problem(&self) -> Problem<'_> {
        let retry_after = self.retry_after();
        Problem {
            kind: format!("{PROBLEM_BASE}{}", self.0.reason),
            title: title(&self.0.reason),
            status: if retry_after.is_some() { 429 } else { 403 },
            detail: self.to_string(),
            reason: &self.0.reason,
            subject: &self.0.subject,
            usage: &self.0.usage,
            retry_after,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decision { reason, subject, usage, retry, details, .. } = &*self.0;
        // Of a request that is out of bounds nothing is repeated.
        match details.iter().find(|detail| reason == "request-invalid" && detail.name == "invalid") {
            Some(part) => {
                write!(f, "the request is denied: its `{}` is empty, zero, or more than is allowed", part.value)?
            }
            None if subject.is_empty() => write!(f, "the request is denied: {}", title(reason))?,
            None => write!(f, "`{subject}` is denied: {}", title(reason))?,
        }
        if let Some(usage) = usage.iter().find(|usage| usage.limit == *subject) {
            match usage.max {
                Some(max) => write!(f, " ({} of {max} used", usage.used)?,
                None => write!(f, " ({} used", usage.used)?,
            }
            match &usage.tenant {
                Some(tenant) => write!(f, " by tenant `{tenant}`)")?,
                None => write!(f, ")")?,
            }
        }
        match retry {
            Some(retry) => write!(f, "; ask again in {retry} ms"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Denied {}

/// RFC 9457, section 3.1, with members of our own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem<'a> {
    /// A URI for the reason.
    #[serde(rename = "type")]
    pub kind: String,
    /// The reason as a phrase; the same for each occurrence.
    pub title: String,
    /// The HTTP status: 403; 429 (RFC 6585, section 4) where waiting helps.
    pub status: u16,
    /// One sentence about this occurrence.
    pub detail: String,
    /// From the table of reasons.
    pub reason: &'a str,
    /// The feature or limit.
    pub subject: &'a str,
    /// Every limit that the request touched.
    pub usage: &'a [Usage],
    /// As [`Denied::retry_after`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// `limit-exceeded` → `limit exceeded`.
fn title(reason: &str) -> String {
    reason.replace('-', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> Decision {
        Decision {
            allowed: false,
            reason: "limit-exceeded".into(),
            subject: "tokens".into(),
            license: None,
            usage: vec![Usage {
                limit: "tokens".into(),
                kind: "quota".into(),
                tenant: Some("t1".into()),
                max: Some(100),
                used: 95,
                period: None,
                resets: None,
                details: vec![],
            }],
            warnings: vec![],
            retry: None,
            hold: None,
            details: vec![],
        }
    }

    #[test]
    fn a_denial_tells_limit_and_count_and_renders_as_a_problem() {
        let denied = denied().into_result().unwrap_err();
        assert_eq!(denied.to_string(), "`tokens` is denied: limit exceeded (95 of 100 used by tenant `t1`)");
        let problem = serde_json::to_value(denied.problem()).unwrap();
        assert_eq!(problem["type"], "https://placet.dev/reasons/limit-exceeded");
        assert_eq!(problem["status"], 403);
        assert_eq!(problem["detail"], denied.to_string());
        assert_eq!(problem["usage"][0]["used"], 95);
        assert_eq!(problem.get("retry_after"), None);
    }

    #[test]
    fn what_passes_later_says_when_in_milliseconds_and_in_seconds_rounded_up() {
        let denied = |retry| Decision { retry: Some(retry), ..denied() }.into_result().unwrap_err();
        assert!(denied(1_001).to_string().ends_with("(95 of 100 used by tenant `t1`); ask again in 1001 ms"));
        assert_eq!([0, 1, 1_000, 1_001].map(|retry| denied(retry).retry_after()), [0, 1, 1, 2].map(Some));
        let problem = serde_json::to_value(denied(1_001).problem()).unwrap();
        assert_eq!((&problem["status"], &problem["retry_after"]), (&429.into(), &2.into()));
    }

    #[test]
    fn a_yes_stays_a_decision() {
        let yes = Decision { allowed: true, ..denied() };
        assert_eq!(yes.clone().into_result(), Ok(yes));
    }
}
