//! How long a license holds, and what precedes and follows its end.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{date, text};
use crate::argument::number;
use crate::issue::dates;
use crate::issue::templates::Template;
use crate::problem::Problem;

/// When it begins and ends.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How long it holds")]
pub(super) struct TimeOptions {
    /// When it begins (`nbf`); now unless told otherwise
    #[arg(long, value_name = "DATE")]
    starts: Option<String>,
    /// When it ends (`exp`), or `never`; as the template says unless told
    #[arg(long, value_name = "DATE", required_unless_present = "template")]
    expires: Option<String>,
    /// Whether it ends at that instant, or with the civil day in which the instant lies
    #[arg(long, value_parser = ["instant", "day"])]
    ends: Option<String>,
    /// The time zone of that day, such as Europe/Berlin, in which `--expires` may name it by its date; UTC unless told
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// How long it may be used past its end, such as 14d
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    grace_expiry: Option<String>,
    /// How long its copy stands in while its file is damaged or gone, such as 72h
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    grace_validation: Option<String>,
    /// How far the machine's clock may be behind; 24h unless told
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    grace_clock: Option<String>,
    /// Warn so long before the end; 30d unless told
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    warn_expiring: Option<String>,
    /// Warn from so many percent of a limit on; 80 unless told
    #[arg(long, value_name = "PERCENT", value_parser = number, allow_negative_numbers = true)]
    warn_usage: Option<u64>,
    /// Versions released until then may be used as long as the license, later ones never
    #[arg(long, value_name = "DATE")]
    maintenance: Option<String>,
    /// How versions are told apart: by the product's fact `released` (unless told), or by `--scope-versions`
    #[arg(long, value_parser = ["release-date", "version"])]
    maintenance_by: Option<String>,
    /// How often a receipt of yours must confirm it, such as 90d
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    check_in: Option<String>,
    /// How long it holds on without that receipt
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    check_in_tolerance: Option<String>,
}

impl TimeOptions {
    /// The claims `nbf`, `exp`, `ends`, `zone`, `grace`, `warn`, `maintenance` and `check_in`, as far as they were given or the template
    /// has a date for them.
    pub(super) fn claims(
        &self,
        template: Option<&Template>,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, Option<Value>)>, Problem> {
        let starts = self.starts.as_deref().map(|text| date("--starts", text, now)).transpose()?;
        let starts = starts.unwrap_or(now.as_second());
        let expires = self.expires.as_deref().or_else(|| template?.expires);
        let expires = match (expires, template) {
            (Some("never"), _) => None,
            (Some(text), _) => Some(self.end(text, template, now)?),
            (None, Some(template)) => return Err(template.lacks("--expires DATE")),
            (None, None) => None,
        };
        if expires.is_some_and(|expires| expires <= starts) {
            return Err(Problem::usage(
                "--expires: the license would end before it begins",
                "give a later `--expires`, or an earlier `--starts`",
            ));
        }
        let grace = [
            ("expiry", text(&self.grace_expiry)),
            ("validation", text(&self.grace_validation)),
            ("clock", text(&self.grace_clock)),
        ];
        let warn = [("expiring", text(&self.warn_expiring)), ("usage", self.warn_usage.map(Value::from))];
        let check_in = [("every", text(&self.check_in)), ("tolerance", text(&self.check_in_tolerance))];
        Ok(vec![
            ("nbf", Some(starts.into())),
            ("exp", expires.map(Value::from)),
            ("ends", text(&self.ends).filter(|ends| ends != "instant")),
            ("zone", text(&self.zone)),
            ("grace", some_object(grace)),
            ("warn", some_object(warn)),
            ("maintenance", self.maintenance(template, now)?),
            ("check_in", some_object(check_in)),
        ])
    }

    /// When it ends. Where it ends with a day, a bare date is the day that it has in the zone.
    fn end(&self, text: &str, template: Option<&Template>, now: Timestamp) -> Result<i64, Problem> {
        let with_day = self.ends.as_deref().map_or(template.is_some_and(Template::ends_with_day), |ends| ends == "day");
        let zone = match self.zone.as_deref().filter(|_| with_day) {
            None => TimeZone::UTC,
            Some(zone) => TimeZone::get(zone).map_err(|_| {
                Problem::usage(
                    format!("--zone: `{zone}` is no time zone"),
                    "write its IANA name, such as Europe/Berlin",
                )
            })?,
        };
        dates::parse_in(text, zone, now)
            .map_err(|error| Problem::usage(format!("--expires: {error}"), "see `placet help license new`"))
    }

    /// Whether it was said that the license does not end with a day, whatever the template says.
    pub(super) fn ends_at_the_instant(&self) -> bool {
        self.ends.as_deref() == Some("instant")
    }

    fn maintenance(&self, template: Option<&Template>, now: Timestamp) -> Result<Option<Value>, Problem> {
        let until = self.maintenance.as_deref().or_else(|| template?.maintenance);
        match (until, &self.maintenance_by) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Problem::usage(
                "--maintenance-by: the license has no maintenance",
                "say with `--maintenance DATE` how long it lasts",
            )),
            (Some(until), by) => {
                let until = date("--maintenance", until, now)?;
                let by = by.as_deref().unwrap_or("release-date");
                Ok(Some(serde_json::json!({ "until": until, "by": by })))
            }
        }
    }
}

fn some_object<const N: usize>(claims: [(&str, Option<Value>); N]) -> Option<Value> {
    let object: Map<_, _> = claims.into_iter().filter_map(|(name, claim)| Some((name.to_owned(), claim?))).collect();
    (!object.is_empty()).then_some(Value::Object(object))
}
