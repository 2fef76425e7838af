//! What went wrong, for the person who has to mend it.

use std::error::Error;

/// A failure with its next step. The text names what is wrong and where, never the content of a key.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Problem {
    message: String,
    help: String,
    reason: Option<String>,
    refused: bool,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// What is wrong, and what to do.
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), reason: None, refused: false, source: None }
    }

    /// With its cause.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// With its reason from the table of reasons.
    pub(crate) fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// An artifact or document was refused, with the reason from the table of reasons: exit code 3.
    pub(crate) fn refused(self, reason: impl Into<String>) -> Self {
        Self { refused: true, ..self.with_reason(reason) }
    }

    /// The next step.
    pub(crate) fn help(&self) -> &str {
        &self.help
    }

    /// From the table of reasons, where it has one.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Is it that an artifact or document was refused?
    pub(crate) fn is_refusal(&self) -> bool {
        self.refused
    }
}
