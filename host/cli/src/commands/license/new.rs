//! `placet license new`.

mod scope;
mod time;

use std::path::PathBuf;

use clap::builder::PossibleValue;
use jiff::Timestamp;
use serde_json::{Map, Value};

use self::scope::ScopeOptions;
use self::time::TimeOptions;
use crate::argument::number;
use crate::artifact::PolicyName;
use crate::commands::signing::Signing;
use crate::issue::dates;
use crate::issue::limit::Limit;
use crate::issue::templates::{TEMPLATES, Template};
use crate::output::{Answer, line};
use crate::problem::Problem;
use crate::{files, random, wall_clock};

/// Write a license from arguments, or from a template and arguments; with a key, sign it at once
///
/// Without `--key` the claims are printed, to be completed by hand and signed with `placet license sign`. Dates are
/// 2027-01-01 (that day's beginning in UTC), 2027-01-01T12:00:00Z, or from now: 30d, 6mo, 1y. What a flag says goes before what a
/// template says.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Options of a limit:
  per=tenant              each tenant has a budget of its own
  enforce=hard|soft|overage|meter
                          deny at the maximum, allow and warn, allow by `allowance` more,
                          or count alone
  allowance=1000|10%      how far overage goes
  warn=90                 warn from so many percent on
  account=NAME            count under this name instead of the license's id or the customer
  slack=100               units that a crash may burn, for speed
  quota: reset=day|week|month|quarter|year, anchor=15 (the day of the month),
         zone=Europe/Berlin, rollover=1000;
         or term=30d (rolling); refund
  rate:  every=1s, burst=200
  seats: ttl=10m

Examples:
  placet license new --template annual --customer 'Globex GmbH' --product acme/router \\
      --feature sso --key licensing.key
  placet license new --customer 'Globex GmbH' --product acme/router --plan enterprise \\
      --expires 1y --feature sso --feature audit_trails=2027-06-30 \\
      --limit tokens=quota:1000000,reset=month --limit objects=gauge:50000,per=tenant \\
      --grace-expiry 14d --key licensing.key --out license.json
  placet license new --customer Globex --product acme/router --expires never > claims.json")]
pub(crate) struct Arguments {
    /// What it is sold as: claims to start from; `placet license templates` lists what each is for and needs
    #[arg(long, value_name = "NAME", value_parser = names(), hide_possible_values = true)]
    template: Option<String>,
    /// License id (`jti`); a random one unless told otherwise
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Who issues it (`iss`), such as <https://licensing.acme.example>
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Who it is for, by name
    #[arg(long, value_name = "NAME")]
    customer: String,
    /// Who it is for, by id (`sub`)
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// The product (`aud`), as the policy is named: vendor/product
    #[arg(long, value_name = "VENDOR/PRODUCT")]
    product: String,
    /// The plan, such as free, team or enterprise
    #[arg(long)]
    plan: Option<String>,
    /// The article number
    #[arg(long)]
    sku: Option<String>,
    /// What it is beside other licenses; standard unless told
    #[arg(long, value_parser = ["standard", "trial", "addon", "topup"])]
    kind: Option<String>,
    /// A number of yours, for people
    #[arg(long, value_name = "NUMBER", value_parser = number, allow_negative_numbers = true)]
    serial: Option<u64>,
    /// A feature, until a date or as long as the license. Repeat it for more
    #[arg(long = "feature", value_name = "NAME[=DATE]")]
    features: Vec<String>,
    /// A limit: name, kind (quota, gauge, rate, seats), maximum or `unlimited`, options (listed below). Repeat it for more
    #[arg(long = "limit", value_name = "NAME=KIND:MAX[,OPTION…]")]
    limits: Vec<Limit>,
    /// SKUs of licenses beside which alone it holds
    #[arg(long, value_name = "SKU", value_delimiter = ',')]
    requires: Vec<String>,
    /// Ids of licenses that end when this one holds
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    supersedes: Vec<String>,
    /// The lowest policy sequence that may judge it
    #[arg(long, value_name = "SEQUENCE", value_parser = number, allow_negative_numbers = true)]
    min_policy: Option<u64>,
    /// A note of yours. Repeat it for more
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
    /// Private key, PEM: sign at once
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    time: TimeOptions,
    #[command(flatten)]
    scope: ScopeOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let claims = Value::Object(claims(arguments, wall_clock::now())?);
    if let Some(key) = &arguments.key {
        let answer = super::issue(claims.to_string().as_bytes(), "the license", key, &arguments.signing)?;
        return Ok(warned(answer, &arguments.product));
    }
    let text = format!("{claims:#}\n");
    let checked = super::checked(text.as_bytes(), "the license")?;
    let answer = match &arguments.signing.out {
        None => Answer::document(text),
        Some(out) => {
            files::replace("--out", out, text.as_bytes())?;
            if files::is_standard(out) {
                Answer::document("")
            } else {
                Answer::yes(line(format!("claims written to {}", out.display())), serde_json::json!({ "file": out }))
            }
        }
    };
    Ok(warned(super::told(answer, &checked), &arguments.product))
}

