//! `placet simulate`.

use std::str::FromStr;

use jiff::Timestamp;
use placet::simulation::{Plan, Simulation, Timeline, Use};

use super::license::verify::audience;
use crate::argument::number;
use crate::issue::dates;
use crate::keys::trust::ForFormat;
use crate::output::Answer;
use crate::problem::Problem;
use crate::site::{SiteOptions, not_opened};
use crate::{component, files, output, timeline, wall_clock};

/// What a key of a licensing desk signs.
const USES: [&str; 5] = ["license", "revocations", "receipt", "order", "anchor"];

/// So many hours pass before it is told how far the simulation has come.
const QUIET: u64 = 20_000;

/// Show what the licenses will do: which states, warnings, resets and refusals come when
///
/// From the state directory's licenses, usage and time on; or, at the vendor's, from license files alone and nothing used. The real policy
/// decides, on a simulated clock and on counters in memory; nothing is changed. With `--usage` requests are made at the end of each
/// hour; one that is refused is not repeated. How rates go within an hour is not told.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet simulate --until 2027-12-31 --usage tokens=3M/day --state state/
  placet simulate --until 2y --license license.json --key licensing.pub
  placet simulate --until 1y --license license.json --policy acme-router.wasm \\
      --root vendor.pub --format svg > timeline.svg")]
pub(crate) struct Arguments {
    /// Until when: 2027-12-31, 2027-12-31T12:00:00Z, or from now 30d, 6mo, 1y
    #[arg(long, value_name = "DATE")]
    until: String,
    /// From when; now unless told, and not before the state's present
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// What is used of a limit: an amount (k, M, G for thousands, millions, billions) each minute, hour, day or week. Repeat it for more
    #[arg(long, value_name = "LIMIT=AMOUNT/PERIOD", value_parser = Pace::from_str)]
    usage: Vec<Pace>,
    /// The tenant that uses it
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// A public key that signed the licenses, under the default policy; no state and no signed policy is needed then. As for
    /// `placet license verify`
    #[arg(long, value_name = "[FORMAT=]FILE", value_parser = ForFormat::parse, conflicts_with = "policy")]
    key: Vec<ForFormat>,
    /// Settings of the keys of a format, a JSON object; docs/formats.md describes them
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ForFormat::parse_named, requires = "key")]
    settings: Vec<ForFormat>,
    #[command(flatten)]
    site: SiteOptions,
}

