//! What the commands that ask for a decision have in common.

use std::path::PathBuf;

use placet::{Decision, Failure, Recorded, Request, Reservation, Reserve};

use crate::argument::pair;
use crate::files;
use crate::problem::Problem;
use crate::reasons;

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
                let Recorded { answer, recording } = request.record();
                files::write(file, recording.to_json().as_bytes())?;
                answer
            }
        };
        Ok(answer.map_err(undecided)?)
    }

    /// Reserves.
    pub(crate) fn reserve(&self, reserve: Reserve<'_>) -> anyhow::Result<Reservation> {
        if self.record.is_some() {
            let help = "record a `placet preview` or a `placet consume` of the same units";
            return Err(Problem::new("--record: a reservation is not recorded", help).into());
        }
        let reserve = match &self.tenant {
            Some(tenant) => reserve.tenant(tenant),
            None => reserve,
        };
        let reserve = self.detail.iter().fold(reserve, |reserve, (name, value)| reserve.detail(name, value));
        Ok(reserve.decide().map_err(undecided)?)
    }
}

/// No decision, with the next step.
pub(super) fn undecided(failure: Failure) -> Problem {
    let help = reasons::help(failure.reason());
    Problem::new("the policy made no decision", help).because(failure)
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
