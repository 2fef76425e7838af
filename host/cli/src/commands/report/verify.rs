//! `placet report verify`.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use placet::{Lowered, ReportFault, ReportPin, ReportedCounter, Setback, SignedReport};
use placet_rules::counter_name::CounterName;
use placet_rules::notices::Kind;
use serde_json::{Value, json};

use crate::files::{self, Output};
use crate::issue::notice::{Draft, ToOptions, date};
use crate::keys::{self, Form, PrivateKey};
use crate::output::{Answer, table};
use crate::problem::Problem;
use crate::show::moment;
use crate::wall_clock;

/// Check reports of an installation: who signed them, that none is missing, and that nothing was put back
///
/// The first report of an installation makes the file of `--pin`, which remembers its key and how far it was verified; later ones must
/// follow it. With `--receipt` the check-in of the licenses in the last report is confirmed, for that installation alone and from the time of
/// that report on: the same report again extends nothing. Exit code 3 where a report is refused.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet report verify report.jws --pin globex.pin.json
  placet report verify report-7.jws report-8.jws --pin globex.pin.json --format json
  placet report verify report.jws --pin globex.pin.json \\
      --receipt receipt.json --key licensing.key")]
pub(crate) struct Arguments {
    /// Reports that `placet report export` wrote, in any order. Which counters hold less than in the report before is told where both are given
    #[arg(value_name = "FILE", required = true)]
    reports: Vec<PathBuf>,
    /// Where to remember the installation, one file for each: its key, and the last report that was verified. Made at the first report
    #[arg(long, value_name = "FILE")]
    pin: Option<PathBuf>,
    /// Go on though reports are missing, and warn
    #[arg(long, requires = "pin")]
    accept_gap: bool,
    /// Write a receipt for the licenses in the last report, which the customer installs (`placet install`)
    #[arg(long, value_name = "FILE", requires_all = ["key", "pin"])]
    receipt: Option<PathBuf>,
    /// Private key that signs the receipt, PEM. The policy must trust it for receipts
    #[arg(long, value_name = "FILE", requires = "receipt")]
    key: Option<PathBuf>,
    /// Name of the key in the receipt; its thumbprint unless told otherwise
    #[arg(long, value_name = "ID", requires = "receipt")]
    kid: Option<String>,
    /// No check-in is due before; unless told otherwise, the license's own time from the report on. `90d` counts from the report, too
    #[arg(long, value_name = "DATE", requires = "receipt")]
    until: Option<String>,
}

/// A report that follows the one before.
struct Verified {
    signed: SignedReport,
    lowered: Vec<Lowered>,
    gap: Option<ReportFault>,
    setback: Option<Setback>,
}

/// By so much a report may be ahead of the clock here.
const AHEAD: SignedDuration = SignedDuration::from_secs(5 * 60);

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let Arguments { reports, pin, receipt, key, .. } = arguments;
    for (flag, output) in [("--pin", pin), ("--receipt", receipt)] {
        let others = reports.iter().chain(key).chain(pin.iter().filter(|_| flag != "--pin"));
        if let Some(output) = output
            && others.into_iter().any(|other| files::is_same(output, other))
        {
            return Err(Problem::usage(
                format!("{flag} would be written over `{}`, which is read here", output.display()),
                "name another file",
            )
            .into());
        }
    }
    // Of two that verify with one pin, the second sees what the first has pinned.
    let _alone = pin.as_deref().map(files::alone_at).transpose()?;
    let pinned = arguments.pin.as_deref().filter(|path| files::exists(path)).map(read_pin).transpose()?;
    let verified = verify(&read(&arguments.reports)?, pinned.as_ref(), arguments.accept_gap)?;
    let Some(last) = verified.last() else { anyhow::bail!("no report was given") };
    let receipt = arguments.key.as_deref().map(|key| confirm(last, key, arguments)).transpose()?;
    // Both or none, as far as that can be known before; the receipt first, so that what is pinned was confirmed.
    let pin_file = arguments.pin.as_deref().map(|path| Output::open("--pin", path)).transpose()?;
    let receipt_file = arguments.receipt.as_deref().map(|path| Output::open("--receipt", path)).transpose()?;
    if let (Some(file), Some(receipt)) = (receipt_file, receipt) {
        file.write(receipt.as_bytes())?;
    }
    if let Some(file) = pin_file {
        let pin = serde_json::to_string_pretty(&ReportPin::of(&last.signed))?;
        file.write(format!("{pin}\n").as_bytes())?;
    }
    let json = json!({
        "verified": verified.iter().map(Verified::json).collect::<Vec<_>>(),
        "pinned": arguments.pin.is_some(),
        "report": last.signed.report,
    });
    let mut answer = Answer::yes(table(&rows(&last.signed)), json);
    match (&arguments.pin, &pinned) {
        (None, _) => {
            answer = answer.warn("the key that signed it was not compared with one known before: give `--pin FILE`");
        }
        (Some(path), None) => {
            let new = format!(
                "this is the first report of the installation that is verified here: its key is pinned in `{}`",
                path.display()
            );
            answer = answer.warn(new);
        }
        _ => {}
    }
    if pinned.is_none()
        && let (Some(_), Some(first)) = (&arguments.pin, verified.first())
        && first.signed.report.number > 1
    {
        answer = answer.warn(unseen(first.signed.report.number));
    }
    if let (Some(_), Some(pinned)) = (&arguments.receipt, &pinned)
        && pinned.number == last.signed.report.number
    {
        answer = answer.warn(format!(
            "report {} was verified before: unless `--until` names a later date, this receipt extends no more than one that was made then",
            pinned.number
        ));
    }
    Ok(verified.iter().flat_map(Verified::warnings).fold(answer, Answer::warn))
}