/// `tokens=3M/day`.
#[derive(Clone, Debug)]
struct Pace(Use);

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (limit, pace) = text.split_once('=').filter(|(limit, _)| !limit.is_empty())?;
            let (amount, period) = pace.split_once('/')?;
            let (digits, factor) = match amount.char_indices().last()? {
                (at, 'k') => (amount.get(..at)?, 1_000),
                (at, 'M') => (amount.get(..at)?, 1_000_000),
                (at, 'G') => (amount.get(..at)?, 1_000_000_000),
                _ => (amount, 1_u64),
            };
            let every = match period {
                "minute" => 60_000,
                "hour" => 3_600_000,
                "day" => 86_400_000,
                "week" => 604_800_000,
                _ => return None,
            };
            let amount = number(digits).ok()?.checked_mul(factor)?;
            Some(Self(Use { limit: limit.to_owned(), amount, every }))
        };
        read().ok_or_else(|| {
            format!("`{text}`: write LIMIT=AMOUNT/PERIOD with minute, hour, day or week, such as tokens=3M/day")
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let now = wall_clock::now();
    let from = arguments.from.as_deref().map(|text| instant("--from", text, now)).transpose()?;
    let until = instant("--until", &arguments.until, now)?;
    let simulation = begin(arguments, from, now)?;
    if until <= simulation.now() {
        let message = "--until: the simulation would end before it begins";
        return Err(Problem::usage(message, "give a later `--until`, or without a state an earlier `--from`").into());
    }
    let usage = arguments.usage.iter().map(|pace| pace.0.clone()).collect();
    let plan = Plan { until, usage, tenant: arguments.tenant.clone() };
    let timeline = lived(simulation, &plan)?;
    let answer = Answer::yes(timeline::text(&timeline), serde_json::to_value(&timeline)?);
    Ok(answer.drawn(timeline::svg(&timeline)))
}

/// At the place that the arguments name.
fn begin(arguments: &Arguments, from: Option<u64>, now: Timestamp) -> anyhow::Result<Simulation> {
    let site = &arguments.site;
    let start = from.unwrap_or_else(|| u64::try_from(now.as_millisecond()).unwrap_or(0));
    if !arguments.key.is_empty() {
        return component::simulation(&trust(arguments)?, &site.with_documents(site.place()?), start);
    }
    if site.state.is_none() {
        if site.policy.is_none() {
            let help = "give `--state DIR`, or for license files alone `--key FILE` with the vendor's public key, or `--policy FILE`";
            return Err(Problem::usage("nothing says where the licenses are judged", help).into());
        }
        return Ok(site.builder()?.simulation(start).map_err(not_opened)?);
    }
    let simulation = site.open_alone()?.simulation(from).map_err(failed)?;
    match from {
        Some(from) if from < simulation.now() => {
            let message = "--from: the counters of the state already tell of a later time";
            Err(Problem::usage(message, "leave `--from` away, or simulate the license files without a state").into())
        }
        _ => Ok(simulation),
    }
}

/// The keys as entries of a manifest, for whatever product the first license names that names one.
fn trust(arguments: &Arguments) -> anyhow::Result<serde_json::Value> {
    let paths = arguments.site.license_paths();
    if paths.is_empty() {
        return Err(Problem::usage("no license is named", "give `--license FILE`, as often as there are files").into());
    }
    let mut trust = Vec::new();
    for key in &arguments.key {
        trust.push(key.trusted(&USES.map(ToOwned::to_owned), &arguments.settings)?);
    }
    let place = arguments.site.place()?;
    let mut product = None;
    for path in paths {
        for file in files::entries_or_self(path)? {
            // What else lies in a directory is the policy's to judge.
            let document =
                if files::is_directory(path) { files::read(&file).unwrap_or_default() } else { files::read(&file)? };
            if product.is_none() {
                product = audience(&document, &trust, &place)?;
            }
        }
    }
    trust.iter_mut().for_each(|entry| entry.product.clone_from(&product));
    Ok(serde_json::to_value(trust)?)
}

/// Runs it, and tells of its progress where that takes long.
fn lived(simulation: Simulation, plan: &Plan) -> anyhow::Result<Timeline> {
    let from = simulation.now();
    let whole = plan.until - from;
    let long = !plan.usage.is_empty() && whole / 3_600_000 > QUIET;
    let mut tenths = 0;
    let timeline = simulation.run(plan, |now| {
        let reached = now.saturating_sub(from).saturating_mul(10).checked_div(whole).unwrap_or(0);
        if long && reached > tenths {
            tenths = reached;
            output::progress(&format!("simulated: {}0 %", reached));
        }
    });
    Ok(timeline.map_err(failed)?)
}

fn failed(failure: placet::Failure) -> Problem {
    Problem::of(failure.reason(), "the future cannot be simulated").because(failure)
}

fn instant(flag: &str, text: &str, now: Timestamp) -> Result<u64, Problem> {
    let second = dates::parse(text, now).map_err(|error| format!("{flag}: {error}"));
    let milliseconds = second.map(|second| u64::try_from(second).unwrap_or(0).saturating_mul(1_000));
    milliseconds.map_err(|message| Problem::usage(message, "see `placet help simulate`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_read_as_people_write_it() {
        let read = |text: &str| text.parse::<Pace>().map(|pace| (pace.0.limit, pace.0.amount, pace.0.every));
        assert_eq!(read("tokens=3M/day"), Ok(("tokens".to_owned(), 3_000_000, 86_400_000)));
        assert_eq!(read("a=b=5/week").ok(), None);
        assert_eq!(read("t=40k/hour"), Ok(("t".to_owned(), 40_000, 3_600_000)));
        for text in [
            "tokens",
            "=1/day",
            "t=1",
            "t=/day",
            "t=M/day",
            "t=1.5M/day",
            "t=1/month",
            "t=-1/day",
            "t=99999999999G/day",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
