//! What happened to the installation.

use std::sync::Arc;

use axum::extract::State;
use placet::ReadLine;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::Asking;
use crate::answer::Answer;
use crate::problem::Problem;
use crate::service::Service;

/// So many lines unless told.
const USUAL: u16 = 100;
/// The most lines of one answer.
const MOST: u16 = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// So many lines at the most.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 1000))]
    limit: u16,
    /// Those that come before the line with this number.
    before: Option<u64>,
}

/// `GET /v1/audit?limit=100&before=NUMBER`: the newest first, so that the last one's number asks for the next page.
pub(super) async fn lines(
    State(service): State<Arc<Service>>,
    Asking(Page { limit, before }): Asking<Page>,
) -> Result<Answer<Vec<ReadLine>>, Problem> {
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::input(format!("`limit` is {limit}; it may be 1 to {MOST}")));
    }
    let lines = service.work(move |service| {
        let lines = service.placet.audit_lines(before, limit.into());
        lines.map_err(|error| Problem::no_decision(error.reason(), "the audit log cannot be read"))
    });
    lines.await.map(Answer)
}

fn usual() -> u16 {
    USUAL
}
