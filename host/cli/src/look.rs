//! Looking at an installation, be it ours to open or another process's.

use placet::{Builder, HolderStatus, OpenError, Placet, Status, StoreError};

use crate::output::Answer;
use crate::site::{SiteOptions, not_opened};
use crate::wall_clock;

/// An installation that can be looked at.
pub(crate) enum Look {
    /// It was opened.
    Opened(Placet),
    /// Another process has it, and told this.
    Told(Box<HolderStatus>),
}

impl Look {
    /// Opens it, or takes what the process told that has it.
    pub(crate) fn at(site: &SiteOptions) -> anyhow::Result<Result<Self, OpenError>> {
        Ok(Self::of(site.builder()?))
    }

    /// The same of what is to be opened.
    pub(crate) fn of(builder: Builder) -> Result<Self, OpenError> {
        // Opening makes a state directory that is not there; whoever only looks has mistyped its name.
        if let Err(error @ OpenError::State(_)) = builder.vault() {
            return Err(error);
        }
        match builder.clone().open() {
            Ok(placet) => Ok(Self::Opened(placet)),
            Err(OpenError::Store(StoreError::Locked { directory })) => match builder.vault() {
                Ok(vault) => match HolderStatus::read(&directory, &vault) {
                    Ok(told) => Ok(Self::Told(Box::new(told))),
                    // It has just begun, or is a release that tells nothing.
                    Err(_) => Err(StoreError::Locked { directory }.into()),
                },
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// As [`Look::at`], with a failure told in terms of the command.
    pub(crate) fn open(site: &SiteOptions) -> anyhow::Result<Self> {
        Ok(Self::at(site)?.map_err(not_opened)?)
    }

    /// How it stands.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Opened(placet) => placet.status(),
            Self::Told(told) => told.status.clone(),
        }
    }

    /// The answer, with its age where it is not of this moment.
    pub(crate) fn note(&self, answer: Answer) -> Answer {
        let Self::Told(told) = self else { return answer };
        let now = u64::try_from(wall_clock::now().as_millisecond()).unwrap_or(0);
        let age = now.saturating_sub(told.written) / 1_000;
        answer.warn(format!("as process {} told {age} s ago, which has the state directory", told.pid))
    }
}
