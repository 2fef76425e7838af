//! A recorded decision, made again: by the very policy, on the very documents, with clock and counters that answer as they did.

use std::collections::BTreeMap;
use std::sync::Arc;

use placet_artifact::{Floor, PolicyRoots};
use serde_json::Value;

use crate::Decision;
use crate::builder::Builder;
use crate::capability::{Strayed, Tape};
use crate::clock::Clock;
use crate::deployment::Deployment;
use crate::documents::{DocumentError, Snapshot, Source};
use crate::error::{Failure, OpenError, PolicyError};
use crate::limits;
use crate::policies::Candidate;
use crate::program::{Lent, on_tape};
use crate::recording::{Outcome, RecordedContent, RecordedDocument, Recording, RecordingError, sha256};
use crate::sandbox::Sandbox;
use crate::state_dir::{Folder, StateDir};
use crate::store::{MemoryStore, RedbStore};
use crate::vault::Unlocked;

/// What came of it the second time.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The decision, or why none was made.
    pub answer: Result<Decision, Failure>,
    /// Where it is another one than was recorded; empty where all is equal, bit for bit.
    pub differences: Vec<Difference>,
}

/// One thing that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The place in the recording, such as `answer.decision.usage[0].used` or `calls[3].asked`.
    pub at: String,
    /// What stands there, as JSON; empty where nothing does.
    pub recorded: String,
    /// What it is now.
    pub replayed: String,
}

/// A recording cannot be replayed here.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It contradicts itself.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The policy that decided is not at hand.
    #[error("the policy `{name}` {version} with the hash {hash} is not here")]
    PolicyMissing {
        /// As in its manifest.
        name: String,
        /// As in its manifest.
        version: String,
        /// SHA-256 of the signed content, in hex.
        hash: String,
    },
    /// A document that lay there is not at hand.
    #[error("the document `{name}` with the SHA-256 {sha256} is not here")]
    DocumentMissing {
        /// Its name when it was recorded; it is looked for by its hash.
        name: String,
        /// In hex.
        sha256: String,
    },
    /// A secret that the policy was told is not given.
    #[error("the secret `{0}` is not given")]
    SecretMissing(String),
    /// State or policy cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl ReplayError {
    /// The reason, as in the table of reasons.
    pub fn reason(&self) -> &str {
        match self {
            Self::Recording(_) => "recording-invalid",
            Self::PolicyMissing { .. } => "recorded-policy-missing",
            Self::DocumentMissing { .. } => "recorded-document-missing",
            Self::SecretMissing(_) => "secret-missing",
            Self::Open(error) => error.reason(),
        }
    }
}

impl Builder {
    /// Makes a recorded decision again, and tells where it is another one. Nothing is counted: clock and counters answer from the
    /// recording. Of the builder count the roots, the policy file, the secrets, and as places where documents and policies are
    /// looked for by their hashes the licenses and the state; the state may be left out.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] where something that decided is not at hand.
    pub fn replay(&self, recording: &Recording) -> Result<Replay, ReplayError> {
        let roots = self.policy_roots()?;
        let mut deployment = Deployment::default();
        for fact in &recording.facts {
            deployment.fact(fact.name.clone(), fact.value.clone());
        }
        for name in &recording.secrets {
            let value = self.deployment.told_secret(name).ok_or_else(|| ReplayError::SecretMissing(name.clone()))?;
            deployment.secret(name.clone(), value.to_owned());
        }
        let state = self.state.as_deref().map(StateDir::open).transpose().map_err(OpenError::from)?;
        let candidate = self.recorded_policy(recording, &roots, state.as_ref())?;
        let name: Arc<str> = candidate.name().into();
        let snapshot = Arc::new(self.recorded_documents(recording, &name, state.as_ref())?);

        let sandbox = Sandbox::new().map_err(|error| OpenError::Machine(error.into()))?;
        let clock = Arc::new(Clock::without_state());
        // It decides nothing here that counts, so that no floor is held against it.
        let tested = candidate
            .test(&Floor::default(), &sandbox, state.as_ref(), &deployment, &clock)
            .map_err(OpenError::from)?;
        let lent = Lent { clock, store: Arc::new(MemoryStore::default()), namespace: name };
        let tape = Tape::playing(recording.calls.clone());
        let answer = on_tape(&tested.program, &snapshot, &lent, &tape, |instance| {
            recording.question.put(instance, limits::DECISION, &recording.context)
        });
        let answer = Failure::flattened(answer);
        Ok(Replay { differences: differences(recording, &tape, &answer)?, answer })
    }

