//! `placet usage --history`.

use std::collections::BTreeMap;

use placet::{Forecast, Outlook, Placet, Sample};
use serde::Deserialize;
use serde_json::json;

use super::{SILENT, unanswered};
use crate::issue::dates;
use crate::output::{Answer, table};
use crate::server::{Server, query};
use crate::show::moment;
use crate::wall_clock;

const DAY: u64 = 86_400_000;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// What was used before, day by day, and what is to be expected
    #[arg(long)]
    history: bool,
    /// From this day on; without it, all that is kept
    #[arg(long, value_name = "DATE", requires = "history", value_parser = date)]
    since: Option<u64>,
    /// Hour by hour
    #[arg(long, requires = "history")]
    hours: bool,
}

/// As the service answers.
#[derive(Deserialize)]
struct Told {
    samples: Vec<Sample>,
    forecast: Vec<Forecast>,
}

/// Milliseconds since 1970.
fn date(text: &str) -> Result<u64, String> {
    let second = dates::parse(text, wall_clock::now())?;
    u64::try_from(second).map(|second| second.saturating_mul(1_000)).map_err(|_| format!("`{text}` is no date"))
}

impl Options {
    pub(super) fn is_asked(&self) -> bool {
        self.history
    }

    /// Of this tenant, or of the license as a whole.
    pub(super) fn answer(&self, placet: &Placet, tenant: Option<&str>) -> anyhow::Result<Answer> {
        let samples = placet.history(self.since.unwrap_or(0)).map_err(unanswered)?;
        let forecast = placet.forecast().map_err(unanswered)?;
        Ok(self.told(Told { samples, forecast }, tenant))
    }

    /// The same, of a service.
    pub(super) fn ask(&self, server: &Server, tenant: Option<&str>) -> anyhow::Result<Answer> {
        let since = self.since.map(|since| since.to_string());
        let told = server.get(&query("/v1/usage/history", &[("since", since.as_deref())]));
        Ok(self.told(told.map_err(|error| error.problem(SILENT))?, tenant))
    }

    fn told(&self, Told { mut samples, forecast: mut expected }: Told, tenant: Option<&str>) -> Answer {
        samples.retain(|sample| sample.tenant.as_deref() == tenant);
        if !self.hours {
            samples = daily(samples);
        }
        expected.retain(|forecast| forecast.tenant.as_deref() == tenant);

        let mut text = match self.since {
            _ if !samples.is_empty() => table(&samples.iter().map(row).collect::<Vec<_>>()),
            Some(since) => format!("nothing was sampled since {}\n", moment(since)),
            None => "nothing was sampled yet: it is done once an hour while something runs\n".to_owned(),
        };
        if !expected.is_empty() {
            text.push_str("\nif it goes on as in the last 7 days:\n");
            text.push_str(&table(&expected.iter().map(|found| (&*found.limit, outlook(found))).collect::<Vec<_>>()));
        }
        Answer::yes(text, json!({ "samples": samples, "forecast": expected }))
    }
}

/// The last sample of each day, limit and period.
fn daily(samples: Vec<Sample>) -> Vec<Sample> {
    let mut days = BTreeMap::new();
    for sample in samples {
        days.insert((sample.hour / DAY, sample.limit.clone(), sample.period.clone()), sample);
    }
    days.into_values().collect()
}

fn row(sample: &Sample) -> (String, String) {
    let period = sample.period.as_ref().map(|period| format!(" in {period}")).unwrap_or_default();
    (moment(sample.hour), format!("{}: {}{period}", sample.limit, sample.used))
}

fn outlook(forecast: &Forecast) -> String {
    let rate = forecast.per_day.map(|units| format!(" ({units} a day)")).unwrap_or_default();
    let text = match forecast.outlook {
        Outlook::NotEnoughSamples => "not enough samples: they lie less than a day apart".to_owned(),
        Outlook::Unlimited => "unlimited".to_owned(),
        Outlook::NotReached => "not reached".to_owned(),
        Outlook::ResetsBefore { resets } => format!("not reached before it resets at {}", moment(resets)),
        Outlook::Reached { at } => format!("reached at {}", moment(at)),
    };
    text + &rate
}
