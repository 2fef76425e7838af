//! `placet replay`.

use std::path::PathBuf;

use placet::{Recording, Replay, ReplayError};
use serde_json::json;

use super::asking::undecided;
use crate::output::{Answer, line, table};
use crate::problem::Problem;
use crate::site::{self, SiteOptions};
use crate::{files, show};

/// Make a recorded decision again, and tell whether it is the same
///
/// A recording is made with `--record` by check, preview, consume, credit, measure, and by seats claim and release. The very policy
/// decides, on the very documents, both found by their hashes: in the state directory, in `--policy`, in `--license`. Clock and counters
/// answer from the recording; nothing is counted, and no state is needed where the files are at hand. Exit code 0 where all is equal, 1
/// where something differs.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet consume tokens 1200 --tenant t1 --record decision.json
  placet replay decision.json
  placet replay decision.json --policy acme-router.wasm --license documents/ --root vendor.pub")]
pub(crate) struct Arguments {
    /// The recording; `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    site: SiteOptions,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let recording = Recording::from_json(&files::read(&arguments.file)?).map_err(|error| {
        let message = format!("`{}` is no recording", arguments.file.display());
        Problem::of("recording-invalid", message)
            .with_help("give a file as `--record` of placet check, preview, consume, credit, measure or seats wrote it")
            .because(error)
    })?;
    let replay = arguments.site.builder()?.replay(&recording).map_err(not_replayed)?;
    told(&recording, replay)
}

fn told(recording: &Recording, replay: Replay) -> anyhow::Result<Answer> {
    let policy = recording.policy();
    let equal = replay.differences.is_empty();
    let name = format!("{} {} (sequence {})", policy.name, policy.version, policy.sequence);
    let mut text = table(&[("replay", if equal { "equal" } else { "differs" }), ("policy", &name)]);
    for difference in &replay.differences {
        let or_nothing = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        let (recorded, replayed) = (or_nothing(&difference.recorded), or_nothing(&difference.replayed));
        text.push_str(&line(&difference.at));
        text.push_str(&line(format!("  recorded: {recorded}")));
        text.push_str(&line(format!("  replayed: {replayed}")));
    }
    let json = json!({
        "equal": equal, "differences": replay.differences, "policy": policy,
        "decision": replay.answer.as_ref().ok(), "failure": replay.answer.as_ref().err().map(|failure| failure.reason()),
    });
    // A recording of a failure is equal where the failure came again.
    match (&replay.answer, equal) {
        (Ok(decision), true) => text.push_str(&show::decision_text(decision)),
        (Err(failure), true) => text.push_str(&line(format!("{:#}", undecided(failure.clone())))),
        _ => {}
    }
    Ok(Answer::verdict(equal, text, json))
}

fn not_replayed(error: ReplayError) -> Problem {
    match error {
        ReplayError::Open(error) => site::not_opened(error),
        error => Problem::of(error.reason(), "the decision cannot be made again").because(error),
    }
}