/// A policy takes licenses of the product that it is named for, unless its manifest says of a key that it signs for another.
fn warned(answer: Answer, product: &str) -> Answer {
    if product.parse::<PolicyName>().is_ok() {
        return answer;
    }
    answer.warn(format!(
        "no policy can be named `{product}`: the license holds only where a manifest has it as `product` of the key; policies are \
         named vendor/product"
    ))
}

/// The claims of format `placet/1`; what neither a flag nor the template says is left out.
fn claims(arguments: &Arguments, now: Timestamp) -> anyhow::Result<Map<String, Value>> {
    let template = arguments.template.as_deref().and_then(Template::named);
    let limits = arguments.limits.iter().map(|limit| (limit.name.clone(), limit.claims.clone().into()));
    let scope = arguments.scope.claims();
    let mut given = vec![
        ("iss", text(&arguments.issuer)),
        ("jti", Some(arguments.id.clone().map_or_else(|| random::id("lic_"), Ok)?.into())),
        ("sub", text(&arguments.subject)),
        ("aud", Some(arguments.product.clone().into())),
        ("iat", Some(now.as_second().into())),
        ("customer", Some(arguments.customer.clone().into())),
        ("plan", text(&arguments.plan)),
        ("sku", text(&arguments.sku)),
        ("kind", text(&arguments.kind)),
        ("serial", arguments.serial.map(Value::from)),
        ("requires", some_list(&arguments.requires)),
        ("supersedes", some_list(&arguments.supersedes)),
        ("features", some_map("--feature", features(&arguments.features, now)?)?),
        ("limits", some_map("--limit", limits.collect())?),
        ("scope", (!scope.is_empty()).then_some(Value::Object(scope))),
        ("min_policy", arguments.min_policy.map(Value::from)),
        ("metadata", some_map("--metadata", metadata(&arguments.metadata)?)?),
    ];
    given.extend(arguments.time.claims(template, now)?);
    let mut claims: Map<_, _> = given.into_iter().filter_map(|(name, claim)| Some((name.to_owned(), claim?))).collect();
    if let Some(template) = template {
        template.fill(&mut claims);
        template.check(&claims)?;
    }
    if arguments.time.ends_at_the_instant() {
        claims.remove("ends");
    }
    Ok(claims)
}

/// The templates as the values of an argument.
fn names() -> Vec<PossibleValue> {
    TEMPLATES.iter().map(|template| PossibleValue::new(template.name).help(template.about)).collect()
}

/// A date as a flag gives it, in seconds since 1970.
fn date(flag: &str, text: &str, now: Timestamp) -> Result<i64, Problem> {
    dates::parse(text, now).map_err(|error| Problem::usage(format!("{flag}: {error}"), "see `placet help license new`"))
}

fn text(text: &Option<String>) -> Option<Value> {
    text.clone().map(Value::from)
}

fn features(arguments: &[String], now: Timestamp) -> Result<Vec<(String, Value)>, Problem> {
    let feature = |argument: &String| match argument.split_once('=') {
        None => Ok((argument.clone(), true.into())),
        Some((name, until)) => Ok((name.to_owned(), serde_json::json!({ "expires": date("--feature", until, now)? }))),
    };
    arguments.iter().map(feature).collect()
}

fn metadata(arguments: &[String]) -> Result<Vec<(String, Value)>, Problem> {
    let entry = |argument: &String| {
        let (name, value) = argument.split_once('=').ok_or_else(|| {
            Problem::usage(
                format!("--metadata: `{argument}` has no value"),
                "write --metadata key=value, such as contract=C-1881",
            )
        })?;
        Ok((name.to_owned(), value.into()))
    };
    arguments.iter().map(entry).collect()
}

fn some_list(items: &[String]) -> Option<Value> {
    (!items.is_empty()).then(|| items.into())
}

/// An object; a name twice is a mistake that would silently lose one of the two.
fn some_map(flag: &str, entries: Vec<(String, Value)>) -> Result<Option<Value>, Problem> {
    let mut map = Map::new();
    for (name, value) in entries {
        if name.is_empty() {
            return Err(Problem::usage(format!("{flag}: a name is empty"), "write the name before the `=`"));
        }
        if map.contains_key(&name) {
            return Err(Problem::usage(format!("{flag}: `{name}` is given twice"), "give each name once"));
        }
        map.insert(name, value);
    }
    Ok((!map.is_empty()).then_some(Value::Object(map)))
}
