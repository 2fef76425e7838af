//! Decisions as they are: 200, whether yes or no.

use std::sync::Arc;

use axum::extract::State;
use placet::{Decision, Denied, Placet};
use schemars::JsonSchema;
use serde::Serialize;

use super::body::Asked;
use super::questions::Question;
use crate::answer::Answer;
use crate::credentials::Identity;
use crate::problem::Problem;
use crate::service::Service;
use crate::waits::Waits;

/// The decision of a question, or those of a list of them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Decided {
    One(Decision),
    Many(Vec<Decision>),
}

/// One decision for a question, and a list for a list, in which what could not be decided is a denial that says why.
pub(super) async fn decide<Q: Question>(
    State(service): State<Arc<Service>>,
    identity: Identity,
    mut asked: Asked<Q>,
) -> Result<Answer<Decided>, Problem> {
    asked.each().try_for_each(|question| identity.bind(&mut question.context().tenant))?;
    let waits = Waits::of(asked.first().map_or("", Question::subject));
    service.ask(waits, move |service| answer(&service.placet, &asked)).await.map(Answer)
}

fn answer<Q: Question>(placet: &Placet, asked: &Asked<Q>) -> Result<Decided, Problem> {
    match asked {
        Asked::One(question) => told(question.request(placet).decide()?).map(Decided::One),
        Asked::Many(questions) => {
            let decide = |question: &Q| {
                question.request(placet).into_result().unwrap_or_else(|denied| denied.decision().clone())
            };
            Ok(Decided::Many(questions.iter().map(decide).collect()))
        }
    }
}

/// A decision that is one.
///
/// # Errors
///
/// 409 and 422 where there was nothing to decide.
pub(super) fn told(decision: Decision) -> Result<Decision, Problem> {
    if decision.allowed {
        return Ok(decision);
    }
    let denied: Result<Decision, Denied> = decision.into_result();
    match denied {
        Ok(decision) => Ok(decision),
        Err(denied) => {
            let problem = Problem::denied(&denied);
            if problem.is_denial() { Ok(denied.decision().clone()) } else { Err(problem) }
        }
    }
}
