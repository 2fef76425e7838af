//! What went wrong, for the person who has to mend it.

use std::error::Error;

use crate::reasons;

/// The arguments cannot be meant as they stand.
const USAGE_REASON: &str = "arguments-invalid";

/// A failure with its reason, from the table of reasons, and its next step. The text names what is wrong and where, never the content of
/// a key.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Problem {
    message: String,
    help: String,
    reason: String,
    refused: bool,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// What is wrong, and the reason; what to do stands beside it in the table.
    pub(crate) fn of(reason: impl Into<String>, message: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { message: message.into(), help: reasons::help(&reason), reason, refused: false, source: None }
    }

    /// What is wrong with the arguments, and what to write.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::of(USAGE_REASON, message).with_help(help)
    }

    /// With a next step that fits better here than the table's.
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// With its cause.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// It is an artifact or document that was refused: exit code 3.
    pub(crate) fn refused(self) -> Self {
        Self { refused: true, ..self }
    }

    /// The next step.
    pub(crate) fn help(&self) -> &str {
        &self.help
    }

    /// From the table of reasons.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Is it that an artifact or document was refused?
    pub(crate) fn is_refusal(&self) -> bool {
        self.refused
    }
}
