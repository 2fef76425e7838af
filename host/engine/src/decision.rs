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

    /// The problem document, to be sent as `application/problem+json`.
    pub fn problem(&self) -> Problem<'_> {
        Problem {
            kind: format!("{PROBLEM_BASE}{}", self.0.reason),
            title: title(&self.0.reason),
            status: 403,
            detail: self.to_string(),
            reason: &self.0.reason,
            subject: &self.0.subject,
            usage: &self.0.usage,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decision { reason, subject, usage, .. } = &*self.0;
        write!(f, "`{subject}` is denied: {}", title(reason))?;
        let Some(usage) = usage.iter().find(|usage| usage.limit == *subject) else { return Ok(()) };
        match usage.max {
            Some(max) => write!(f, " ({} of {max} used", usage.used)?,
            None => write!(f, " ({} used", usage.used)?,
        }
        match &usage.tenant {
            Some(tenant) => write!(f, " by tenant `{tenant}`)"),
            None => write!(f, ")"),
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
    /// The HTTP status: 403.
    pub status: u16,
    /// One sentence about this occurrence.
    pub detail: String,
    /// From the table of reasons.
    pub reason: &'a str,
    /// The feature or limit.
    pub subject: &'a str,
    /// Every limit that the request touched.
    pub usage: &'a [Usage],
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
    }

    #[test]
    fn a_yes_stays_a_decision() {
        let yes = Decision { allowed: true, ..denied() };
        assert_eq!(yes.clone().into_result(), Ok(yes));
    }
}
