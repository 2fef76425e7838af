//! What went wrong, for the person who has to mend it.

use std::error::Error;

/// A failure with its next step. The text names what is wrong and where, never the content of a key.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Problem {
    message: String,
    help: String,
    reason: Option<String>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// What is wrong, and what to do.
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), reason: None, source: None }
    }

    /// With its cause.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An artifact or document was refused, with the reason from the table of reasons: exit code 3.
    pub(crate) fn refused(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The next step.
    pub(crate) fn help(&self) -> &str {
        &self.help
    }

    /// Why an artifact or document was refused, if that is what happened.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
