//! What the commands that ask for a decision have in common.

use std::path::PathBuf;

use anyhow::Context as _;
use placet::{Decision, Failure, Recorded, Request, Reservation, Reserve};

use serde_json::{Value, json};

use crate::argument::pair;
use crate::files::Output;
use crate::problem::Problem;
use crate::server::{Refusal, Server, ServerError};

/// For whom, and with what else.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ContextOptions {
    /// The tenant to count for
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Record the decision with all that went into it, for `placet replay`: no token, payload or key
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// More for the policy, such as access=read
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    detail: Vec<(String, String)>,
}

/// A key under which a request counts once.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OnceOption {
    /// The same key never counts twice, whatever is retried
    #[arg(long, value_name = "KEY")]
    pub(crate) once: Option<String>,
}

impl ContextOptions {
    /// Asks.
    pub(crate) fn ask(&self, request: Request<'_>) -> anyhow::Result<Decision> {
        let request = match &self.tenant {
            Some(tenant) => request.tenant(tenant),
            None => request,
        };
        let request = self.detail.iter().fold(request, |request, (name, value)| request.detail(name, value));
        let answer = match &self.record {
            None => request.decide(),
            Some(file) => {
                // Before anything is counted: where there is no room for the recording, nothing is asked.
                let file = Output::open("--record", file)?;
                let Recorded { answer, recording } = request.record();
                file.write(recording.to_json().as_bytes()).with_context(|| unrecorded(&answer))?;
                answer
            }
        };
        Ok(answer.map_err(undecided)?)
    }

    /// Asks a service: the question, without its context.
    pub(crate) fn ask_server(
        &self,
        server: &Server,
        path: &str,
        question: Value,
        once: Option<&str>,
    ) -> anyhow::Result<Decision> {
        let question = self.in_context(question, once)?;
        decided(server.post(path, &question))
    }

    /// With for whom it is, as the service takes it.
    pub(crate) fn in_context(&self, mut question: Value, once: Option<&str>) -> Result<Value, Problem> {
        if self.record.is_some() {
            let help = "leave `--server` away while the service does not run, or ask without `--record`";
            return Err(Problem::usage("--record: what a service decides is not recorded", help));
        }
        let details: Vec<_> = self.detail.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        if let Value::Object(members) = &mut question {
            let context = json!({ "tenant": self.tenant, "once": once, "details": details });
            members.insert("context".to_owned(), context);
        }
        Ok(question)
    }

    /// The tenant, where nothing else is said.
    pub(crate) fn tenant_alone(&self) -> Result<Option<&str>, Problem> {
        if self.record.is_none() && self.detail.is_empty() {
            return Ok(self.tenant.as_deref());
        }
        let help = "leave `--record` and `--detail` away: a service takes no more than the tenant here";
        Err(Problem::usage("the service cannot be told all of this", help))
    }

    /// Reserves.
    pub(crate) fn reserve(&self, reserve: Reserve<'_>) -> anyhow::Result<Reservation> {
        if self.record.is_some() {
            let help = "record a `placet preview` or a `placet consume` of the same units";
            return Err(Problem::usage("--record: a reservation is not recorded", help).into());
        }
        let reserve = match &self.tenant {
            Some(tenant) => reserve.tenant(tenant),
            None => reserve,
        };
        let reserve = self.detail.iter().fold(reserve, |reserve, (name, value)| reserve.detail(name, value));
        Ok(reserve.decide().map_err(undecided)?)
    }
}

/// The decision of a service, or why there is none. What no policy can decide is a denial here.
pub(super) fn decided(answer: Result<Decision, ServerError>) -> anyhow::Result<Decision> {
    answer.or_else(|error| match error {
        ServerError::Refused(refusal) if is_denial(&refusal) => Ok(denial(*refusal)),
        error => Err(error.problem("the policy made no decision").into()),
    })
}

/// What a service refuses, and a command denies.
pub(super) fn is_denial(refusal: &Refusal) -> bool {
    matches!(&*refusal.reason, "once-mismatch" | "request-empty" | "request-invalid")
}

pub(super) fn denial(refusal: Refusal) -> Decision {
    Decision {
        allowed: false,
        reason: refusal.reason,
        subject: refusal.limit.or(refusal.feature).unwrap_or_default(),
        license: None,
        usage: refusal.usage,
        warnings: Vec::new(),
        retry: None,
        hold: None,
        details: Vec::new(),
    }
}

/// What is told where the recording is lost, and the decision is not.
fn unrecorded(answer: &Result<Decision, Failure>) -> String {
    let decided = answer.as_ref().map_or("no decision", |decision| if decision.allowed { "allowed" } else { "denied" });
    let reason = answer.as_ref().map_or_else(Failure::reason, |decision| &decision.reason);
    format!("it was answered, `{decided}: {reason}`, and not recorded")
}

/// No decision, with the next step.
pub(super) fn undecided(failure: Failure) -> Problem {
    Problem::of(failure.reason(), "the policy made no decision").because(failure)
}

impl OnceOption {
    /// The request, under the key.
    pub(crate) fn guard<'a>(&self, request: Request<'a>) -> Request<'a> {
        match &self.once {
            Some(key) => request.once(key),
            None => request,
        }
    }
}
