//! `placet license new`.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::argument::number;
use crate::commands::signing::Signing;
use crate::issue::dates;
use crate::issue::limit::Limit;
use crate::output::Answer;
use crate::problem::Problem;
use crate::{files, random, wall_clock};

/// Write a license from arguments; with a key, sign it at once
///
/// Without `--key` the claims are printed, to be completed by hand and signed with `placet license sign`. Dates are
/// 2027-01-01 (that day's beginning in UTC), 2027-01-01T12:00:00Z, or from now: 30d, 6mo, 1y.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet license new --customer 'Globex GmbH' --product acme/router --plan enterprise --expires 1y \\
      --feature sso --feature audit_trails=2027-06-30 \\
      --limit tokens=quota:1000000,reset=month --limit objects=gauge:50000,per=tenant \\
      --grace-expiry 14d --key licensing.key --out license.json
  placet license new --customer Globex --product acme/router --expires never > claims.json")]
pub(crate) struct Arguments {
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
    /// A feature, until a date or as long as the license. Repeat it for more
    #[arg(long = "feature", value_name = "NAME[=DATE]")]
    features: Vec<String>,
    /// A limit: name, kind (quota, gauge, rate, seats), maximum or `unlimited`, options. Repeat it for more
    #[arg(long = "limit", value_name = "NAME=KIND:MAX[,OPTION…]")]
    limits: Vec<Limit>,
    /// When it begins (`nbf`); now unless told otherwise
    #[arg(long, value_name = "DATE")]
    starts: Option<String>,
    /// When it ends (`exp`), or `never`
    #[arg(long, value_name = "DATE")]
    expires: String,
    /// How long it may be used past its end, such as 14d
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    grace_expiry: Option<String>,
    /// How long its copy stands in while its file is damaged or gone, such as 72h
    #[arg(long, value_name = "TIME", value_parser = dates::length)]
    grace_validation: Option<String>,
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
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let claims = Value::Object(claims(arguments, wall_clock::now())?);
    if let Some(key) = &arguments.key {
        return super::issue(claims.to_string().as_bytes(), "the license", key, &arguments.signing);
    }
    let text = format!("{claims:#}\n");
    let undecided = super::checked(text.as_bytes(), "the license")?;
    let answer = match &arguments.signing.out {
        None => Answer::document(text),
        Some(out) => {
            files::write(out, text.as_bytes())?;
            if files::is_standard(out) {
                Answer::document("")
            } else {
                Answer::yes(format!("claims written to {}", out.display()), serde_json::json!({ "file": out }))
            }
        }
    };
    Ok(super::warned(answer, &undecided))
}

/// The claims of format `placet/1`; what was not said is left out.
fn claims(arguments: &Arguments, now: Timestamp) -> anyhow::Result<Map<String, Value>> {
    let date = |flag: &'static str, text: &str| {
        dates::parse(text, now)
            .map_err(|error| Problem::new(format!("{flag}: {error}"), "see `placet help license new`"))
    };
    let starts = arguments.starts.as_deref().map(|text| date("--starts", text)).transpose()?.unwrap_or(now.as_second());
    let expires = match arguments.expires.as_str() {
        "never" => None,
        text => Some(date("--expires", text)?),
    };
    if let Some(expires) = expires
        && expires <= starts
    {
        return Err(Problem::new(
            "--expires: the license would end before it begins",
            "give a later `--expires`, or an earlier `--starts`",
        )
        .into());
    }
    let mut claims = Map::new();
    let mut claim = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            claims.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.clone().map(Value::from);
    claim("iss", text(&arguments.issuer));
    claim("jti", Some(arguments.id.clone().map_or_else(|| random::id("lic_"), Ok)?.into()));
    claim("sub", text(&arguments.subject));
    claim("aud", Some(arguments.product.clone().into()));
    claim("iat", Some(now.as_second().into()));
    claim("nbf", Some(starts.into()));
    claim("exp", expires.map(Value::from));
    claim("customer", Some(arguments.customer.clone().into()));
    claim("plan", text(&arguments.plan));
    claim("sku", text(&arguments.sku));
    claim("supersedes", some_list(&arguments.supersedes));
    claim("features", some_map("--feature", features(&arguments.features, date)?)?);
    let limits = arguments.limits.iter().map(|limit| (limit.name.clone(), limit.claims.clone().into()));
    claim("limits", some_map("--limit", limits.collect())?);
    let graces = [("expiry", &arguments.grace_expiry), ("validation", &arguments.grace_validation)];
    let graces = graces.into_iter().filter_map(|(name, grace)| Some((name.to_owned(), text(grace)?)));
    claim("grace", some_map("--grace", graces.collect())?);
    claim("min_policy", arguments.min_policy.map(Value::from));
    claim("metadata", some_map("--metadata", metadata(&arguments.metadata)?)?);
    Ok(claims)
}

fn features(
    arguments: &[String],
    date: impl Fn(&'static str, &str) -> Result<i64, Problem>,
) -> Result<Vec<(String, Value)>, Problem> {
    let feature = |argument: &String| match argument.split_once('=') {
        None => Ok((argument.clone(), true.into())),
        Some((name, until)) => Ok((name.to_owned(), serde_json::json!({ "expires": date("--feature", until)? }))),
    };
    arguments.iter().map(feature).collect()
}

fn metadata(arguments: &[String]) -> Result<Vec<(String, Value)>, Problem> {
    let entry = |argument: &String| {
        let (name, value) = argument.split_once('=').ok_or_else(|| {
            Problem::new(
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
            return Err(Problem::new(format!("{flag}: a name is empty"), "write the name before the `=`"));
        }
        if map.contains_key(&name) {
            return Err(Problem::new(format!("{flag}: `{name}` is given twice"), "give each name once"));
        }
        map.insert(name, value);
    }
    Ok((!map.is_empty()).then_some(Value::Object(map)))
}