/// The reports, by number.
fn read(paths: &[PathBuf]) -> Result<Vec<(String, SignedReport)>, Problem> {
    let read = |path: &PathBuf| {
        let file = path.display().to_string();
        let signed = SignedReport::read(&files::read_text(path)?);
        let signed = signed.map_err(|error| refused(&file, error.reason(), error))?;
        Ok((file, signed))
    };
    let mut reports = paths.iter().map(read).collect::<Result<Vec<_>, Problem>>()?;
    reports.sort_by_key(|(_, signed)| signed.report.number);
    Ok(reports)
}

fn read_pin(path: &Path) -> Result<ReportPin, Problem> {
    serde_json::from_str(&files::read_text(path)?).map_err(|error| {
        let help = "give the file that the first `placet report verify --pin` of this installation made";
        Problem::of("report-pin-invalid", format!("`{}` remembers no installation", path.display()))
            .with_help(help)
            .because(error)
    })
}

fn verify(
    reports: &[(String, SignedReport)],
    pinned: Option<&ReportPin>,
    accept_gap: bool,
) -> Result<Vec<Verified>, Problem> {
    let mut pin = pinned.cloned();
    let mut before: Option<&SignedReport> = None;
    let mut verified = Vec::new();
    for (file, signed) in reports {
        let gap = match pin.as_ref().map_or(Ok(()), |pin| pin.admits(signed)) {
            Ok(()) => None,
            Err(gap @ ReportFault::Gap { .. }) if accept_gap => Some(gap),
            Err(fault) => return Err(refused(file, fault.reason(), fault)),
        };
        let lowered = before.map(|before| signed.lowered_since(before)).unwrap_or_default();
        let setback = pin.as_ref().and_then(|pin| pin.setback(signed));
        verified.push(Verified { signed: signed.clone(), lowered, gap, setback });
        (pin, before) = (Some(ReportPin::of(signed)), Some(signed));
    }
    Ok(verified)
}

/// What a pin cannot know that begins with a later report than the first.
fn unseen(number: u64) -> String {
    let before = if number == 2 { "report 1 was".to_owned() } else { format!("reports 1 to {} were", number - 1) };
    format!("it is report {number}: {before} never verified here; ask for what is missing, or for why the pin was lost")
}

/// A receipt for the licenses in a report: for its installation alone, and from its time on, so that no report confirms more than once.
fn confirm(last: &Verified, key: &Path, arguments: &Arguments) -> anyhow::Result<String> {
    let licenses = &last.signed.report.licenses;
    if licenses.is_empty() {
        return Err(Problem::of("missing", "no license is in the report, so that none can be confirmed")
            .with_help("have the customer install the license, and send a new report")
            .into());
    }
    let (report, now) = (&last.signed.report, wall_clock::now());
    let Some(heard) = heard([Some(report.time), report.confirmed], now) else {
        let message = format!(
            "no receipt is made for report {}: it is of {}, which is yet to come",
            report.number,
            moment(report.time)
        );
        return Err(Problem::of("report-ahead", message).into());
    };
    let until = arguments.until.as_deref().map(|text| date("--until", text, heard)).transpose()?;
    let to = ToOptions::licenses(licenses.iter().map(|license| license.id.clone()).collect());
    let draft = Draft::new(Kind::Receipt, heard).identified(None)?.to(&to).with_some("until", until);
    let draft = draft.with("fingerprint", report.fingerprint());
    keys::sign(&draft.payload()?, Kind::Receipt, &PrivateKey::read(key)?, arguments.kid.as_deref(), Form::Json)
}

