//! A decision with all that went into it, to be made again elsewhere.
//!
//! A recording holds what may be shown: the request, the facts of the deployment, what clock and counters answered, and hashes of the
//! policy and of the documents. Never a token, a payload or a key; of secrets it holds the names.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bindings::exports::placet::policy::enforcement::Context;
use crate::capability::Call;
use crate::documents::{DocumentError, Snapshot};
use crate::error::Failure;
use crate::program::Program;
use crate::request::Question;
use crate::{Attribute, Decision};

/// The format of recordings that this version writes, and the only one that it reads.
const FORMAT: u64 = 1;

/// One decision, recorded: what [`crate::Request::record`] made, and [`crate::Builder::replay`] makes again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    format: u64,
    pub(crate) policy: RecordedPolicy,
    pub(crate) facts: Vec<Attribute>,
    /// Names alone.
    pub(crate) secrets: Vec<String>,
    pub(crate) documents: Vec<RecordedDocument>,
    pub(crate) kept: Vec<RecordedDocument>,
    pub(crate) question: Question<'static>,
    pub(crate) context: Context,
    /// In their order, those of the loading first.
    pub(crate) calls: Vec<Call>,
    pub(crate) answer: Outcome,
}

/// Which policy decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPolicy {
    /// As in its manifest.
    pub name: String,
    /// As in its manifest.
    pub version: String,
    /// As in its manifest.
    pub sequence: u64,
    /// SHA-256 of the signed content, in hex.
    pub hash: String,
}

/// A document that lay there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedDocument {
    pub(crate) name: String,
    pub(crate) content: RecordedContent,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RecordedContent {
    /// Of the whole document, in hex.
    Sha256(String),
    NotFound,
    TooLarge,
    /// Why it could not be read.
    Unreadable(String),
}

/// A decision, or the reason why none was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Decision(Box<Decision>),
    Failure(String),
}

/// What [`crate::Request::record`] brings.
#[derive(Clone, Debug)]
#[must_use = "the request was decided, and counted where it counts"]
pub struct Recorded {
    /// The decision, or why none was made; no fail mode is applied.
    pub answer: Result<Decision, Failure>,
    /// How it came about.
    pub recording: Recording,
}

/// A file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It is not JSON, or not of this form; the content is not repeated here.
    #[error("line {line}, column {column} is not what a recording has there")]
    Form {
        /// From 1; 0 where the file ends too early.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A later version wrote it.
    #[error("`format` is {0}, and this version reads {FORMAT}")]
    Format(u64),
    /// What a function of the host answered is the answer of another function.
    #[error("`calls[{0}].answer` is the answer to something else than was asked")]
    Answer(usize),
}

impl Recording {
    /// Reads what [`Recording::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// [`RecordingError`] with the place of what is wrong.
    pub fn from_json(json: &[u8]) -> Result<Self, RecordingError> {
        let recording: Self = serde_json::from_slice(json)
            .map_err(|error| RecordingError::Form { line: error.line(), column: error.column() })?;
        if recording.format == FORMAT { Ok(recording) } else { Err(RecordingError::Format(recording.format)) }
    }

    /// As JSON, for a file.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", serde_json::json!(self))
    }

    /// Which policy decided.
    pub fn policy(&self) -> &RecordedPolicy {
        &self.policy
    }

    /// What was decided; none where nothing was, but an error came.
    pub fn decision(&self) -> Option<&Decision> {
        match &self.answer {
            Outcome::Decision(decision) => Some(decision),
            Outcome::Failure(_) => None,
        }
    }

    pub(crate) fn new(
        program: &Program,
        snapshot: &Snapshot,
        question: Question<'static>,
        context: Context,
        calls: Vec<Call>,
        answer: &Result<Decision, Failure>,
    ) -> Self {
        let manifest = &program.manifest;
        let kept = |name: String| RecordedDocument { content: content(snapshot.recover(&name)), name };
        let offered = |name: String| RecordedDocument { content: content(snapshot.read(&name)), name };
        Self {
            format: FORMAT,
            policy: RecordedPolicy {
                name: manifest.name.to_string(),
                version: manifest.version.to_string(),
                sequence: manifest.sequence,
                hash: program.hash.to_string(),
            },
            facts: program.config.deployment.clone(),
            secrets: program.config.secrets.iter().map(|secret| secret.name.clone()).collect(),
            documents: snapshot.names().into_iter().map(offered).collect(),
            kept: snapshot.kept().into_iter().map(kept).collect(),
            question,
            context,
            calls,
            answer: Outcome::from(answer),
        }
    }
}

impl From<&Result<Decision, Failure>> for Outcome {
    fn from(answer: &Result<Decision, Failure>) -> Self {
        match answer {
            Ok(decision) => Self::Decision(Box::new(decision.clone())),
            Err(failure) => Self::Failure(failure.reason().to_owned()),
        }
    }
}

fn content(content: Result<std::sync::Arc<[u8]>, DocumentError>) -> RecordedContent {
    match content {
        Ok(content) => RecordedContent::Sha256(sha256(&content)),
        Err(DocumentError::NotFound) => RecordedContent::NotFound,
        Err(DocumentError::TooLarge) => RecordedContent::TooLarge,
        Err(DocumentError::Other(why)) => RecordedContent::Unreadable(why.into_owned()),
    }
}

/// By which a recording knows a document.
pub(crate) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
