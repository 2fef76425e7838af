//! The three things that a policy can reach, one file each, and nothing else.

mod clock;
mod counters;
mod files;
mod tape;

pub(crate) use clock::ClockCapability;
pub(crate) use counters::CountersCapability;
pub(crate) use files::FilesCapability;
pub(crate) use tape::{Call, Strayed, Tape};

/// How many calls into the host are left to the call that a policy is in.
#[derive(Debug)]
pub(crate) struct Calls {
    left: u32,
}

/// The policy asked the host more often in one call than its budget allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls into the host")]
pub(crate) struct TooManyCalls;

impl Calls {
    /// As many as a call may make.
    pub(crate) fn new(left: u32) -> Self {
        Self { left }
    }

    /// Takes one.
    fn take(&mut self) -> Result<(), TooManyCalls> {
        self.left = self.left.checked_sub(1).ok_or(TooManyCalls)?;
        Ok(())
    }
}
