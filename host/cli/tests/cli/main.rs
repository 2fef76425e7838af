//! The built command, run as a person or a script runs it.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "what helps a test fails like one")]

mod bundle;
#[cfg(target_os = "linux")]
mod faked_clock;
mod held;
mod log;
mod outputs;
mod policy;
mod reports;
mod support;
mod templates;
mod vectors;
mod vendor;
