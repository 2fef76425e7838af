//! `placet reserve`.

use std::time::Duration;

use placet::Decision;
use serde::Deserialize;
use serde_json::Value;

use super::asking::{OnceOption, denial, is_denial};
use super::consume::Charges;
use crate::argument::term;
use crate::output::Answer;
use crate::server::ServerError;
use crate::show;

/// Charge limits in advance, for what is known only when it is over
///
/// Prints the id by which `placet settle` tells what it cost, and `placet release` that it cost nothing. At the end of its term what is not
/// settled is freed by itself. Exit code 0 when allowed, 1 when denied; then nothing was counted.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet reserve tokens 4000 --term 10m
  placet reserve tokens 4000 --and requests=1 --tenant t1 --once request-4711")]
pub(crate) struct Arguments {
    #[command(flatten)]
    charges: Charges,
    /// How long it holds
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = term)]
    term: Duration,
    #[command(flatten)]
    once: OnceOption,
}

/// As the service answers.
#[derive(Deserialize)]
struct Reserved {
    reservation: Option<String>,
    decision: Decision,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let Charges { limit, amount, and, context, .. } = &arguments.charges;
    let several = !and.is_empty();
    if let Some(server) = arguments.charges.server()? {
        let mut question = context.in_context(arguments.charges.question(), arguments.once.once.as_deref())?;
        if let Value::Object(members) = &mut question {
            let term = u64::try_from(arguments.term.as_millis()).unwrap_or(u64::MAX);
            members.insert("term".to_owned(), term.into());
        }
        let reserved = server.post("/v1/reserve", &question).or_else(|error| match error {
            ServerError::Refused(refusal) if is_denial(&refusal) => {
                Ok(Reserved { reservation: None, decision: denial(*refusal) })
            }
            error => Err(error.problem("the policy made no decision")),
        })?;
        return show::reservation(reserved.reservation.as_deref(), &reserved.decision, several);
    }
    let placet = arguments.charges.open()?;
    let reserve = placet.reserve(limit, *amount).term(arguments.term);
    let reserve = and.iter().fold(reserve, |reserve, (limit, amount)| reserve.and(limit, *amount));
    let reserve = match &arguments.once.once {
        Some(key) => reserve.once(key),
        None => reserve,
    };
    let reservation = context.reserve(reserve)?;
    show::reservation(reservation.id(), reservation.decision(), several)
}
