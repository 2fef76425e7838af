//! Decisions as they are: 200, whether yes or no.

use std::sync::Arc;

use axum::extract::State;
use placet::Decision;
use schemars::JsonSchema;
use serde::Serialize;

use super::body::Asked;
use super::questions::Question;
use super::tenancy;
use crate::answer::Answer;
use crate::credentials::Identity;
use crate::problem::{About, Problem};
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
    asked.each().try_for_each(|question| tenancy::bind(&service, &identity, question))?;
    let waits = Waits::of(asked.first().map_or("", Question::subject));
    service.ask(waits, move |service| answer(service, &identity, &asked)).await.map(Answer)
}

fn answer<Q: Question>(service: &Service, identity: &Identity, asked: &Asked<Q>) -> Result<Decided, Problem> {
    let placet = &service.placet;
    match asked {
        Asked::One(question) => {
            told(tenancy::veiled(service, identity, question.request(placet).decide()?), Q::ABOUT).map(Decided::One)
        }
        Asked::Many(questions) => {
            let decide = |question: &Q| {
                let decision = question.request(placet).into_result();
                tenancy::veiled(service, identity, decision.unwrap_or_else(|denied| denied.decision().clone()))
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
pub(super) fn told(decision: Decision, about: About) -> Result<Decision, Problem> {
    decision.into_result().or_else(|denied| {
        let problem = Problem::denied(&denied, about);
        if problem.is_denial() { Ok(denied.decision().clone()) } else { Err(problem) }
    })
}