/// When the installation was heard of: when it made the report, or, where its clock was ahead then, the time before that. None: that is ahead, too.
fn heard(times: [Option<u64>; 2], now: Timestamp) -> Option<Timestamp> {
    let mut times =
        times.into_iter().flatten().filter_map(|time| Timestamp::from_millisecond(i64::try_from(time).ok()?).ok());
    times.find(|time| time.duration_since(now) <= AHEAD).map(|time| time.min(now))
}

fn refused(file: &str, reason: &str, why: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::of(reason, format!("the report `{file}` is refused")).because(why).refused()
}

fn rows(signed: &SignedReport) -> Vec<(&'static str, String)> {
    let report = &signed.report;
    let policy = &report.policy;
    let mut rows = vec![
        ("report", report.number.to_string()),
        ("installation", report.installation.clone()),
        ("policy", format!("{} {} (sequence {})", policy.name, policy.version, policy.sequence)),
        ("made", moment(report.time)),
        ("state", report.state.clone()),
    ];
    rows.extend(report.licenses.iter().map(|license| ("license", format!("{}: {}", license.id, license.state))));
    rows.extend(report.counters.iter().map(|counter| {
        let unbilled = counter.counter.strip_prefix("excess/").map(|parts| format!("use/{parts}"));
        let what = if unbilled.is_some() { "unbilled" } else { "used" };
        (what, format!("{}: {}", named(unbilled.as_ref().unwrap_or(&counter.counter)), counter.value))
    }));
    let listed = |what, list: &[ReportedCounter]| {
        let row = |one: &ReportedCounter| (what, format!("{}: {}", named(&one.counter), one.value));
        list.iter().map(row).collect::<Vec<_>>()
    };
    rows.extend(listed("seats", &report.seats));
    rows.extend(listed("burned", &report.burned));
    rows.push(("head", report.head.to_string()));
    rows
}

/// What a counter counts, for a person.
fn named(counter: &str) -> String {
    let Some(name) = CounterName::parse(counter) else { return counter.to_owned() };
    let part = |before: &str, part: &str| if part.is_empty() { String::new() } else { format!(" {before} {part}") };
    let account = if name.account == "@customer" { "" } else { &name.account };
    [
        name.limit.to_string(),
        part("of", account),
        part("for", &name.tenant),
        part("in", &name.period),
        part("after reset", &name.generation),
    ]
    .concat()
}

impl Verified {
    fn json(&self) -> Value {
        json!({
            "number": self.signed.report.number,
            "hash": self.signed.hash,
            "key": self.signed.key,
            "lowered": self.lowered,
            "gap": self.gap.is_some(),
            "setback": self.setback,
        })
    }

    fn warnings(&self) -> Vec<String> {
        let number = self.signed.report.number;
        let gap = self.gap.iter().map(|gap| format!("{gap}; gone on without what is missing"));
        let lowered = self.lowered.iter().map(|lowered| {
            let Lowered { counter, before, after } = lowered;
            format!("report {number}: {} held {before} and holds {after}: given back, or taken away", named(counter))
        });
        let setback = self.setback.iter().map(|setback| set_back(number, setback));
        gap.chain(setback).chain(lowered).collect()
    }
}

/// A clock that fell, for a person.
fn set_back(number: u64, setback: &Setback) -> String {
    let (before, after) = (moment(setback.before), moment(setback.after));
    if setback.confirmed {
        format!(
            "report {number}: the confirmed time fell from {before} to {after}: a time anchor does that; if you signed none, ask the customer"
        )
    } else {
        format!("report {number} is of {after}, the one before of {before}: a clock was ahead, and was set right")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_report_is_heard_of_when_it_was_made_and_never_later_than_now() {
        let now = jiff::Timestamp::from_second(10_000).unwrap();
        let heard =
            |time: u64, confirmed| super::heard([Some(time * 1_000), confirmed], now).map(jiff::Timestamp::as_second);
        assert_eq!(heard(9_000, Some(1_000_000)), Some(9_000), "the machine was off before");
        assert_eq!(heard(10_300, Some(1_000_000)), Some(10_000), "clocks differ a little");
        assert_eq!(heard(10_301, Some(9_500_000)), Some(9_500), "its clock was ahead");
        assert_eq!(heard(10_301, Some(10_301_000)), None, "and was believed");
        assert_eq!((heard(10_301, None), heard(u64::MAX / 1_000, Some(u64::MAX))), (None, None));
    }

    #[test]
    fn a_counter_is_named_by_what_it_counts() {
        let named = super::named;
        assert_eq!(named("use/tokens//%40customer//"), "tokens");
        assert_eq!(named("use/tokens/t%201/lic_1/2026-11/2"), "tokens of lic_1 for t 1 in 2026-11 after reset 2");
        assert_eq!(named("rest"), "rest");
    }
}