    fn recorded_policy(
        &self,
        recording: &Recording,
        roots: &PolicyRoots,
        state: Option<&StateDir>,
    ) -> Result<Candidate, ReplayError> {
        let recorded = recording.policy();
        let is_it = |candidate: &Candidate| candidate.info().hash == recorded.hash;
        let open = |error: PolicyError| ReplayError::Open(error.into());
        if let Some(path) = &self.policy {
            let candidate = Candidate::read(path, roots).map_err(open)?;
            if is_it(&candidate) {
                return Ok(candidate);
            }
        }
        let adopted = state.map(|state| Candidate::adopted(state, roots, None)).transpose().map_err(open)?;
        let found = adopted.and_then(|(candidates, _)| candidates.into_iter().find(is_it));
        found.ok_or_else(|| ReplayError::PolicyMissing {
            name: recorded.name.clone(),
            version: recorded.version.clone(),
            hash: recorded.hash.clone(),
        })
    }

    /// The documents as they lay there, found by their hashes wherever there are some.
    fn recorded_documents(
        &self,
        recording: &Recording,
        policy: &str,
        state: Option<&StateDir>,
    ) -> Result<Snapshot, ReplayError> {
        let mut sources = self.sources.clone();
        let mut kept = BTreeMap::new();
        let wanted = |document: &RecordedDocument| matches!(document.content, RecordedContent::Sha256(_));
        if let (Some(state), Some(path)) = (state, &self.state)
            && recording.documents.iter().chain(&recording.kept).any(wanted)
        {
            let vault = Unlocked::look(state, &self.secrets)?.vault;
            sources.push(Source::Installed(state.path(Folder::Licenses), vault.clone()));
            let store = RedbStore::open_sealed(path, vault.clone()).map_err(OpenError::from)?;
            kept = crate::installation::kept_copies(&store, policy, &vault).map_err(OpenError::from)?;
        }
        let here = Snapshot::take(&sources, kept);
        let offered = here.names().into_iter().map(|name| here.read(&name));
        let kept = here.kept().into_iter().map(|name| here.recover(&name));
        let by_hash: BTreeMap<_, _> =
            offered.chain(kept).flatten().map(|content| (sha256(&content), content)).collect();
        let find = |document: &RecordedDocument| {
            let content = match &document.content {
                RecordedContent::NotFound => Err(DocumentError::NotFound),
                RecordedContent::TooLarge => Err(DocumentError::TooLarge),
                RecordedContent::Unreadable(why) => Err(DocumentError::Other(why.clone().into())),
                RecordedContent::Sha256(sha256) => Ok(by_hash.get(sha256).cloned().ok_or_else(|| {
                    ReplayError::DocumentMissing { name: document.name.clone(), sha256: sha256.clone() }
                })?),
            };
            Ok((document.name.clone(), content))
        };
        let offered = recording.documents.iter().map(find).collect::<Result<_, ReplayError>>()?;
        let kept = recording.kept.iter().map(find).collect::<Result<Vec<_>, ReplayError>>()?;
        let kept = kept.into_iter().filter_map(|(name, content)| Some((name, content.ok()?)));
        Ok(Snapshot::of(offered, kept.collect()))
    }
}

/// The first question that strayed, since all that follows comes from it; else whatever differs in the answer.
fn differences(
    recording: &Recording,
    tape: &Tape,
    answer: &Result<Decision, Failure>,
) -> Result<Vec<Difference>, RecordingError> {
    match tape.strayed() {
        Some(Strayed::Answer { index }) => return Err(RecordingError::Answer(index)),
        Some(Strayed::Asked { index, recorded, replayed }) => {
            let recorded = recorded.map(|asked| serde_json::json!(asked).to_string()).unwrap_or_default();
            let replayed = serde_json::json!(replayed).to_string();
            return Ok(vec![Difference { at: format!("calls[{index}].asked"), recorded, replayed }]);
        }
        None => {}
    }
    let mut found = Vec::new();
    compare("answer", &serde_json::json!(recording.answer), &serde_json::json!(Outcome::from(answer)), &mut found);
    if let Some(index) = tape.unasked() {
        let recorded = recording.calls.get(index).map(|call| serde_json::json!(call.asked).to_string());
        let recorded = recorded.unwrap_or_default();
        found.push(Difference { at: format!("calls[{index}].asked"), recorded, replayed: String::new() });
    }
    Ok(found)
}

/// Member by member, so that the smallest part that differs is named.
fn compare(at: &str, recorded: &Value, replayed: &Value, found: &mut Vec<Difference>) {
    match (recorded, replayed) {
        (Value::Object(one), Value::Object(other)) => {
            for name in one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))) {
                let member = |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&format!("{at}.{name}"), &member(one), &member(other), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{at}[{index}]"), one, other, found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => {
            found.push(Difference { at: at.to_owned(), recorded: one.to_string(), replayed: other.to_string() });
        }
    }
}
