//! `placet seats`.

use std::time::Duration;

use placet::Holder;
use serde_json::json;

use super::asking::{ContextOptions, decided};
use crate::argument::{number, term};
use crate::output::{Answer, line, table};
use crate::problem::Problem;
use crate::server::{Server, ServerOptions, query};
use crate::show;
use crate::site::SiteOptions;

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
    server: ServerOptions,
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
    server: ServerOptions,
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
    server: ServerOptions,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Answer> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Claim(arguments) => claim(arguments),
        Command::Release(Release { seat }) => {
            if let Some(server) = seat.server.server()? {
                let path = seat_path(&seat.limit, &seat.holder, seat.context.tenant_alone()?);
                return show::decision(&decided(server.delete(&path))?);
            }
            let placet = seat.site.open()?;
            show::decision(&seat.context.ask(placet.release(&seat.limit, &seat.holder))?)
        }
        Command::Evict(arguments) => evict(arguments),
    }
}

fn list(List { limit, tenant, after, server, site }: &List) -> anyhow::Result<Answer> {
    let holders = match server.server()? {
        Some(server) => {
            let mut holders = holders(&server, limit, tenant.as_deref())?;
            holders.retain(|holder| after.as_ref().is_none_or(|after| holder.name > *after));
            holders.truncate(PAGE);
            holders
        }
        None => {
            let page = site.open()?.holders_after(limit, tenant.as_deref(), after.as_deref());
            page.map_err(|failure| no_answer(&failure))?
        }
    };
    let row = |holder: &Holder| {
        let until = holder.expires.map(|expires| format!(", until {}", show::moment(expires))).unwrap_or_default();
        (holder.name.clone(), format!("{}{until}", holder.weight))
    };
    let rows: Vec<_> = holders.iter().map(row).collect();
    let text = match (&*rows, after) {
        ([], None) => "nobody holds a seat\n".to_owned(),
        ([], Some(after)) => line(format!("nobody after `{after}` holds a seat")),
        _ => table(&rows),
    };
    Ok(Answer::yes(text, serde_json::to_value(&holders)?))
}

fn claim(Claim { seat, weight, ttl }: &Claim) -> anyhow::Result<Answer> {
    if let Some(server) = seat.server.server()? {
        let ttl = ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let charge = json!({ "limit": seat.limit, "amount": weight });
        let question = json!({ "charge": charge, "holder": seat.holder, "ttl": ttl });
        return show::decision(&seat.context.ask_server(&server, "/v1/seats", question, None)?);
    }
    let placet = seat.site.open()?;
    let request = placet.claim(&seat.limit, &seat.holder).weight(*weight);
    let request = match ttl {
        Some(ttl) => request.ttl(*ttl),
        None => request,
    };
    show::decision(&seat.context.ask(request)?)
}

fn evict(arguments: &Evict) -> anyhow::Result<Answer> {
    let Evict { limit, holder, tenant, server, site } = arguments;
    let tenant = tenant.as_deref();
    let find = |holders: Vec<Holder>| holders.into_iter().find(|one| one.name == *holder);
    let held = if let Some(server) = server.server()? {
        let held = find(holders(&server, limit, tenant)?);
        if held.is_some() {
            decided(server.delete(&seat_path(limit, holder, tenant)))?;
        }
        held
    } else {
        let placet = site.open()?;
        let held = find(placet.holders(limit, tenant).map_err(|failure| no_answer(&failure))?);
        if held.is_some() {
            let request = placet.release(limit, holder);
            let request = tenant.into_iter().fold(request, |request, tenant| request.tenant(tenant));
            request.decide().map_err(|failure| no_answer(&failure))?;
        }
        held
    };
    let Some(held) = held else {
        let text = line(format!("nobody named `{holder}` holds a seat"));
        return Ok(Answer::verdict(false, text, serde_json::Value::Null));
    };
    let text = line(format!("`{holder}` held {} and holds none now", held.weight));
    Ok(Answer::yes(text, serde_json::to_value(&held)?))
}

/// Those that a service tells.
fn holders(server: &Server, limit: &str, tenant: Option<&str>) -> Result<Vec<Holder>, Problem> {
    let path = query("/v1/seats", &[("limit", Some(limit)), ("tenant", tenant)]);
    server.get(&path).map_err(|error| match error.refusal() {
        // In the words of the policy.
        Some(refusal) if refusal.status == 422 => {
            Problem::of(&refusal.reason, UNTOLD).because(format!("no decision: {}", refusal.reason))
        }
        _ => error.problem(UNTOLD),
    })
}

fn seat_path(limit: &str, holder: &str, tenant: Option<&str>) -> String {
    query("/v1/seats", &[("limit", Some(limit)), ("holder", Some(holder)), ("tenant", tenant)])
}

/// So many holders are told at a time.
const PAGE: usize = 1_000;
const UNTOLD: &str = "it cannot be told who holds the seats";

fn no_answer(failure: &placet::Failure) -> Problem {
    Problem::of(failure.reason(), UNTOLD).because(failure.clone())
}
