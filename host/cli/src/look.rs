//! Looking at an installation, be it ours to open or another process's.

use placet::{Builder, HolderError, HolderStatus, OpenError, Placet, Status, StoreError};
use serde_json::json;

use crate::output::Answer;
use crate::problem::Problem;
use crate::site::{SiteOptions, not_opened};
use crate::wall_clock;

/// An installation that can be looked at.
pub(crate) enum Look {
    /// It was opened.
    Opened(Placet),
    /// Another process has it, and told this.
    Told(Box<HolderStatus>),
}

/// Why an installation cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    /// It did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What the process told that has it cannot be read.
    #[error("another process has the state directory, and what it tells cannot be read")]
    Holder(#[from] HolderError),
}

impl Look {
    /// Opens it, or takes what the process told that has it.
    pub(crate) fn of(builder: Builder) -> Result<Self, LookError> {
        // Opening makes a state directory that is not there; whoever only looks has mistyped its name.
        if let Err(error @ OpenError::State(_)) = builder.vault() {
            return Err(error.into());
        }
        let error = match builder.clone().open() {
            Ok(placet) => return Ok(Self::Opened(placet)),
            Err(error) => error,
        };
        let OpenError::Store(StoreError::Locked { directory }) = &error else { return Err(error.into()) };
        match HolderStatus::read(directory, &builder.vault()?) {
            Ok(told) => Ok(Self::Told(Box::new(told))),
            // Or it is a release that tells nothing.
            Err(HolderError::Missing) => Err(error.into()),
            Err(unreadable) => Err(unreadable.into()),
        }
    }

    /// As [`Look::of`], with a failure told in terms of the command.
    pub(crate) fn open(site: &SiteOptions) -> anyhow::Result<Self> {
        Ok(Self::of(site.builder()?).map_err(|error| match error {
            LookError::Open(error) => not_opened(error),
            LookError::Holder(error) => {
                Problem::of(error.reason(), "the installation cannot be looked at").because(error)
            }
        })?)
    }

    /// How it stands.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Opened(placet) => placet.status(),
            Self::Told(told) => told.status.clone(),
        }
    }

    /// The answer, with who told it, and its age, where it is not of this moment.
    pub(crate) fn note(&self, answer: Answer) -> Answer {
        let Self::Told(told) = self else { return answer };
        let age = age(told);
        let text = format!("as process {} told {age} s ago, which has the state directory", told.pid);
        answer.note(text, "holder", json!({ "pid": told.pid, "age_seconds": age }))
    }
}

/// So many seconds ago it was told.
pub(crate) fn age(told: &HolderStatus) -> u64 {
    let now = u64::try_from(wall_clock::now().as_millisecond()).unwrap_or(0);
    now.saturating_sub(told.written) / 1_000
}
