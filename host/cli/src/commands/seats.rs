//! `placet seats`.

use std::time::Duration;

use placet::Holder;

use super::asking::ContextOptions;
use crate::argument::{number, term};
use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::site::SiteOptions;
use crate::{reasons, show};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    List(List),
    Claim(Claim),
    Release(Release),
    Evict(Evict),
}

/// List who holds seats of a limit
///
/// By name, at most 1,000 at a time.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet seats list cores
  placet seats list cores --after machine-7
  placet seats list users --tenant t1 --format json")]
pub(crate) struct List {
    /// The limit, as the license names it
    limit: String,
    /// Of a limit that is counted for each tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Those after this one
    #[arg(long, value_name = "HOLDER")]
    after: Option<String>,
    #[command(flatten)]
    site: SiteOptions,
}

/// Claim seats for a holder, or renew them
///
/// A seat lasts as long as the license says, or until it is released. Exit code 0 when allowed, 1 when denied; then it is told who
/// holds the seats.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet seats claim users ada
  placet seats claim cores machine-7 --weight 32 --ttl 10m")]
pub(crate) struct Claim {
    #[command(flatten)]
    seat: Seat,
    /// So many seats for this holder
    #[arg(long, value_name = "SEATS", default_value = "1", value_parser = number)]
    weight: u64,
    /// For so long, and not longer than the license says
    #[arg(long, value_name = "TIME", value_parser = term)]
    ttl: Option<Duration>,
}

/// Give a holder's seats back
///
/// A holder without one is no error.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet seats release users ada")]
pub(crate) struct Release {
    #[command(flatten)]
    seat: Seat,
}

/// Take a holder's seats away
///
/// For one who will not release them, such as a machine that is gone. Whoever runs there may claim them again. Exit code 1 when nobody
/// of that name holds one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet seats evict cores machine-7")]
pub(crate) struct Evict {
    /// The limit, as the license names it
    limit: String,
    /// The holder
    holder: String,
    /// Of a limit that is counted for each tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    site: SiteOptions,
}

#[derive(Debug, clap::Args)]
struct Seat {
    /// The limit, as the license names it
    limit: String,
    /// Whoever holds it: a user, a machine, a session
    holder: String,
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Claim(arguments) => claim(arguments),
        Command::Release(Release { seat }) => {
            let placet = seat.site.open()?;
            show::decision(&seat.context.ask(placet.release(&seat.limit, &seat.holder))?)
        }
        Command::Evict(arguments) => evict(arguments),
    }
}

fn list(List { limit, tenant, after, site }: &List) -> anyhow::Result<Answer> {
    let page = site.open()?.holders_after(limit, tenant.as_deref(), after.as_deref());
    let holders = page.map_err(|failure| no_answer(&failure))?;
    let row = |holder: &Holder| {
        let until = holder.expires.map(|expires| format!(", until {}", show::moment(expires))).unwrap_or_default();
        (holder.name.clone(), format!("{}{until}", holder.weight))
    };
    let rows: Vec<_> = holders.iter().map(row).collect();
    let text = match (&*rows, after) {
        ([], None) => "nobody holds a seat\n".to_owned(),
        ([], Some(after)) => format!("nobody after `{after}` holds a seat\n"),
        _ => table(&rows),
    };
    Ok(Answer::yes(text, serde_json::to_value(&holders)?))
}

fn claim(Claim { seat, weight, ttl }: &Claim) -> anyhow::Result<Answer> {
    let placet = seat.site.open()?;
    let request = placet.claim(&seat.limit, &seat.holder).weight(*weight);
    let request = match ttl {
        Some(ttl) => request.ttl(*ttl),
        None => request,
    };
    show::decision(&seat.context.ask(request)?)
}

fn evict(arguments: &Evict) -> anyhow::Result<Answer> {
    let Evict { limit, holder, tenant, site } = arguments;
    let placet = site.open()?;
    let holders = placet.holders(limit, tenant.as_deref()).map_err(|failure| no_answer(&failure))?;
    let held = holders.into_iter().find(|one| one.name == *holder);
    let Some(held) = held else {
        let text = format!("nobody named `{holder}` holds a seat\n");
        return Ok(Answer::verdict(false, text, serde_json::Value::Null));
    };
    let request = placet.release(limit, holder);
    let request = match tenant {
        Some(tenant) => request.tenant(tenant),
        None => request,
    };
    request.decide().map_err(|failure| no_answer(&failure))?;
    Ok(Answer::yes(format!("`{holder}` held {} and holds none now\n", held.weight), serde_json::to_value(&held)?))
}

fn no_answer(failure: &placet::Failure) -> Problem {
    Problem::new("it cannot be told who holds the seats", reasons::help(failure.reason())).because(failure.clone())
}
